"""Hand-made SSH handshakes: what the recorded servers and clients here never say. See handmade.py.

Keys, exchange values and signatures are numbers of the right size; nothing is encrypted, and what would be is noise.
"""
import struct

from hostile import ssh_packet, ssh_string

NEWKEYS = ssh_packet(b"\x15")
NOISE = bytes((7 * number + 1) % 256 for number in range(96))


def mpint(size):
    """An mpint of so many whole bytes, behind the zero that keeps it positive."""
    return ssh_string(b"\0\xc1" + bytes((3 * number) % 251 for number in range(size - 1)))


def lists(**changed):
    """The ten lists of a KEXINIT; kex, host_key, cipher, mac, compression and language are those of both directions."""
    named = {"kex": "curve25519-sha256", "host_key": "ssh-ed25519", "cipher": "aes128-ctr", "mac": "hmac-sha2-256", "compression": "none",
             "language": "", **changed}
    order = ["kex", "host_key", "cipher", "cipher", "mac", "mac", "compression", "compression", "language", "language"]
    return [named[name].encode() for name in order]


def kexinit(cookie=b"fifteen and one.", follows=False, **changed):
    body = b"\x14" + cookie + b"".join(ssh_string(names) for names in lists(**changed))
    return ssh_packet(body + bytes([follows]) + b"\0\0\0\0")


def ed25519(seed=1):
    return ssh_string(ssh_string(b"ssh-ed25519") + ssh_string(bytes((seed + 5 * number) % 256 for number in range(32))))


def rsa(size):
    return ssh_string(ssh_string(b"ssh-rsa") + ssh_string(b"\1\0\1") + mpint(size))


def signature(name, size=64):
    return ssh_string(ssh_string(name) + ssh_string(bytes(size)))


def reply(number, key, value, name=b"ssh-ed25519"):
    return ssh_packet(bytes([number]) + key + value + signature(name))


def value(number, size):
    return ssh_packet(bytes([number]) + ssh_string(bytes(size)))


def talk(case, name, client="SSH-2.0-Handmade_1.0\r\n", server="SSH-2.0-Handmade_1.0\r\n", port=None):
    return case.start(name, port).server(server).client(client)


def finish(conversation):
    return conversation.server(NEWKEYS).client(NEWKEYS, NOISE).server(NOISE)


def families(case):
    """The messages of each family of key exchanges: RSA, GSS, sntrup761, ML-KEM in three forms, curve448, a group exchange that is asked for in the old way."""
    for method, size, answer in (("sntrup4591761x25519-sha512@tinyssh.org", 1250, 1079), ("mlkem768x25519-sha256", 1216, 1120),
                                 ("mlkem768nistp256-sha256", 1249, 1153), ("mlkem1024nistp384-sha384", 1665, 1665), ("curve448-sha512", 56, 56)):
        both = kexinit(kex=method)
        finish(talk(case, method).client(both, value(30, size)).server(both, reply(31, ed25519(), ssh_string(bytes(answer)))))
    both = kexinit(kex="rsa2048-sha256", host_key="rsa-sha2-256")
    transient = ssh_packet(b"\x1e" + rsa(256) + rsa(256))
    finish(talk(case, "RSA").client(both).server(both, transient).client(value(31, 256)).server(ssh_packet(b"\x20" + signature(b"rsa-sha2-256"))))
    both = kexinit(kex="gss-group14-sha256-toWM5Slw5Ew8Mqkay+al2g==", host_key="null")
    conversation = talk(case, "GSS").client(both).server(both).client(ssh_packet(b"\x1e" + ssh_string(b"token") + mpint(256)))
    conversation.server(ssh_packet(b"\x21" + ed25519(2)), ssh_packet(b"\x1f" + ssh_string(b"token")))
    conversation.client(ssh_packet(b"\x1f" + ssh_string(b"token")))
    finish(conversation.server(ssh_packet(b"\x20" + mpint(256) + ssh_string(b"mic") + b"\0")))
    both = kexinit(kex="gss-gex-sha1-toWM5Slw5Ew8Mqkay+al2g==", host_key="null")
    conversation = talk(case, "GSS with a group").client(both, ssh_packet(b"\x28" + struct.pack("!III", 1024, 2048, 8192)))
    conversation.server(both, ssh_packet(b"\x29" + mpint(256) + ssh_string(b"\5"))).client(ssh_packet(b"\x1e" + ssh_string(b"token") + mpint(256)))
    conversation.server(ssh_packet(b"\x22" + struct.pack("!II", 851968, 0) + ssh_string(b"no credentials") + ssh_string(b"")))
    both = kexinit(kex="diffie-hellman-group-exchange-sha1", host_key="ssh-rsa")
    conversation = talk(case, "the old request").client(both, ssh_packet(b"\x1e" + struct.pack("!I", 1024)))
    conversation.server(both, ssh_packet(b"\x1f" + mpint(128) + ssh_string(b"\2"))).client(ssh_packet(b"\x20" + mpint(128)))
    finish(conversation.server(reply(33, rsa(128), mpint(128), b"ssh-rsa")))


def guesses(case):
    """first_kex_packet_follows: a right guess of the client, a wrong one, Dropbear's more lenient rule, a wrong one of the server."""
    mine = {"kex": "curve25519-sha256,ecdh-sha2-nistp256", "host_key": "ssh-ed25519,rsa-sha2-512"}
    theirs = {"kex": "ecdh-sha2-nistp256,curve25519-sha256", "host_key": "ssh-ed25519"}
    finish(talk(case, "right").client(kexinit(follows=True, **mine), value(30, 32)).server(kexinit(**mine), reply(31, ed25519(), ssh_string(bytes(32)))))
    conversation = talk(case, "wrong").client(kexinit(follows=True, **mine), value(30, 133)).server(kexinit(**theirs))
    finish(conversation.client(value(30, 32)).server(reply(31, ed25519(), ssh_string(bytes(32)))))
    lenient = [{**lists, "kex": lists["kex"] + ",kexguess2@matt.ucc.asn.au"} for lists in (mine, theirs)]
    conversation = talk(case, "lenient").client(kexinit(follows=True, **lenient[0]), value(30, 32))
    finish(conversation.server(kexinit(**lenient[1]), reply(31, ed25519(), ssh_string(bytes(32)))))
    conversation = talk(case, "server").server(kexinit(follows=True, kex="rsa2048-sha256", host_key="rsa-sha2-256"), ssh_packet(b"\x1e" + rsa(256) + rsa(256)))
    both = {"kex": "curve25519-sha256,rsa2048-sha256", "host_key": "ssh-ed25519,rsa-sha2-256"}
    conversation.client(kexinit(**both))
    conversation = talk(case, "server, the other first").client(kexinit(**both))
    conversation.server(kexinit(follows=True, kex="rsa2048-sha256,curve25519-sha256", host_key="rsa-sha2-256,ssh-ed25519"),
                        ssh_packet(b"\x1e" + rsa(256) + rsa(256))).client(value(30, 32))
    finish(conversation.server(reply(31, ed25519(), ssh_string(bytes(32)))))


def messages(case):
    """Text before the server's identification, one without CR, 1.99, languages, and the messages that may be said in the clear: debug, ignore, unimplemented, disconnect."""
    conversation = talk(case, "text", server="Only for those who may.\r\nAll is recorded.\nSSH-2.0-Handmade-1.1 with a comment\n")
    both = kexinit(language="de,en", compression="zlib@openssh.com,none")
    conversation.client(both, ssh_packet(b"\2" + ssh_string(b"nothing to see"))).server(kexinit(language="en,de"))
    conversation.server(ssh_packet(b"\4\1" + ssh_string(b"the random numbers are poor today") + ssh_string(b"en")))
    conversation.client(ssh_packet(b"\4\0" + ssh_string(b"noted") + ssh_string(b"")), ssh_packet(b"\x63")).server(ssh_packet(b"\3\0\0\0\4"))
    finish(conversation.client(value(30, 32)).server(reply(31, ed25519(), ssh_string(bytes(32)))))
    conversation = talk(case, "disconnect", server="SSH-1.99-Handmade/2.0\r\n").client(kexinit()).server(kexinit(kex="ecdh-sha2-nistp521"))
    conversation.server(ssh_packet(b"\1\0\0\0\3" + ssh_string(b"no matching key exchange method found") + ssh_string(b"en")))
    talk(case, "of the client's own").client(ssh_packet(b"\1\0\0\x03\xe7" + ssh_string(b"I have seen enough") + ssh_string(b"")))
    strict = "curve25519-sha256,kex-strict-{}-v00@openssh.com"
    conversation = talk(case, "not strict").client(kexinit(kex=strict.format("c") + ",ext-info-c")).server(kexinit(kex=strict.format("s") + ",ext-info-s"))
    finish(conversation.client(value(30, 32), ssh_packet(b"\2" + ssh_string(b"put in between"))).server(reply(31, ed25519(), ssh_string(bytes(32)))))


def weak(case):
    """What is weak or obsolete: one finding each; the attack of CVE-2023-48795 is possible in two of them."""
    for number, changed in enumerate((
            {"kex": "diffie-hellman-group1-sha1", "host_key": "ssh-dss", "cipher": "arcfour128", "mac": "hmac-md5"},
            {"kex": "diffie-hellman-group14-sha1", "host_key": "ssh-rsa", "cipher": "3des-cbc", "mac": "hmac-sha1-96"},
            {"kex": "diffie-hellman-group16-sha512", "cipher": "aes256-cbc", "mac": "hmac-sha2-512-etm@openssh.com"},
            {"kex": "curve25519-sha256,kex-strict-c-v00@openssh.com", "cipher": "chacha20-poly1305@openssh.com"},
            {"kex": "rsa1024-sha1", "host_key": "ssh-rsa", "cipher": "none", "mac": "none"})):
        both = kexinit(**changed)
        conversation = talk(case, f"weak {number}", port=2022).client(both).server(both)
        if number < 3:
            dss = ssh_string(ssh_string(b"ssh-dss") + mpint(128) + mpint(20) + mpint(128) + mpint(128))
            key = (dss, rsa(128), ed25519(3))[number]
            finish(conversation.client(ssh_packet(b"\x1e" + mpint(128))).server(reply(31, key, mpint(128), (b"ssh-dss", b"ssh-rsa", b"ssh-ed25519")[number])))


def version1(case):
    """SSH 1.5: the server's two keys, what it supports, the cipher that the client takes; a server that speaks both; a disconnect."""
    def integer(size, first=0xC1):
        number = bytes([first]) + bytes((11 * place) % 256 for place in range(size - 1))
        return struct.pack("!H", 8 * (size - 1) + first.bit_length()) + number

    def packet(body):
        body += b"\0\0\0\0"
        return struct.pack("!I", len(body)) + bytes(8 - len(body) % 8) + body

    public = packet(b"\2" + b"a cookie" + struct.pack("!I", 768) + integer(1, 0x23) + integer(96) + struct.pack("!I", 1024) + integer(1, 0x25)
                    + integer(128, 0x81) + struct.pack("!III", 2, 0x4E, 0x3C))
    session = packet(b"\3\3" + b"a cookie" + integer(128) + struct.pack("!I", 2))
    conversation = talk(case, "1.5", "SSH-1.5-OpenSSH_3.9p1\n", "SSH-1.5-1.2.33\n").server(public).client(session)
    conversation.server(struct.pack("!I", 5) + NOISE[:8]).client(struct.pack("!I", 20) + NOISE[:24])
    talk(case, "1.99", "SSH-1.5-PuTTY-Release-0.52\n", "SSH-1.99-OpenSSH_3.6.1p2\n").server(public).client(session)
    conversation = talk(case, "disconnect", "SSH-1.5-scanner\n", "SSH-1.5-Cisco-1.25\n")
    conversation.server(packet(b"\1" + ssh_string(b"Protocol error")))
    case.start("server alone").server("SSH-1.5-1.2.27\n", public)


CONVERSATIONS = {"ssh/kex-families": (families, 22), "ssh/guesses": (guesses, 22), "ssh/messages": (messages, 22), "ssh/weak": (weak, 22),
                 "ssh/version1": (version1, 22)}

#!/usr/bin/env python3
"""Writes hand-made, well-behaved conversations: what the recorded servers and clients here never say.

handmade.py --out DIR [PROTOCOL/CASE...]   writes DIR/PROTOCOL/CASE/ (all of them by default)

Valid Ethernet, IPv4 and TCP with right checksums and handshakes, by the means of hostile.py. rdp/x509 needs the openssl
program; ssh/vlan is made from DIR/ssh/openssh.
"""
import argparse
import hashlib
import ipaddress
import pathlib
import struct
import subprocess
import tempfile

import hostile
import mails
import packets as tcp
import ssh_dialogues


def smtp_headers(case):
    """Header fields that mail programs write: Cc, Reply-To, In-Reply-To, User-Agent, a folded Subject."""
    talk = case.start("headers").server("220 mail.example.test ESMTP\r\n").client("EHLO client.example.test\r\n")
    talk.server("250 mail.example.test\r\n").client("MAIL FROM:<carol@sender.test>\r\n").server("250 ok\r\n")
    talk.client("RCPT TO:<alice@example.test>\r\n").server("250 ok\r\n").client("DATA\r\n").server("354 go on\r\n")
    talk.client("Received: from home by relay.sender.test; Mon, 2 Nov 2026 10:00:00 +0000\r\n"
                "From: Carol <carol@sender.test>\r\nTo: alice@example.test\r\nCc: Bob <bob@example.test>,\r\n dave@example.test\r\n"
                "Reply-To: list@sender.test\r\nIn-Reply-To: <first@example.test>\r\nUser-Agent: Handmade/1.0\r\n"
                "Date: Mon, 2 Nov 2026 10:00:01 +0000\r\nMessage-ID: <second@sender.test>\r\n"
                "Subject: a subject that is\r\n folded over\r\n\tthree lines\r\n\r\nbody\r\n.\r\n")
    talk.server("250 queued as 1\r\n").client("QUIT\r\n").server("221 bye\r\n")


def ftp_system(case):
    """SYST and what it answers; a session without a transfer."""
    talk = case.start("system").server("220 server.example.test FTP ready\r\n").client("USER ftp\r\n")
    talk.server("331 say who you are\r\n").client("PASS someone@client.test\r\n").server("230 welcome\r\n")
    talk.client("SYST\r\n").server("215 UNIX Type: L8\r\n").client("QUIT\r\n").server("221 bye\r\n")


def ftp_login(talk, user, password, code="230 in"):
    return talk.client(f"USER {user}\r\n").server("331 password\r\n").client(f"PASS {password}\r\n").server(code + "\r\n")


def ftp_logins(case):
    """HOST; passwords guessed over many connections until one fits; a reply that repeats the password; an anonymous user who writes."""
    for number in range(12):
        ftp_login(case.start("guess").server("220 ready\r\n"), "alice", f"guess{number}", "530 Login incorrect.")
    ftp_login(case.start("the right one").server("220 ready\r\n"), "alice", "correct")
    talk = case.start("repeats").server("220 ready\r\n").client("HOST ftp.example.test\r\n").server("220 ftp.example.test\r\n")
    talk.client("USER bob\r\n").server("331 password\r\n").client("PASS hidden word\r\n")
    talk.server("500 'PASS hidden word': command not understood\r\n").client("PASS hidden word\r\n").server("332 account\r\n")
    talk.client("ACCT hidden too\r\n").server("230 in\r\n").client("REIN\r\n").server("220 ready\r\n")
    talk = ftp_login(talk, "anonymous", "a@client.test", "230 OK. Current directory is /incoming")
    talk.client("MKD new\r\n").server('257 "/incoming/new" created\r\n').client("SITE EXEC id\r\n").server("502 no\r\n")


def ftp_step(case):
    """Replies out of step: none of the protocol's, one for two commands (ABOR with Telnet's signals), more than asked for."""
    talk = ftp_login(case.start("malformed").server("220 ready\r\n"), "alice", "secret")
    talk.client("NOOP\r\n").server("OK\r\n").client("PWD\r\n").server('257 "/home" is current directory\r\n')
    talk.client("SIZE a\r\n").server("213-\r\n213 17\r\n").client("NOOP\r\n").server("wait a moment\r\n200 ok\r\n")
    talk.client("CWD sub\r\nDELE b\r\n").server("250 in /home/sub\r\n250 gone\r\n").server("421 Timeout\r\n")
    talk = ftp_login(case.start("one for two").server("220 ready\r\n"), "alice", "secret").client("RETR a\r\n")
    talk.server("150 here it comes\r\n").client(b"\xff\xf4\xff\xf2ABOR\r\n").server("226 Abort successful\r\n")
    talk.client("PWD\r\n").server('257 "/" is current directory\r\n').client("CWD x\r\n").server("250 ok\r\n").client("DELE y\r\n").server("250 ok\r\n")


def ftp_ccc(case):
    """CCC: the session goes on in the clear behind TLS. Then commands in one breath with AUTH, and TLS that never begins."""
    def begin(name):
        return case.start(name).server("220 ready\r\n")

    hidden = tls_record(23, bytes(range(40)))
    begin("ccc").client("AUTH TLS\r\n").server("234 go on\r\n").client(hidden).server(hidden).client(hidden, tls_record(21, b"\0" * 26)).server(
        hidden, tls_record(21, b"\0" * 26)).client("CWD /pub\r\n").server("250 ok\r\n").client("SIZE a\r\n").server("213 17\r\n")
    begin("in one breath").client("AUTH TLS\r\nUSER mallory\r\n").server("234 go on\r\n").client(tls_record(22, b"\1\0\0\0")).server(hidden)
    ftp_login(begin("in the clear").client("AUTH TLS\r\n").server("234 go on\r\n"), "alice", "secret")


def tls_record(kind, body):
    return struct.pack("!BHH", kind, 0x0303, len(body)) + body


def tls_handshake(kind, body):
    return tls_record(22, struct.pack("!B", kind) + struct.pack("!I", len(body))[1:] + body)


def tls_extension(kind, body):
    return struct.pack("!HH", kind, len(body)) + body


def tls_alpn(case):
    """TLS 1.2 hellos with a server name and ALPN on both sides (RFC 6066, 7301), then a fatal alert in the clear."""
    name = b"www.example.test"
    offered = b"\x02h2\x08http/1.1"
    sni = tls_extension(0, struct.pack("!HBH", len(name) + 3, 0, len(name)) + name)
    client = sni + tls_extension(16, struct.pack("!H", len(offered)) + offered)
    server = tls_extension(16, struct.pack("!H", 9) + b"\x08http/1.1")
    hello = b"\x03\x03" + bytes(range(32)) + b"\0" + struct.pack("!HH", 2, 0xC02F) + b"\x01\0" + struct.pack("!H", len(client)) + client
    answer = b"\x03\x03" + bytes(range(32, 64)) + b"\0" + struct.pack("!HB", 0xC02F, 0) + struct.pack("!H", len(server)) + server
    case.start("alpn").client(tls_handshake(1, hello)).server(tls_handshake(2, answer)).client(tls_record(21, b"\x02\x2a"))


def certificate():
    """A fresh self-signed certificate, DER."""
    with tempfile.TemporaryDirectory() as folder:
        key = pathlib.Path(folder) / "key.pem"
        return subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-outform", "DER", "-days", "3650",
                               "-subj", "/O=Example/CN=desktop.example.test"], check=True, capture_output=True).stdout


def rdp_x509(case):
    """Standard RDP security with an X.509 certificate, and a client that tells its product id."""
    cookie = b"Cookie: mstshash=erin\r\n"
    product = "00330-80000-00000-AA000".encode("utf-16-le").ljust(64, b"\0")
    core = hostile.core("WORKSTATION".encode("utf-16-le"), 1280, 1024)[:-64] + product
    security = hostile.block(0xC002, struct.pack("<II", 0x1B, 0))
    network = hostile.block(0xC003, struct.pack("<I", 1) + b"cliprdr\0" + struct.pack("<I", 0xC0A00000))
    der = certificate()
    chain = struct.pack("<III", 0x80000002, 1, len(der)) + der
    answer = (hostile.block(0x0C01, struct.pack("<II", 0x00080004, 0)) + hostile.block(0x0C03, struct.pack("<HHHH", 1003, 1, 1004, 0))
              + hostile.block(0x0C02, struct.pack("<IIII", 2, 2, 32, len(chain)) + bytes(range(32)) + chain))
    gcc = b"\x14\x76\x0a\x01\x01\x00\x01\xc0\x00McDn" + struct.pack("!H", 0x8000 | len(answer)) + answer
    gcc = b"\x00\x05\x00\x14\x7c\x00\x01" + struct.pack("!H", 0x8000 | len(gcc)) + gcc
    numbers = b"".join(b"\x02\x01" + bytes([value]) for value in (34, 3, 0, 1, 0, 1)) + b"\x02\x02\xff\xf8\x02\x01\x02"
    body = b"\x0a\x01\x00\x02\x01\x00\x30" + bytes([len(numbers)]) + numbers + hostile.ber(b"\x04", gcc)
    talk = case.start("x509").client(hostile.tpkt(bytes([6 + len(cookie)]) + b"\xe0\0\0\0\0\0" + cookie))
    talk.server(hostile.tpkt(b"\x06\xd0\0\0\x12\x34\0"))
    talk.client(hostile.connect_initial(hostile.block(0xC001, core) + security + network))
    talk.server(hostile.x224_data(hostile.ber(b"\x7f\x66", body)))


def udp_frame(source, target, payload):
    """Ethernet, IPv4 and UDP."""
    addresses = ipaddress.ip_address(source[0]).packed + ipaddress.ip_address(target[0]).packed
    udp = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload
    udp = udp[:6] + struct.pack("!H", tcp.checksum(addresses + struct.pack("!HH", 17, len(udp)) + udp) or 0xFFFF) + udp[8:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0) + addresses
    header = header[:10] + struct.pack("!H", tcp.checksum(header)) + header[12:]
    return bytes.fromhex("0200000000020200000000010800") + header + udp


class Transport:
    """One RDPEUDP flow beside a conversation, in its time."""

    def __init__(self, talk, port):
        self.talk = talk
        self.ends = {"client": (hostile.CLIENT, port), "server": (hostile.SERVER, 3389)}

    def says(self, side, payload):
        other = "server" if side == "client" else "client"
        self.talk.frames.append((self.talk.time, udp_frame(self.ends[side], self.ends[other], payload)))
        self.talk.time += 500

    def syn(self, version, lossy=False, correlation=b"", cookie_hash=b""):
        """[MS-RDPEUDP] 2.2.2.1, 2.2.2.5 and 2.2.2.9, padded to the MTU."""
        flags = 0x0001 | (0x0200 if lossy else 0) | (0x0800 if correlation else 0) | (0x1000 if version else 0)
        more = (correlation + bytes(16) if correlation else b"") + (struct.pack("!HH", 1, version) + cookie_hash if version else b"")
        self.says("client", (struct.pack("!IHHIHH", 0xFFFFFFFF, 64, flags, 0x1000, 1232, 1232) + more).ljust(1232, b"\0"))

    def syn_ack(self, version):
        """Windows does not repeat that it is lossy."""
        flags = 0x0005 | (0x1000 if version else 0)
        more = struct.pack("!HH", 1, version) if version else b""
        self.says("server", (struct.pack("!IHHIHH", 0x1000, 64, flags, 0x2000, 1232, 1200) + more).ljust(1232, b"\0"))

    def data(self, side, payload, acknowledged=b"\2"):
        """2.2.3: an acknowledgment with its vector, then source data."""
        vector = struct.pack("!H", len(acknowledged)) + acknowledged
        self.says(side, struct.pack("!IHH", 0x1001, 64, 0x000C) + vector + b"\0" * (-len(vector) % 4) + struct.pack("!II", 0x1002, 0x1002) + payload)

    def packet(self, side, flags, before, payload):
        """[MS-RDPEUDP2] 2.2.1: the prefix changes places with the eighth byte."""
        packet = bytearray(b"\0" + struct.pack("<H", 0xC000 | flags) + before + struct.pack("<H", 1) + payload)
        packet[0], packet[7] = packet[7], packet[0]
        self.says(side, bytes(packet))


def dtls_handshake(kind, body):
    """RFC 6347, 4.1 and 4.2.2."""
    length = struct.pack("!I", len(body))[1:]
    message = bytes([kind]) + length + bytes(5) + length + body
    return struct.pack("!BHHIHH", 22, 0xFEFD, 0, 0, 0, len(message)) + message


def rdp_udp(case):
    """A session that negotiates TLS, and UDP transports beside it: RDPEUDP2 with TLS, lossy RDPEUDP with DTLS, one that is not answered, one whose SYN is missing."""
    talk = case.start("session").client(hostile.tpkt(b"\x0e\xe0\0\0\0\0\0" + b"\x01\0\x08\0\x01\0\0\0"))
    talk.server(hostile.tpkt(b"\x0e\xd0\0\0\x12\x34\0" + b"\x02\0\x08\0\x01\0\0\0"))
    hello = bytes(32) + b"\0" + struct.pack("!HH", 2, 0xC02F) + b"\x01\0"
    answer = bytes(range(32)) + b"\0" + struct.pack("!HB", 0xC02F, 0)
    reliable = Transport(talk, 50001)
    reliable.syn(0x0101, correlation=bytes(range(16)), cookie_hash=hashlib.sha256(b"a cookie of 16 b").digest())
    reliable.syn_ack(0x0101)
    reliable.packet("client", 0x114, b"\x01" + struct.pack("<HH", 500, 100) + struct.pack("<H", 100), tls_handshake(1, b"\x03\x03" + hello))
    reliable.packet("server", 0x045, struct.pack("<H", 100) + bytes(4) + b"\x02\x01\x02" + b"\x10" + struct.pack("<H", 100),
                    tls_handshake(2, b"\x03\x03" + answer))
    lossy = Transport(talk, 50002)
    lossy.syn(2, lossy=True)
    lossy.syn_ack(2)
    lossy.data("client", dtls_handshake(1, b"\xfe\xfd" + hello))
    lossy.data("server", dtls_handshake(3, b"\xfe\xfd\x04abcd"), b"\1\2\3")
    lossy.data("client", dtls_handshake(1, b"\xfe\xfd" + bytes(32) + b"\0\x04abcd" + hello[33:]))
    lossy.data("server", dtls_handshake(2, b"\xfe\xfd" + answer))
    Transport(talk, 50003).syn(0)
    Transport(talk, 50004).syn_ack(2)


CONVERSATIONS = {"rdp/udp": (rdp_udp, 3389), "smtp/headers": (smtp_headers, 25), "ftp/system": (ftp_system, 21), "ftp/logins": (ftp_logins, 21),
                 "ftp/step": (ftp_step, 21), "ftp/ccc": (ftp_ccc, 21), "tls/alpn": (tls_alpn, 443), "rdp/x509": (rdp_x509, 3389), **mails.CONVERSATIONS, **ssh_dialogues.CONVERSATIONS}


def write_conversation(name, folder):
    function, port = CONVERSATIONS[name]
    case = hostile.Case(port)
    function(case)
    frames = []
    for conversation in case.conversations:
        conversation.finish()
        frames += conversation.frames
    tcp.write(folder / "capture.pcap", frames)
    return function.__doc__


def pcapng_block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def write_vlan(name, folder):
    """ssh/openssh with a VLAN tag on each frame, as pcapng whose statistics tell of three lost packets, read through a filter."""
    data = pcapng_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + pcapng_block(1, struct.pack("<HHI", 1, 0, 262144))
    last = 0
    for packet in tcp.read(folder.parent / "openssh" / "capture.pcap"):
        frame = packet.frame[:12] + b"\x81\x00\x00\x07" + packet.frame[12:]
        last = packet.time
        data += pcapng_block(6, struct.pack("<IIIII", 0, packet.time >> 32, packet.time & 0xFFFFFFFF, len(frame), len(frame)) + frame)
    data += pcapng_block(5, struct.pack("<III", 0, last >> 32, last & 0xFFFFFFFF) + struct.pack("<HHQ", 5, 8, 3) + bytes(4))
    (folder / "capture.pcapng").write_bytes(data)
    (folder / "options").write_text("-f 'vlan and tcp port 22'\n")
    return write_vlan.__doc__


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    known = [*CONVERSATIONS, "ssh/vlan"]
    for name in options.cases or known:
        if name not in known:
            parser.error(f"no such case: {name}; known: {' '.join(known)}")
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        purpose = write_vlan(name, folder) if name == "ssh/vlan" else write_conversation(name, folder)
        origin = "the recorded packets of ssh/openssh, with a VLAN tag added" if name == "ssh/vlan" else "hand-made packets with right checksums"
        (folder / "README.md").write_text(f"# {name}\n\nPurpose: {purpose}\n\nOrigin: {origin}.\n\n"
                                          f"Made by: `tests/record/handmade.py --out tests {name}`\n")


if __name__ == "__main__":
    main()

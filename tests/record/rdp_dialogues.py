#!/usr/bin/env python3
"""Writes hand-made RDP connections: what the recorded servers and clients here never say.

rdp_dialogues.py --out DIR [CASE...]   writes DIR/rdp/CASE/ (all of them by default)

Valid Ethernet, IPv4 and TCP with right checksums and handshakes, by the means of hostile.py.
"""
import argparse
import hashlib
import itertools
import pathlib
import struct

import hostile
import packets as tcp
from hostile import ber, block, tpkt, x224_data

# The key that signs all proprietary certificates ([MS-RDPBCGR] 5.3.3.1.1), both halves of which are public.
SIGNING_MODULUS = int.from_bytes(bytes.fromhex(
    "3d3a5ebd72433ec94dbbc11e4aba5fcb3e882087eff5c1e2d7b76b9af2524595ce63656b583afeef7ce7bffe3df65c7d6c5e06091af561bb2093095f056dea87"), "little")
SIGNING_EXPONENT = int.from_bytes(bytes.fromhex(
    "87a71932da1187555800161625656 8f8243ee6fae9674994cf92cc3399e80860179a129f24ddb12499c73ab80a7b0ddd350779170b519bb3c7100113e73ff35f".replace(" ", "")), "little")
# The server's, made for these cases alone.
MODULUS = 0xd5e0cad9a07fdbb8e2fa643e5b87bb63f9da6ee362275e97342ff5da665624dd284c502598f074a159cb23e7483a61063af378f39c301ec14588a57df028aec5
PRIVATE_EXPONENT = 0x83a2a736eaa1c70a34290829990c2139973de9a1e97771b07e5e4662f5396fd5cd79f9f2f22051b3894fc58dc373e31889a8d40a2851d662892bea9369a53ed
SERIAL, BUILD, LAYOUT = 7, 22631, 0x00010407


def utf16(text, length):
    return text.encode("utf-16-le").ljust(length, b"\0")


def core(name="STATION", early=0x0FEF, selected=0, layout=LAYOUT):
    """TS_UD_CS_CORE with all that may stand in it."""
    return (struct.pack("<IHHHHII", 0x00080011, 2560, 1440, 0xCA01, 0xAA03, layout, BUILD) + utf16(name, 32)
            + struct.pack("<III", 7, 2, 15) + utf16("imejp.ime", 64) + struct.pack("<HHIHHH", 0xCA01, 1, SERIAL, 24, 15, early)
            + utf16("00330-80000-00000-AA368", 64) + struct.pack("<BBI", 6, 0, selected) + struct.pack("<IIHII", 597, 336, 90, 150, 140))


def channels(*names):
    return block(0xC003, struct.pack("<I", len(names)) + b"".join(name.encode().ljust(8, b"\0") + struct.pack("<I", 0xFFF00001) for name in names))


def monitors(places, attributes=None):
    body = struct.pack("<II", 0, len(places)) + b"".join(struct.pack("<iiiiI", *place) for place in places)
    if attributes is None:
        return block(0xC005, body)
    return block(0xC005, body) + block(0xC008, struct.pack("<III", 0, 20, len(attributes)) + b"".join(struct.pack("<IIIII", *one) for one in attributes))


def certificate(modulus, signature=None):
    """A proprietary one, signed as all of them are unless another signature is given."""
    modulus = modulus.to_bytes(64, "little")
    key = struct.pack("<IIIII", 0x31415352, 72, 512, 63, 65537) + modulus + bytes(8)
    head = struct.pack("<IIIHH", 1, 1, 1, 6, len(key)) + key
    if signature is None:
        padded = hashlib.md5(head).digest() + b"\0" + b"\xff" * 45 + b"\1"
        signature = pow(int.from_bytes(padded, "little"), SIGNING_EXPONENT, SIGNING_MODULUS).to_bytes(64, "little")
    return head + struct.pack("<HH", 8, 72) + signature + bytes(8)


class Sealer:
    """The client's side of standard RDP security (5.3.5 to 5.3.7)."""

    def __init__(self, method, client_random, server_random):
        self.method = method
        self.packets = self.key_packets = 0

        def salted(secret, letters):
            return hashlib.md5(secret + hashlib.sha1(letters + secret + client_random + server_random).digest()).digest()

        secret = client_random[:24] + server_random[:24]
        for letters in ((b"A", b"BB", b"CCC"), (b"X", b"YY", b"ZZZ")):
            secret = b"".join(salted(secret, one) for one in letters)
        self.signing = self.weakened(secret[:16])
        self.first = self.key = self.weakened(hashlib.md5(secret[32:] + client_random + server_random).digest())
        self.stream = self.rc4(self.key)

    def weakened(self, key):
        salt = {1: b"\xd1\x26\x9e", 8: b"\xd1", 2: b""}[self.method]
        return key if self.method == 2 else salt + key[len(salt):8]

    @staticmethod
    def rc4(key):
        state, j = list(range(256)), 0
        for i in range(256):
            j = (j + state[i] + key[i % len(key)]) & 255
            state[i], state[j] = state[j], state[i]
        j = 0
        for i in itertools.count(1):
            i &= 255
            j = (j + state[i]) & 255
            state[i], state[j] = state[j], state[i]
            yield state[(state[i] + state[j]) & 255]

    def update(self):
        inner = hashlib.sha1(self.first + b"\x36" * 40 + self.key).digest()
        key = hashlib.md5(self.first + b"\x5c" * 48 + inner).digest()[:len(self.first)]
        self.key = self.weakened(bytes(byte ^ mask for byte, mask in zip(key, self.rc4(key))))
        self.stream, self.key_packets = self.rc4(self.key), 0

    def seal(self, data, salted=False):
        """Signature and data, encrypted."""
        if self.key_packets == 4096:
            self.update()
        count = struct.pack("<I", self.packets) if salted else b""
        inner = hashlib.sha1(self.signing + b"\x36" * 40 + struct.pack("<I", len(data)) + data + count).digest()
        self.packets, self.key_packets = self.packets + 1, self.key_packets + 1
        return hashlib.md5(self.signing + b"\x5c" * 48 + inner).digest()[:8] + bytes(byte ^ mask for byte, mask in zip(data, self.stream))


def send_data(flags, body, channel=1003):
    """An MCS Send Data Request with a security header."""
    data = struct.pack("<HH", flags, 0) + body
    return x224_data(b"\x64" + struct.pack("!HHB", 6, channel, 0x70) + struct.pack("!H", 0x8000 | len(data)) + data)


def info(user, domain):
    """TS_INFO_PACKET (2.2.1.11.1.1) without its extension."""
    texts = [text.encode("utf-16-le") for text in (domain, user, "secret", "", "")]
    return struct.pack("<II", 0, 0x13) + struct.pack("<5H", *map(len, texts)) + b"".join(text + b"\0\0" for text in texts)


def fast_input(sealer, event):
    """One fast-path input event, encrypted (2.2.8.1.2)."""
    sealed = sealer.seal(event)
    return struct.pack("BB", 0x80 | 1 << 2, 2 + len(sealed)) + sealed


def domain(channel_count=34, users=3):
    numbers = b"".join(b"\x02\x01" + bytes([value]) for value in (channel_count, users, 0, 1, 0, 1)) + b"\x02\x03\x00\xff\xf8\x02\x01\x02"
    return b"\x30" + bytes([len(numbers)]) + numbers


def connect_response(blocks, result=0, granted=None):
    """`blocks` None: the server refuses, and says no more."""
    gcc = b""
    if blocks is not None:
        gcc = b"\x00\x05\x00\x14\x7c\x00\x01\x2a\x14\x76\x0a\x01\x01\x00\x01\xc0\x00McDn" + struct.pack("!H", 0x8000 | len(blocks)) + blocks
    body = b"\x0a\x01" + bytes([result]) + b"\x02\x01\x00" + (granted or domain()) + ber(b"\x04", gcc)
    return x224_data(ber(b"\x7f\x66", body))


def request(protocols, cookie="Cookie: mstshash=handmade\r\n", flags=0, correlation=None):
    variable = cookie.encode() + struct.pack("<BBHI", 1, flags, 8, protocols)
    if correlation:
        variable += struct.pack("<BBH", 6, 0, 36) + correlation + bytes(16)
    return tpkt(bytes([6 + len(variable)]) + b"\xe0\0\0\0\0\0" + variable)


def confirm(protocol, flags=0, kind=2, reference=0x1234):
    return tpkt(b"\x0e\xd0\0\0" + struct.pack("!H", reference) + b"\0" + struct.pack("<BBHI", kind, flags, 8, protocol))


def server(ids, requested=0, early=15, more=b"", security=None):
    network = struct.pack("<HH", 1003, len(ids)) + b"".join(struct.pack("<H", one) for one in ids) + bytes(2 * (len(ids) % 2))
    return (block(0x0C01, struct.pack("<III", 0x00080011, requested, early)) + block(0x0C03, network)
            + block(0x0C02, security or struct.pack("<II", 0, 0)) + more)


def every_block(case):
    """Every data block of both sides with all that may stand in it, in sessions of Windows as far as its specification tells: three
    monitors and what they measure, a redirected session, UDP transports, blocks that nobody knows, a correlation id; preconnection PDUs; every reason to refuse."""
    whole = (block(0xC001, core()) + block(0xC002, struct.pack("<II", 0, 0x0A)) + channels("rdpdr", "cliprdr", "drdynvc")
             + block(0xC004, struct.pack("<II", 0x4F, 3))
             + monitors([(0, 0, 2559, 1439, 1), (2560, -200, 4479, 879, 0), (-1024, 0, -1, 767, 0)],
                        [(597, 336, 0, 150, 140), (530, 300, 90, 100, 100), (0, 0, 0, 0, 0)])
             + block(0xC006, bytes(4)) + block(0xC00A, struct.pack("<I", 0x305)) + block(0xC00C, bytes(2)))
    talk = case.start("everything").client(request(0, flags=8, correlation=bytes(range(16, 32)))).server(confirm(0, flags=0x1F))
    talk.client(hostile.connect_initial(whole)).server(connect_response(server(
        (1004, 1005, 1006), more=block(0x0C04, struct.pack("<H", 1007)) + block(0x0C08, struct.pack("<I", 0x301)))))
    talk = case.start("a token of a farm").client(request(3, "tsv://MS Terminal Services Plugin.1.Farm\r\n", flags=3)).server(
        confirm(5, kind=3))
    case.start("sent to 10.75.3.200").client(request(0, "Cookie: msts=3355659018.15629.0000\r\n")).server(confirm(0)).client(
        hostile.connect_initial(block(0xC001, core("OLD", layout=0x0411)[:132]))).server(connect_response(None, result=14))
    for code in (1, 2, 3, 4, 6, 99):
        case.start(f"failure {code}").client(request(0)).server(confirm(code, kind=3))
    name = "3C571ED0-3415-474B-AE94-74E151B"
    case.start("a machine of Hyper-V").client(
        struct.pack("<IIIIH", 18 + 2 * len(name) + 2, 0, 2, 0, len(name) + 1) + utf16(name, 2 * len(name) + 2), request(3)).server(confirm(2, flags=0x1F))
    case.start("an id before all").client(struct.pack("<IIII", 16, 0, 1, 4711) + request(0)).server(confirm(0))
    case.start("Entra ID").client(request(0x11)).server(confirm(0x10, flags=1))
    case.start("RDSTLS").client(request(0x7)).server(confirm(4, flags=0x1F, reference=0))


def attacks(case):
    """Connections with a purpose: a channel MS_T120 (CVE-2019-0708), a negotiation that somebody changed on its way, a proprietary
    certificate with another signature, more channels and monitors than are allowed."""
    talk = case.start("MS_T120 among the channels").client(request(0)).server(confirm(0))
    talk.client(hostile.connect_initial(block(0xC001, core()) + channels("rdpdr", "MS_T120", "rdpsnd"))).server(
        connect_response(server((1004, 1005, 1006))))
    talk = case.start("ms_t120 behind the 31st channel").client(request(0)).server(confirm(0))
    talk.client(hostile.connect_initial(block(0xC001, core()) + channels(*[f"chan{n}" for n in range(33)], "ms_t120")))
    talk = case.start("downgraded").client(request(0)).server(confirm(0))
    talk.client(hostile.connect_initial(block(0xC001, core(selected=1)))).server(connect_response(server((), requested=3)))
    talk = case.start("another certificate").client(request(0)).server(confirm(0))
    security = struct.pack("<IIII", 2, 3, 32, 184) + bytes(range(32)) + certificate(MODULUS, bytes(range(1, 65)))
    talk.client(hostile.connect_initial(block(0xC001, core()))).server(connect_response(server((), security=security)))
    talk = case.start("twenty monitors").client(request(0)).server(confirm(0))
    talk.client(hostile.connect_initial(block(0xC001, core()) + monitors([(n * 100, 0, n * 100 + 99, 99, 0) for n in range(20)])))


def begin_keyed(case, name, method, modulus=MODULUS, exchanged=None):
    """A session up to its client random, and the client's side of its encryption."""
    client_random, server_random = bytes(range(7, 39)), bytes(range(32))
    security = struct.pack("<IIII", method, 2, 32, 184) + server_random + certificate(modulus)
    talk = case.start(name).client(request(0)).server(confirm(0)).client(
        hostile.connect_initial(block(0xC001, core()))).server(connect_response(server((), security=security)))
    sealed = pow(int.from_bytes(client_random, "little"), 65537, modulus) if exchanged is None else exchanged
    talk.client(send_data(1, struct.pack("<I", 72) + sealed.to_bytes(64, "little") + bytes(8)))
    return talk, Sealer(method, client_random, server_random)


def keyed(case):
    """Standard RDP security opened with the server's key: 56 bits, which no server here speaks, with salted signatures; three keys in
    turn, each for 4096 packets; a signature that does not hold; another server's key; a client random that the server's key does not
    open."""
    talk, sealer = begin_keyed(case, "56 bits", 8)
    talk.client(send_data(0x0848, sealer.seal(info("alice", "EXAMPLE"), salted=True)))
    talk, sealer = begin_keyed(case, "three keys", 2)
    talk.client(send_data(0x0048, sealer.seal(info("bob", "EXAMPLE"))))
    for _ in range(41):
        talk.client(b"".join(fast_input(sealer, b"\x60") for _ in range(200)))
    talk, sealer = begin_keyed(case, "a signature that does not hold", 1)
    talk.client(send_data(0x0048, sealer.seal(info("carol", "EXAMPLE"))))
    wrong = bytearray(fast_input(sealer, b"\x60"))
    wrong[2] ^= 1
    talk.client(bytes(wrong), fast_input(sealer, b"\x60"))
    talk, sealer = begin_keyed(case, "another server's key", 2, MODULUS - 2)
    talk.client(send_data(0x0048, sealer.seal(info("erin", "EXAMPLE"))))
    talk, sealer = begin_keyed(case, "no client random", 2, exchanged=MODULUS // 3)
    talk.client(send_data(0x0048, sealer.seal(info("frank", "EXAMPLE"))))


def keyed_gap(case):
    """Standard RDP security opened with the server's key, and three packets of the client missing: RC4 is out of step from there on, and
    that side stays shut; what was read before stands."""
    talk, sealer = begin_keyed(case, "bytes missing", 2)
    talk.client(send_data(0x0048, sealer.seal(info("dave", "EXAMPLE"))), fast_input(sealer, b"\x60"))
    talk.sequence["client"] += len(fast_input(sealer, b"\x60")) * 3
    talk.client(*[fast_input(sealer, b"\x60") for _ in range(20)])


def key_file():
    """The server's key as xrdp keeps it."""
    def line(name, number, length):
        return f"{name}=" + ",".join(f"0x{byte:02x}" for byte in number.to_bytes(length, "little")) + "\n"
    return "[keys]\n" + line("pub_exp", 65537, 4) + line("pub_mod", MODULUS, 64) + line("pri_exp", PRIVATE_EXPONENT, 64)



def send(code, data, channel=1003):
    return x224_data(struct.pack("!BHHBH", code, 6, channel, 0x70, 0x8000 | len(data)) + data)


def share_data(kind, body):
    return struct.pack("<HHHIBBHBBH", 18 + len(body), 0x17, 1002, 0x103EA, 0, 1, len(body), kind, 0, 0) + body


def client_info(*texts, address="192.0.2.7", directory="C:\\rdp.dll"):
    """Domain, user, password, program, working directory."""
    coded = [text.encode("utf-16-le") for text in texts]
    extra = [text.encode("utf-16-le") + bytes(2) for text in (address, directory)]
    zone = struct.pack("<i", -60) + "CET".encode("utf-16-le").ljust(168, b"\0")
    return (struct.pack("<IIIHHHHH", 0x40, 0, 0x13, *map(len, coded)) + b"".join(one + bytes(2) for one in coded) + struct.pack("<H", 2)
            + b"".join(struct.pack("<H", len(one)) + one for one in extra) + zone + struct.pack("<III", 0, 7, 0))


def notices(case):
    """Sessions in the clear: a password and a program in client info, a login with its session's id, keys typed, sound, dynamic channels, the server's errors and status,
    redirection, the offer of UDP, and reasons to disconnect. Read with --passwords and --keystrokes."""
    talk = case.start("a login").client(request(0)).server(confirm(0))
    talk.client(hostile.connect_initial(block(0xC001, core()) + channels("rdpsnd", "drdynvc", "cliprdr")))
    talk.server(connect_response(server((1004, 1005, 1006), more=block(0x0C04, struct.pack("<H", 1007)))))
    talk.client(send(0x64, client_info("EXAMPLE", "alice", "hush hush", "notepad.exe", "C:\\work")))
    talk.server(send(0x68, struct.pack("<IBBHII", 0x80, 0xFF, 3, 16, 7, 2) + struct.pack("<HH", 4, 0)))
    logon = struct.pack("<IHIIII", 1, 1, 576, 42, 16, 12) + bytes(558) + "EXAMPLE\0alice\0".encode("utf-16-le")
    talk.server(send(0x68, share_data(38, logon)) + send(0x68, share_data(54, struct.pack("<I", 0x401))))
    talk.client(bytes([0x10, 10, 0, 0x23, 1, 0x23, 0, 0x17, 1, 0x17]))
    talk.server(send(0x68, struct.pack("<IIBB", 7, 3, 0x10, 1) + b"ECHO\0", 1005))
    talk.server(send(0x68, struct.pack("<II", 24, 3) + struct.pack("<BBHHHBBHI", 13, 0, 20, 0, 0, 1, 0, 0, 0) + b"pcm.pcm.", 1004))
    talk.server(send(0x68, struct.pack("<II", 12, 3) + struct.pack("<HHII", 4, 0, 4, 13), 1006))
    talk.client(send(0x64, struct.pack("<II", 14, 3) + struct.pack("<HHI", 5, 1, 6) + "hi\0".encode("utf-16-le"), 1006))
    talk.server(send(0x68, struct.pack("<IIHH", 2, 1, 1, 0) + bytes(range(16)), 1007))
    talk.server(send(0x68, share_data(47, struct.pack("<I", 0xC))) + x224_data(b"\x20\x80"))


CASES = {"every-block": every_block, "attacks": attacks, "keyed": keyed, "keyed-gap": keyed_gap, "notices": notices}
OPTIONS = {"notices": "--passwords --keystrokes\n"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    for name in options.cases or CASES:
        if name not in CASES:
            parser.error(f"no such case: {name}; known: {' '.join(CASES)}")
        folder = options.out / "rdp" / name
        folder.mkdir(parents=True, exist_ok=True)
        case = hostile.Case(3389)
        CASES[name](case)
        frames = []
        for conversation in case.conversations:
            conversation.finish()
            frames += conversation.frames
        tcp.write(folder / "capture.pcap", frames)
        if name.startswith("keyed"):
            (folder / "rsakeys.ini").write_text(key_file())
            (folder / "options").write_text("--rdp-key rsakeys.ini\n")
        if name in OPTIONS:
            (folder / "options").write_text(OPTIONS[name])
        purpose = " ".join(CASES[name].__doc__.split())
        (folder / "README.md").write_text(f"# rdp/{name}\n\nPurpose: {purpose}\n\nOrigin: hand-made packets with right checksums.\n\n"
                                          f"Made by: `tests/record/rdp_dialogues.py --out tests {name}`\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes hand-made hostile conversations: lengths that lie, counts and nesting beyond limits.

hostile.py --list PROTOCOL            names its case
hostile.py --out DIR PROTOCOL/hostile writes DIR/PROTOCOL/hostile/

Each capture holds several connections, one attack each, as valid Ethernet, IPv4 and TCP with
right checksums and handshakes. truth.json names the attacks and counts the bytes of each side.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import struct
import zlib

import packets as tcp

CLIENT, SERVER = "10.66.0.2", "10.66.0.1"
SEGMENT = 1400
START = 1700000000000000


class Conversation:
    """One TCP connection under construction; both sides speak through send()."""

    def __init__(self, name, port, number):
        self.name = name
        self.ends = {"client": (CLIENT, 41000 + number), "server": (SERVER, port)}
        self.sequence = {"client": 0xFFFFF000 + number, "server": 7000 + number}
        self.time = START + number * 1000000
        self.frames = []
        self.packet("client", tcp.SYN)
        self.packet("server", tcp.SYN | tcp.ACK)
        self.packet("client", tcp.ACK)

    def packet(self, side, flags, payload=b"", sequence=None):
        other = "server" if side == "client" else "client"
        at = self.sequence[side] if sequence is None else sequence
        self.frames.append((self.time, tcp.tcp_frame(
            self.ends[side], self.ends[other], at,
            self.sequence[other] if flags & tcp.ACK else 0, flags, payload)))
        self.time += 200
        if sequence is None:
            self.sequence[side] = (at + len(payload) + bool(flags & (tcp.SYN | tcp.FIN))) % (1 << 32)

    def send(self, side, data):
        """Data in segments, each acknowledged."""
        if isinstance(data, str):
            data = data.encode()
        for at in range(0, len(data), SEGMENT):
            self.packet(side, tcp.ACK | tcp.PSH, data[at:at + SEGMENT])
        self.packet("server" if side == "client" else "client", tcp.ACK)
        return self

    def client(self, *parts):
        for part in parts:
            self.send("client", part)
        return self

    def server(self, *parts):
        for part in parts:
            self.send("server", part)
        return self

    def finish(self):
        self.packet("client", tcp.ACK | tcp.FIN)
        self.packet("server", tcp.ACK | tcp.FIN)
        self.packet("client", tcp.ACK)


class Case:
    """The conversations of one protocol's case."""

    def __init__(self, port):
        self.port = port
        self.conversations = []

    def start(self, name, port=None):
        self.conversations.append(Conversation(name, port or self.port, len(self.conversations)))
        return self.conversations[-1]


# ------------------------------------------------------------------ SMTP

def smtp():
    case = Case(25)

    def begin(name):
        return (case.start(name).server("220 mail.example.test ESMTP\r\n")
                .client("EHLO hostile.example.test\r\n")
                .server("250-mail.example.test\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 STARTTLS\r\n"))

    begin("a command line of 9000 bytes, then an ordinary one").client(
        "MAIL FROM:<" + "a" * 9000, ">\r\n").server("500 line too long\r\n").client(
        "NOOP\r\n").server("250 ok\r\n")
    recipients = "".join(f"RCPT TO:<r{number}@b.test>\r\n" for number in range(1100))
    begin("1100 recipients in one mail").client("MAIL FROM:<a@b.test>\r\n" + recipients).server(
        "250 ok\r\n" * 1101).client("DATA\r\n").server("354 go\r\n").client("x\r\n.\r\n").server("250 ok\r\n")
    sizes = begin("BDAT sizes that are no sizes").client("MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n").server(
        "250 ok\r\n250 ok\r\n")
    for size in ("-1", "18446744073709551616", "99999999999999999999999999", "0x10", "", "1e9"):
        sizes.client(f"BDAT {size} LAST\r\n").server("501 syntax\r\n")
    sizes.client("BDAT 18446744073709551615 LAST\r\n" + "swallowed " * 50).server("552 too big\r\n")
    begin("paths and replies of binary bytes").client(
        b"MAIL FROM:<\x00\xff\xfe\x80\x1b[31m@\xc3\x28>\r\n").server(
        b"999 \xff\xfe\r\n", b"25\r\n", b"-50 negative\r\n", b"250\r\n", b"\r\n", b"250 \x00ok\r\n")
    begin("500 replies to commands that were never sent").server("250 unasked\r\n" * 500).client(
        "NOOP\r\n").server("250 asked\r\n")
    begin("a reply of 700 lines that changes its code and never ends").client("HELP\r\n").server(
        "214-" + "\r\n214-".join(f"line {n}" for n in range(700)) + "\r\n", "250-other\r\n", "214-still\r\n")
    begin("line ends that only some servers take for the end of a mail").client(
        "MAIL FROM:<a@b.test>\r\n").server("250 ok\r\n").client("RCPT TO:<c@d.test>\r\n").server(
        "250 ok\r\n").client("DATA\r\n").server("354 go\r\n").client(
        "Subject: smuggled\r\n\r\nbody\n.\nMAIL FROM:<evil@b.test>\r\nbody\r.\rx\r\n.\nx\n.\r\nx\r\n.\rx\r\n",
        "the true end\r\n.\r\n").server("250 queued once\r\n")
    begin("commands injected behind STARTTLS, and no TLS after it").client(
        "STARTTLS\r\nMAIL FROM:<injected@b.test>\r\nRCPT TO:<c@d.test>\r\n").server(
        "220 go ahead\r\n").client(b"\x16\x03\x01\xff\xff\x01\xff\xff\xff" + b"\x41" * 40).server(
        b"250 this is no TLS record\r\n")
    overlap = begin("a segment sent again with other bytes")
    before = overlap.sequence["client"]
    overlap.client("MAIL FROM:<first@b.test>\r\n")
    overlap.packet("client", tcp.ACK | tcp.PSH, b"MAIL FROM:<other@b.test>\r\n", sequence=before)
    overlap.server("250 ok\r\n")
    mime = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(150))
    begin("150 levels of MIME, a header without an end").client("MAIL FROM:<a@b.test>\r\n").server(
        "250 ok\r\n").client("RCPT TO:<c@d.test>\r\n").server("250 ok\r\n").client("DATA\r\n").server(
        "354 go\r\n").client(mime + "X: " + "y" * 5000 + "\r\n.\r\n").server("250 ok\r\n")
    return case


# ------------------------------------------------------------------ SSH

def ssh_string(data):
    return struct.pack("!I", len(data)) + data


def ssh_packet(payload, padding=None, length=None):
    pad = 8 - (5 + len(payload)) % 8 + 4 if padding is None else padding
    body = bytes([pad & 255]) + payload + bytes(min(pad, 64))
    return struct.pack("!I", len(body) if length is None else length) + body


def ssh_kexinit(lists=None, lengths=None):
    lists = list(lists or [b"curve25519-sha256", b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr",
                           b"hmac-sha2-256", b"hmac-sha2-256", b"none", b"none", b"", b""])
    body = b"\x14" + bytes(16)
    for index, names in enumerate(lists):
        body += struct.pack("!I", (lengths or {}).get(index, len(names))) + names
    return body + b"\0" + bytes(4)


def ssh():
    case = Case(22)

    def begin(name):
        return case.start(name).client("SSH-2.0-hostile\r\n").server("SSH-2.0-victim\r\n")

    fine = ssh_packet(ssh_kexinit())
    begin("a packet length of 4294967295").client(ssh_packet(ssh_kexinit(), length=0xFFFFFFFF)).server(fine)
    begin("name-list lengths beyond the packet").client(
        ssh_packet(ssh_kexinit(lengths={0: 0xFFFFFFF0}))).server(
        ssh_packet(ssh_kexinit(lengths={3: 0x7FFFFFFF, 9: 5})))
    begin("more padding than packet").client(ssh_packet(ssh_kexinit(), padding=255, length=20)).server(fine)
    begin("packets of length 0, 1 and 2").client(b"\0\0\0\0", b"\0\0\0\1\4", b"\0\0\0\2\1\x14").server(fine)
    names = b",".join(b"alg%d" % number for number in range(1500))
    begin("1500 names in a list, empty names, commas alone").client(
        ssh_packet(ssh_kexinit([names, b",,,,", b",", b"a,,b", b"", b"\xff\xfe,\x00", b"none", b"none", b"", b""]))
    ).server(fine)
    case.start("a version line of 5000 bytes that never ends").client(b"SSH-2.0-" + b"v" * 5000).server(
        "SSH-2.0-victim\r\n")
    case.start("2000 lines before the server's version").client("SSH-2.0-hostile\r\n").server(
        "not yet\r\n" * 2000, "SSH-2.0-late\r\n")
    begin("twenty KEXINITs in a row").client(fine * 20).server(fine * 20)
    reply = b"\x1f" + struct.pack("!I", 0x7FFFFFFF) + b"ssh-ed25519" + ssh_string(b"f" * 32) + ssh_string(b"s")
    begin("a host key whose length lies").client(fine, ssh_packet(b"\x1e" + ssh_string(b"q" * 32))).server(
        fine, ssh_packet(reply))
    inner = struct.pack("!I", 0xFFFF) + b"ssh-rsa" + b"\0" * 8
    begin("a host key blob whose inner lengths lie").client(
        fine, ssh_packet(b"\x1e" + ssh_string(b"q" * 32))).server(
        fine, ssh_packet(b"\x1f" + ssh_string(inner) + ssh_string(b"") + ssh_string(b"")))
    begin("version lines with control bytes and no carriage return").client(fine).server(
        b"SSH-2.0-\x00\x1b[2J\xff\n", fine)
    case.start("SSH in one direction, HTTP in the other").client(
        "SSH-2.0-hostile\r\n").server("HTTP/1.1 400 Bad Request\r\n\r\n")
    return case


# ------------------------------------------------------------------ WebSocket

KEY = base64.b64encode(b"hostile test key").decode()
ACCEPT = base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def frame(first, payload=b"", masked=True, length=None, form=None):
    """A frame whose length field may lie; form 7, 16 or 64 forces the encoding."""
    size = len(payload) if length is None else length
    form = form or (7 if size < 126 else 16 if size < 65536 else 64)
    head = bytes([first])
    bit = 128 if masked else 0
    if form == 7:
        head += bytes([bit | size])
    elif form == 16:
        head += bytes([bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    mask = b"\x11\x22\x33\x44"
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def http():
    case = Case(80)
    refusal = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    taken = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntaken"
    smuggled = "GET /smuggled HTTP/1.1\r\nHost: victim.example.test\r\n\r\n"

    def post(name, fields, body, *answers):
        return case.start(name).client(f"POST /h HTTP/1.1\r\nHost: victim.example.test\r\n{fields}\r\n\r\n{body}").server(*answers)

    post("both lengths: chunked ends before the request inside", "Content-Length: 60\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + smuggled, taken, taken)
    post("two lengths that differ", "Content-Length: 5\r\nContent-Length: 0", smuggled, refusal)
    post("a length that is no number", "Content-Length: 0x10", smuggled, refusal)
    post("a coding behind white space, and folded", "Transfer-Encoding :\r\n chunked", "0\r\n\r\n" + smuggled, taken, taken)
    post("a coding that is none", "Transfer-Encoding: xchunked", "0\r\n\r\n" + smuggled, refusal)
    post("a chunk of 2^64 bytes, and one of less than none", "Transfer-Encoding: chunked", "10000000000000000\r\n-1\r\n" + smuggled, refusal)
    post("a length of 2^63 bytes", "Content-Length: 9223372036854775808", smuggled, refusal)
    post("a chunk extension of 20000 bytes", "Transfer-Encoding: chunked", "1;" + "x" * 20000 + "\r\n1\r\n0\r\n\r\n", taken)
    post("1000 fields, one without a colon, one without a name", "".join(f"X-{n}: {n}\r\n" for n in range(1000)) + "nothing\r\n: nobody\r\nA: 1", "", taken)
    post("a field folded over 500 lines, and one of 17000 bytes", "A: 1" + "\r\n 1" * 500 + "\r\nUser-Agent: " + "u" * 17000, "", taken)
    case.start("a target of 20000 bytes").client("GET /" + "t" * 20000 + " HTTP/1.1\r\n\r\n" + smuggled).server(refusal, refusal)
    case.start("bare line feeds").client(smuggled.replace("\r", "")).server(taken)
    case.start("90 requests at once, and 90 answers").client("".join(f"HEAD /{n} HTTP/1.1\r\n\r\n" for n in range(90))).server(
        "HTTP/1.1 200 OK\r\n\r\n" * 90)
    case.start("answers that nobody asked for").client(smuggled).server(taken * 5)
    case.start("another protocol that nobody asked for").client(smuggled).server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: nonsense\r\n\r\n\0\1\2")
    case.start("an upgrade without its key").client("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n").server(refusal)
    case.start("what is no HTTP behind a request").client(smuggled, "\1\2\3 nonsense\r\n" + smuggled).server(taken, "more than was said\r\n", taken)
    connect = "CONNECT again.example.test:80 HTTP/1.1\r\n\r\n"
    case.start("tunnels in tunnels").client(connect * 9).server("HTTP/1.1 200 OK\r\n\r\n" * 9)
    return case


def websocket():
    case = Case(80)

    def upgrade(accept=ACCEPT, extensions="", more=""):
        return (f"GET /h HTTP/1.1\r\nHost: victim.example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{extensions}{more}\r\n",
                f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept}\r\n{extensions}\r\n")

    def begin(name, **settings):
        request, response = upgrade(**settings)
        return case.start(name).client(request).server(response)

    def compressed(data):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]

    text = frame(0x81, b"ordinary")
    begin("a frame of 2^63 bytes").client(text, frame(0x82, b"abc", length=1 << 63, form=64), text)
    begin("a frame of 2^64-1 bytes").client(frame(0x82, b"abc", length=(1 << 64) - 1, form=64))
    begin("lengths in a longer form than needed").client(
        frame(0x81, b"five!", form=16), frame(0x81, b"five!", form=64), text)
    begin("an unmasked client, a masking server").client(frame(0x81, b"bare", masked=False), text).server(
        frame(0x81, b"masked", masked=True), frame(0x81, b"plain", masked=False))
    begin("control frames of 300 bytes, and in fragments").client(
        frame(0x89, b"p" * 300), frame(0x09, b"half"), frame(0x80, b"ping"), text)
    begin("reserved opcodes and bits").client(
        frame(0x83, b"three"), frame(0x8B, b"eleven"), frame(0xF1, b"all bits"), frame(0xC1, b"compressed?"), text)
    begin("a continuation of nothing, a message inside a message").client(
        frame(0x80, b"of what"), frame(0x01, b"begun "), frame(0x81, b"another"), frame(0x80, b"end"), text)
    begin("close frames of 1 byte, of code 0, with a reason that is no text, and frames after it").client(
        frame(0x88, b"\x03"), frame(0x88, b"\0\0"), frame(0x88, b"\x03\xe8\xff\xfe\xc3\x28"), text)
    begin("3000 empty fragments").client(frame(0x01), frame(0x00) * 3000, frame(0x80, b"end"), text)
    deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    begin("8 MB of zeros in one compressed frame, then an ordinary one", extensions=deflate).client(
        frame(0xC1, compressed(bytes(8000000))), text)
    begin("compressed data that cannot be inflated", extensions=deflate).client(
        frame(0xC1, b"\xff" * 50), frame(0xC1, b"\x07"), frame(0xC2, b""), text)
    begin("window bits out of range", extensions="Sec-WebSocket-Extensions: permessage-deflate; "
          "server_max_window_bits=99; client_max_window_bits=-1; client_max_window_bits=0\r\n").client(
        frame(0xC1, compressed(b"hello")), text)
    begin("a wrong Sec-WebSocket-Accept", accept="AAAAAAAAAAAAAAAAAAAAAAAAAAA=").client(text)
    begin("600 header lines and one of 9000 bytes",
          more="".join(f"X-{n}: {n}\r\n" for n in range(600)) + "X-Long: " + "l" * 9000 + "\r\n").client(text)
    begin("header lines with control bytes and without colons",
          more="no colon\r\n: no name\r\n folded\r\nX\0: \x01\r\nHost: second\r\n").client(text)
    return case


# ------------------------------------------------------------------ RDP

def tpkt(body, length=None):
    return b"\x03\x00" + struct.pack("!H", len(body) + 4 if length is None else length) + body


def x224_data(body):
    return tpkt(b"\x02\xf0\x80" + body)


def ber(tag, body, length=None):
    size = len(body) if length is None else length
    return tag + b"\x82" + struct.pack("!H", size) + body


def block(kind, body, length=None):
    return struct.pack("<HH", kind, len(body) + 4 if length is None else length) + body


def core(name=b"H\0O\0S\0T\0", width=640, height=480):
    """TS_UD_CS_CORE ([MS-RDPBCGR] 2.2.1.3.2) up to the keyboard fields and what follows."""
    return (struct.pack("<IHHHHII", 0x00080004, width, height, 0xCA01, 0xAA03, 0x409, 2600)
            + name[:32].ljust(32, b"\0") + struct.pack("<III", 4, 0, 12) + bytes(64)
            + struct.pack("<HHIHHH", 0xCA01, 1, 0, 16, 7, 1) + bytes(64))


def connect_initial(blocks, user_data_length=None, ber_length=None):
    gcc = b"\x00\x08\x00\x10\x00\x01\xc0\x00Duca"
    size = len(blocks) if user_data_length is None else user_data_length
    gcc += struct.pack("!H", 0x8000 | (size & 0x3FFF)) + blocks
    gcc = b"\x00\x05\x00\x14\x7c\x00\x01" + struct.pack("!H", 0x8000 | len(gcc)) + gcc
    numbers = b"".join(b"\x02\x01" + bytes([value]) for value in (34, 2, 0, 1, 0, 1)) + b"\x02\x02\xff\xff\x02\x01\x02"
    domain = b"\x30" + bytes([len(numbers)]) + numbers
    body = b"\x04\x01\x01\x04\x01\x01\x01\x01\xff" + domain * 3 + ber(b"\x04", gcc, ber_length)
    return x224_data(ber(b"\x7f\x65", body))


def rdp():
    case = Case(3389)
    cookie = b"Cookie: mstshash=hostile\r\n"
    request = tpkt(bytes([6 + len(cookie)]) + b"\xe0\0\0\0\0\0" + cookie)
    confirm = tpkt(b"\x06\xd0\0\0\x12\x34\0")

    def begin(name):
        return case.start(name).client(request).server(confirm)

    security = block(0xC002, struct.pack("<II", 0x1B, 0))
    network = block(0xC003, struct.pack("<I", 1) + b"cliprdr\0" + struct.pack("<I", 0xC0A00000))
    cases = {
        "a user data block of length 0": block(0xC001, core(), 0) + security,
        "a user data block of length 3": block(0xC001, core(), 3) + security,
        "a user data block of length 65535": block(0xC001, core(), 65535) + security,
        "4294967295 channels": block(0xC001, core()) + block(0xC003, struct.pack("<I", 0xFFFFFFFF) + b"one\0\0\0\0\0" + bytes(4)),
        "200 channels": block(0xC001, core()) + block(0xC003, struct.pack("<I", 200) + (b"chan\0\0\0\0" + bytes(4)) * 200),
        "channel names without an end": block(0xC001, core()) + block(0xC003, struct.pack("<I", 2) + (b"\xff" * 8 + bytes(4)) * 2),
        "a client name of lone surrogates without an end": block(0xC001, core(b"\x00\xd8" * 16)) + security + network,
        "a desktop of 65535 x 0": block(0xC001, core(width=65535, height=0)) + security + network,
        "the core data cut after four bytes": block(0xC001, core()[:4]) + security,
        "forty core blocks": block(0xC001, core()) * 40,
        "400 unknown blocks": block(0xC0F0, b"") * 400,
    }
    for name, blocks in cases.items():
        begin(name).client(connect_initial(blocks))
    whole = block(0xC001, core()) + security + network
    begin("BER lengths that lie").client(connect_initial(whole, ber_length=0xFFFF))
    begin("a GCC length that lies").client(connect_initial(whole, user_data_length=0x3FFF))
    for name, length in {"four bytes of length": b"\x84\xff\xff\xff\xff", "nine bytes of length": b"\x89" + b"\xff" * 9,
                         "the indefinite form": b"\x80"}.items():
        begin(f"BER: {name}").client(x224_data(b"\x7f\x65" + length + b"\x04\x01\x01" * 3))
    nested = b""
    for _ in range(200):
        nested = ber(b"\x30", nested)
    begin("200 levels of BER").client(x224_data(ber(b"\x7f\x65", nested)))
    for length in (0, 3, 4, 6, 65535):
        begin(f"a TPKT of length {length}").client(tpkt(b"\x02\xf0\x80\x7f\x65", length), connect_initial(whole))
    case.start("an X.224 length of 255").client(tpkt(b"\xff\xe0\0\0\0\0\0" + cookie)).server(confirm)
    case.start("an X.224 length of 1").client(tpkt(b"\x01\xe0\0\0\0\0\0")).server(confirm)
    case.start("a cookie without an end").client(tpkt(b"\x86\xe0\0\0\0\0\0Cookie: mstshash=" + b"c" * 2000)).server(confirm)
    case.start("a cookie of binary bytes").client(
        tpkt(b"\x20\xe0\0\0\0\0\0Cookie: mstshash=\xff\x00\x1b\xfe\r\n")).server(confirm)
    case.start("negotiation answers of impossible kinds").client(
        tpkt(b"\x0e\xe0\0\0\0\0\0" + b"\x01\xff\x08\x00\xff\xff\xff\xff")).server(
        tpkt(b"\x0e\xd0\0\0\x12\x34\0" + b"\x07\xff\xff\xff\xff\xff\xff\xff"))
    begin("an unknown PDU flood").client(x224_data(b"\xff" * 6) * 200).server(x224_data(b"\x00") * 200)
    begin("fast-path lengths of 0 and 1").client(connect_initial(whole), b"\x04\x00", b"\x04\x01\x04\x80\x00", b"\x04\xff\xff")
    return case


# ------------------------------------------------------------------ FTP

def ftp():
    case = Case(21)

    def begin(name):
        return (case.start(name).server("220 victim FTP\r\n").client("USER a\r\n").server("331 password\r\n")
                .client("PASS b\r\n").server("230 in\r\n"))

    ports = begin("PORT with numbers that are no numbers of a byte")
    for argument in ("256,1,1,1,1,1", "10,66,0,2,999,999", "10,66,0,2", "10,66,0,2,4,1,7", "-1,2,3,4,5,6",
                     "1" * 300 + ",0,0,1,1,1", ",,,,,", "", "10,66,0,2,0,0", "a,b,c,d,e,f"):
        ports.client(f"PORT {argument}\r\n").server("200 whatever you say\r\n")
    answers = begin("PASV answers that are none")
    for answer in ("(300,0,0,1,4,1)", "(10,66,0,1,4)", "()", "(10,66,0,1,256,256", "10 66 0 1 4 1",
                   "(" + "9" * 400 + ")", "(10,66,0,1,0,0)", "(4294967306,66,0,1,4,1)"):
        answers.client("PASV\r\n").server(f"227 Entering Passive Mode {answer}\r\n").client(
            "RETR x\r\n").server("425 no\r\n")
    extended = begin("EPRT and EPSV with impossible parts")
    for argument in ("|1|10.66.0.2|99999|", "|1|10.66.0.2|-1|", "|3|x|1|", "|1|1.2.3.4.5|80|", "|2|::g|80|",
                     "||||", "|", "|1|10.66.0.2|80", "|2|" + "f" * 500 + "|80|"):
        extended.client(f"EPRT {argument}\r\n").server("200 ok\r\n")
    for answer in ("(|||99999|)", "(|||-1|)", "(||||)", "(|||0|)", "(!!!2048!)", "(|||" + "1" * 300 + "|)"):
        extended.client("EPSV\r\n").server(f"229 Entering Extended Passive Mode {answer}\r\n")
    flood = begin("500 data connections announced and never opened")
    flood.client("".join(f"PORT 10,66,0,2,{n // 200 + 30},{n % 200}\r\n" for n in range(500))).server("200 ok\r\n" * 500)
    begin("a command line of 9000 bytes").client("STOR " + "s" * 9000 + "\r\n").server(
        "500 too long\r\n").client("NOOP\r\n").server("200 ok\r\n")
    begin("TELNET commands, NUL bytes, names that are no text").client(
        b"\xff\xf4\xff\xf2ABOR\r\n").server("226 aborted\r\n").client(
        b"RETR \xff\xff\x00\x1b[2J\xc3\x28\r\n", b"CWD a\r\x00b\r\n").server(b"550 \xff\xfe\r\n", "250 ok\r\n")
    begin("a reply of 900 lines that never ends").client("STAT\r\n").server(
        "211-begin\r\n" + "".join(f" line {n}\r\n" for n in range(900)), "212 not the end\r\n")
    begin("a data connection to a stranger's mail port").client(
        "PORT 192,0,2,25,0,25\r\n").server("200 ok\r\n").client("RETR mail\r\n").server("150 opening\r\n", "226 done\r\n")
    begin("a directory above every directory").client("CWD " + "../" * 300 + "\r\n").server(
        "250 ok\r\n").client("RETR ../../x\r\n").server("550 no\r\n", "550 no\r\n", "550 nobody asked\r\n")
    begin("300 commands before any reply").client("NOOP\r\n" * 300).server("200 ok\r\n" * 10)
    begin("replies whose codes are none").client("NOOP\r\n").server(
        "000 zero\r\n", "99\r\n", "999 nine\r\n", "2000 four\r\n", "abc\r\n", "\r\n", "200\r\n", "-1 minus\r\n")
    return case


# Of old.example.test, signed by itself.
CERTIFICATE = base64.b64decode(
    "MIIBjDCCATOgAwIBAgIUGry/xCJRaKJxoL5hhcMXKCR3co8wCgYIKoZIzj0EAwIwGzEZMBcGA1UEAwwQb2xkLmV4YW1wbGUudGVzdDAgFw0yNj"
    "ExMjYxMTAxMjdaGA8yMDgxMDgyOTExMDEyN1owGzEZMBcGA1UEAwwQb2xkLmV4YW1wbGUudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA"
    "BDerDsIHVYsFYvlTdrYXZttnX0SDiKCIJUIBdHFcbc8gEIAIkdmUqJUTq6hPQMqam1dGBZDcunU1kRNLLXZShVejUzBRMB0GA1UdDgQWBBSeob"
    "dPZjCa4+b6PuTCZEeRMACX6zAfBgNVHSMEGDAWgBSeobdPZjCa4+b6PuTCZEeRMACX6zAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cA"
    "MEQCIGgdxX1CYELtLnGNabfcPsI8OFjNUwNVyQ0enrQmdFgtAiAnhU+onk7AvD/4Cyi9ZkIRrt2rJlC/XK5kDKNIifBfCQ=="
)


def record(kind, body, version=0x0301, length=None):
    return struct.pack("!BHH", kind, version, len(body) if length is None else length) + body


def message(kind, body, length=None):
    return struct.pack("!I", kind << 24 | (len(body) if length is None else length)) + body


def lists(size, *items):
    return b"".join(struct.pack("!I", len(item))[4 - size:] + item for item in items)


def client_hello(version=0x0303):
    return message(1, struct.pack("!H", version) + bytes(range(32)) + b"\0" + lists(2, b"\xc0\x2f\x00\x2f") + b"\1\0")


def server_hello(version=0x0303, cipher=0xc02f):
    return message(2, struct.pack("!H", version) + bytes(range(32, 64)) + b"\0" + struct.pack("!HB", cipher, 0))


def certificates(*chain):
    return message(11, lists(3, lists(3, *chain)))


def ssl2_hello(version, ciphers):
    body = struct.pack("!BHHHH", 1, version, len(ciphers), 0, 16) + ciphers + bytes(range(16))
    return struct.pack("!H", 0x8000 | len(body)) + body


def ssl2_server(certificate, ciphers):
    body = struct.pack("!BBBHHHH", 4, 0, 1, 2, len(certificate), len(ciphers), 16) + certificate + ciphers + bytes(16)
    return struct.pack("!H", 0x8000 | len(body)) + body


def tls():
    case = Case(443)
    begin = case.start
    ciphers = b"\x01\x00\x80\x07\x00\xc0"
    master = b"\x02\x07\x00\xc0" + struct.pack("!HHH", 0, 128, 8) + bytes(136)
    begin("SSL 2.0: both hellos, the client's master key").client(ssl2_hello(2, ciphers)).server(ssl2_server(CERTIFICATE, ciphers)).client(
        struct.pack("!H", 0x8000 | len(master)) + master, b"\x80\x21" + bytes(33)).server(b"\x80\x21" + bytes(33))
    begin("SSL 3.0 offered in SSL 2.0's format, and chosen").client(ssl2_hello(0x0300, b"\x00\x00\x05" + ciphers)).server(
        record(22, server_hello(0x0300, 5) + certificates(CERTIFICATE) + message(14, b""), 0x0300)).client(record(21, b"\2\x2a", 0x0300))
    begin("SSL 2.0 lengths that lie").client(b"\x80\x2e\x01\x00\x02\x00\x06\x7f\xff\x00\x10" + bytes(40))
    begin("hellos and a certificate in records of one byte, empty ones and warnings between").client(
        b"".join(record(22, bytes([byte])) for byte in client_hello())).server(
        b"".join(record(22, bytes([byte])) + (record(21, b"\1\x5a") if n % 64 == 63 else b"") + (record(23, b"") if n % 64 == 31 else b"")
                 for n, byte in enumerate(server_hello() + certificates(CERTIFICATE)))).client(record(21, b"\2\x28"))
    begin("a chain of 3000 certificates").client(record(22, client_hello()))
    chain = server_hello() + certificates(*[CERTIFICATE] + [b"\x30\x00"] * 3000)
    begin_records = b"".join(record(22, chain[at:at + 16384]) for at in range(0, len(chain), 16384))
    case.conversations[-1].server(begin_records).client(record(21, b"\2\x2a"))
    begin("a certificate that is none, one of no bytes, one longer than its list").client(record(22, client_hello())).server(
        record(22, server_hello() + certificates(b"no certificate", b"") + message(11, b"\0\0\x10\0\xff\xff" + bytes(11))))
    begin("a handshake message of 16 MB").client(record(22, client_hello())).server(
        record(22, server_hello() + message(11, bytes(1000), 0xffffff)), record(22, bytes(1000)))
    begin("a record longer than any may be").client(record(22, client_hello())).server(record(22, server_hello())).client(
        record(22, bytes(100), length=0x7fff))
    begin("extensions and sessions ids whose lengths lie").client(record(22, message(1, b"\3\3" + bytes(32) + b"\xff" + bytes(60)))).server(
        record(22, message(2, b"\3\3" + bytes(32) + b"\0\xc0\x2f\0\xff\xff\0\0")))
    begin("compressed certificates in the clear: a bomb, an unknown algorithm, none at all").client(record(22, client_hello())).server(record(
        22, server_hello() + message(25, struct.pack("!H", 1) + b"\x0f\xff\xff" + lists(3, zlib.compress(bytes(0xfffff))))
        + message(25, struct.pack("!H", 9) + b"\0\1\0" + lists(3, bytes(9))) + message(25, struct.pack("!H", 2) + b"\xff\xff\xff" + lists(3, b"\x06"))))
    return case


# ------------------------------------------------------------------ HTTP/2

def h2_frame(kind, flags=0, stream=0, payload=b"", length=None):
    return struct.pack("!I", len(payload) if length is None else length)[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


def h2_fields(*fields):
    """Literal header fields, none put into the table (RFC 7541, 6.2.2)."""
    return b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields)


H2_GET = h2_fields((b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"victim.example.test"))
H2_OPEN = h2_fields((b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":scheme", b"https"), (b":path", b"/chat"), (b":authority", b"victim.example.test"))
H2_SHORT = b"\x82\x86\x84"  # GET, http, / of the static table


def http2():
    case = Case(8080)

    def begin(name):
        return case.start(name).client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(4)).server(h2_frame(4, payload=b"\0\x08\0\0\0\1"))

    def get(stream=99):
        return h2_frame(1, 5, stream, H2_GET)

    begin("frames whose length, stream or padding cannot be").client(
        h2_frame(0, 0, 0, b"x") + h2_frame(0, 8, 1, b"\xffx") + h2_frame(3, 0, 1, b"abc") + h2_frame(4, 0, 0, b"1234567") + h2_frame(6, 0, 0, b"short") +
        h2_frame(8, 0, 0, b"") + h2_frame(2, 0, 1, b"") + get())
    begin("a block of header fields that another frame interrupts").client(h2_frame(1, 0, 1, H2_GET[:20]) + h2_frame(6, 0, 0, b"12345678") + get())
    begin("a CONTINUATION of nothing, and one of another stream").client(h2_frame(9, 4, 1, H2_GET) + h2_frame(1, 0, 3, H2_GET) + h2_frame(9, 4, 5, H2_GET))
    begin("header fields that the table has not, and integers without an end").client(h2_frame(1, 5, 1, b"\xfe") + h2_frame(1, 5, 3, b"\xff" * 40))
    begin("a table of 2 GB, then of none").client(h2_frame(1, 5, 1, b"\x3f\xff\xff\xff\xff\x07" + H2_GET) + h2_frame(1, 5, 3, b"\x20" + H2_GET))
    begin("one field of 3900 bytes, and 300 times the same by one byte").client(
        h2_frame(1, 5, 1, H2_GET + b"\x40\x01x\x7f\xbd\x1d" + b"a" * 3900 + b"\xbe" * 300) + get())
    begin("300 CONTINUATIONs without bytes").client(h2_frame(1, 1, 1, H2_GET) + h2_frame(9, 0, 1) * 300 + h2_frame(9, 4, 1) + get())
    begin("205 streams that are reset before their answers").client(
        b"".join(h2_frame(1, 5, stream, H2_SHORT) + h2_frame(3, 0, stream, b"\0\0\0\x08") for stream in range(1, 411, 2)))
    begin("260 streams at a time").client(b"".join(h2_frame(1, 5, stream, H2_SHORT) for stream in range(1, 521, 2)))
    begin("40 WebSockets at a time").client(b"".join(h2_frame(1, 4, stream, H2_OPEN) for stream in range(1, 81, 2))).server(
        b"".join(h2_frame(1, 4, stream, b"\x88") + h2_frame(0, 0, stream, b"\x81\x02hi") for stream in range(1, 81, 2)))
    begin("2100 SETTINGS and PINGs").client(h2_frame(4) * 1050 + h2_frame(6, 0, 0, b"12345678") * 1050 + get())
    begin("requests that a proxy would split").client(
        h2_frame(1, 4, 1, h2_fields((b":method", b"POST"), (b":path", b"/"), (b":authority", b"a"), (b"content-length", b"0"))) +
        h2_frame(0, 1, 1, b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n") +
        h2_frame(1, 5, 3, H2_GET + h2_fields((b"transfer-encoding", b"chunked"))) + h2_frame(1, 5, 5, H2_GET + h2_fields((b"x", b"a\r\nHost: b"))))
    begin("a promise of the client, one of its stream by the server, answers to nothing").client(h2_frame(5, 4, 1, b"\0\0\0\2" + H2_GET)).server(
        h2_frame(5, 4, 1, b"\0\0\0\3" + H2_GET) + h2_frame(1, 5, 2, b"\x88") + h2_frame(0, 1, 77, b"what"))
    begin("a WebSocket whose frames lie, in a stream").client(h2_frame(1, 4, 1, H2_OPEN)).server(h2_frame(1, 4, 1, b"\x88")).client(
        h2_frame(0, 0, 1, frame(0x82, b"abc", length=1 << 63, form=64)))
    case.start("a server that answers the preface by HTTP/1").client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(4) + get()).server(
        b"HTTP/1.1 400 Bad Request\r\n\r\n")
    return case


CASES = {"smtp": smtp, "ssh": ssh, "http": http, "websocket": websocket, "http2": http2, "rdp": rdp, "ftp": ftp, "tls": tls}


def write(protocol, folder):
    case = CASES[protocol]()
    frames = []
    for conversation in case.conversations:
        conversation.finish()
        frames += conversation.frames
    frames.sort(key=lambda item: item[0])
    folder.mkdir(parents=True, exist_ok=True)
    tcp.write(folder / "capture.pcap", frames)
    connections = tcp.account(tcp.read(folder / "capture.pcap"))
    for conversation, row in zip(case.conversations, connections):
        row["attack"] = conversation.name
    (folder / "truth.json").write_text(json.dumps(
        {"case": f"{protocol}/hostile", "protocol": protocol, "sources": ["tests/record/hostile.py"],
         "hostile": True, "connections": connections}, indent=2) + "\n")
    attacks = "".join(f"- {conversation.name}\n" for conversation in case.conversations)
    (folder / "README.md").write_text(
        f"# {protocol}/hostile\n\nPurpose: what a stranger may send: nothing of it may crash the program, "
        f"grow without a limit or become an invented value.\n\n{attacks}\n"
        f"Origin: hand-made packets with right checksums.\n\n"
        f"Made by: `tests/record/record.sh {protocol}/hostile` (tests/record/hostile.py)\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", metavar="PROTOCOL")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("case", nargs="?")
    options = parser.parse_args()
    if options.list:
        if options.list in CASES:
            print(f"{options.list}/hostile")
        return
    protocol = (options.case or "").removesuffix("/hostile")
    if protocol not in CASES or options.out is None:
        parser.error("name PROTOCOL/hostile and --out")
    write(protocol, options.out / options.case)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes the cases of RFC 6455 and RFC 7692, numbered as in the well-known suite of Autobahn, and checks their rows.

websocket_rules.py --out DIR [CASE...]           writes DIR/websocket/rules-NAME/
websocket_rules.py --out DIR --check [CASE...]   compares the expected rows with what was sent

Families: 1 framing, 2 pings and pongs, 3 reserved bits, 4 opcodes, 5 fragments, 6 UTF-8, 7 closes, 9 limits, 10 fragments of one
size, 12 and 13 permessage-deflate. A connection holds many numbered cases, and goes on behind those that break a rule, so that each of
them is read; rules.json says what must be told of each.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import random
import re
import struct
import zlib

import packets as tcp

CLIENT, SERVER = "10.66.0.2", "10.66.0.1"
START = 1700000000000000
KEY = base64.b64encode(b"rules, one by 1.").decode()
ACCEPT = base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
NAMES = {1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
SEGMENT = 32000
WINDOW = 64240  # what packets.py announces
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def opcode_name(opcode):
    return NAMES.get(opcode, f"reserved-{opcode}")


def frame(side, opcode, payload=b"", final=True, bits=0):
    """One frame; the client's is masked."""
    size = len(payload)
    mask_bit = 128 if side == "client" else 0
    head = bytes([(128 if final else 0) | bits << 4 | opcode])
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 65536:
        head += bytes([mask_bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", size)
    if side == "server":
        return head + payload
    mask = bytes([size & 255, 0x5A, 0xC3, 0x17])
    repeated = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ repeated).to_bytes(size, "big")


class Deflate:
    """One side's compression, as it was agreed on."""

    def __init__(self, bits=15, takeover=True):
        self.bits, self.takeover, self.stream = bits, takeover, None

    def message(self, data):
        if self.stream is None or not self.takeover:
            self.stream = zlib.compressobj(9, zlib.DEFLATED, -self.bits)
        packed = self.stream.compress(data) + self.stream.flush(zlib.Z_SYNC_FLUSH)
        return packed[:-4] or b"\0"


class Connection:
    """One WebSocket under construction, and what must be told of it."""

    def __init__(self, number, purpose, extensions=None, answer=None):
        self.ends = {"client": (CLIENT, 42000 + number), "server": (SERVER, 80)}
        self.sequence = {"client": 0xFFFFE000 + number, "server": 9000 + number}
        self.time = START + number * 1000000
        self.sender, self.in_flight = "client", 0
        self.frames = []
        self.truth = {"purpose": purpose, "messages": [], "findings": [], "violations": 0, "close_code": None}
        self.begun = {}
        self.packet("client", tcp.SYN)
        self.packet("server", tcp.SYN | tcp.ACK)
        offered = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
        accepted = f"Sec-WebSocket-Extensions: {answer or extensions}\r\n" if extensions else ""
        self.data("client", (f"GET /{number} HTTP/1.1\r\nHost: rules.example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offered}\r\n").encode())
        self.data("server", (f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Accept: {ACCEPT}\r\n{accepted}\r\n").encode())

    def packet(self, side, flags, payload=b""):
        other = "server" if side == "client" else "client"
        self.frames.append((self.time, tcp.tcp_frame(self.ends[side], self.ends[other], self.sequence[side],
                                                     self.sequence[other] if flags & tcp.ACK else 0, flags, payload)))
        self.time += 250
        if side != self.sender:
            self.sender, self.in_flight = side, 0
        self.sequence[side] = (self.sequence[side] + len(payload) + bool(flags & (tcp.SYN | tcp.FIN))) % (1 << 32)

    def data(self, side, data, chop=SEGMENT):
        for at in range(0, len(data), chop):
            part = data[at:at + chop]
            if self.in_flight + len(part) > WINDOW:
                self.packet("server" if side == "client" else "client", tcp.ACK)
            self.packet(side, tcp.ACK | tcp.PSH, part)
            self.in_flight += len(part)

    def lose(self, side, data):
        """The capture lacks these bytes; the other side has them."""
        self.sequence[side] = (self.sequence[side] + len(data)) % (1 << 32)

    def finish(self):
        self.packet("server", tcp.ACK | tcp.FIN)
        self.packet("client", tcp.ACK | tcp.FIN)

    # ---- what is sent, and what must be told of it

    def expect(self, case, side, opcode, payload, fragments=1, compressed=False, is_whole=True):
        known = is_whole and opcode != CONTINUATION
        self.truth["messages"].append({
            "case": case, "from_side": side, "opcode": opcode_name(opcode) if opcode else None, "size": len(payload) if known else None,
            "fragments": fragments, "compressed": int(compressed), "sha256": hashlib.sha256(payload).hexdigest() if known else None,
            "text": payload.decode() if known and opcode == TEXT and len(payload) <= 200 and self.is_text(payload) else None})

    @staticmethod
    def is_text(payload):
        try:
            payload.decode()
        except UnicodeDecodeError:
            return False
        return "\0" not in payload.decode()

    def breaks(self, name, count=1):
        if name not in self.truth["findings"]:
            self.truth["findings"].append(name)
        self.truth["violations"] += count

    def send(self, case, side, opcode, payload=b"", chop=SEGMENT, bits=0, cut=None, between=(), packed=None, gather=True):
        """
        A whole message. `cut`: places at which it is fragmented; `between`: (opcode, payload) of control frames behind each fragment but the last;
        `packed`: what travels instead, with RSV1; `gather`: one segment, else one for each frame.
        """
        wire = payload if packed is None else packed
        places = [0, *(cut or []), len(wire)]
        parts = [wire[a:b] for a, b in zip(places, places[1:])]
        self.expect(case, side, opcode, payload, len(parts), packed is not None)
        bytes_sent = []
        for number, part in enumerate(parts):
            first_bits = bits | (4 if packed is not None and number == 0 else 0)
            bytes_sent.append(frame(side, opcode if number == 0 else CONTINUATION, part, number == len(parts) - 1, first_bits))
            if number < len(parts) - 1:
                for control, text in between:
                    self.expect(case, side, control, text)
                    bytes_sent[-1] += frame(side, control, text)
        if gather:
            bytes_sent = [b"".join(bytes_sent)]
        for data in bytes_sent:
            self.data(side, data, chop)

    def close(self, side, code=1000, reason=b"", case="close"):
        payload = (b"" if code is None else struct.pack("!H", code)) + reason
        if self.truth["close_code"] is None:
            self.truth["close_code"] = code
        self.send(case, side, CLOSE, payload)


class Case:
    def __init__(self):
        self.connections = []

    def connection(self, purpose, extensions=None, answer=None):
        self.connections.append(Connection(len(self.connections), purpose, extensions, answer))
        return self.connections[-1]


def letters(size):
    return b"*" * size


def noise(size, seed):
    return random.Random(seed).randbytes(size)


# ------------------------------------------------------------------ 1 to 5, 7, 9 and 10

def framing(case):
    echo = case.connection("1: texts and binaries of all forms of lengths, echoed")
    for family, opcode in ((1, TEXT), (2, BINARY)):
        for number, size in enumerate((0, 125, 126, 127, 128), 1):
            payload = letters(size) if opcode == TEXT else bytes([0xFE]) * size
            for side in ("client", "server"):
                echo.send(f"1.{family}.{number}", side, opcode, payload)
    echo.close("client")
    echo.close("server")
    large = case.connection("1 and 9: 65535, 65536 and more bytes, whole and chopped")
    for number, (name, side, opcode, size, chop) in enumerate((
            ("1.1.6", "client", TEXT, 65535, SEGMENT), ("1.1.7", "server", TEXT, 65536, SEGMENT), ("1.1.8", "client", TEXT, 65536, 9973),
            ("1.2.6", "server", BINARY, 65535, SEGMENT), ("1.2.7", "client", BINARY, 65536, SEGMENT), ("1.2.8", "server", BINARY, 65536, 9973))):
        large.send(name, side, opcode, letters(size) if opcode == TEXT else bytes([number]) * size, chop)
    large.send("9.1.2", "client", TEXT, letters(100000))
    large.close("client")


def pings(case):
    good = case.connection("2: pings and pongs that keep the rules")
    for name, payload in (("2.1", b""), ("2.2", b"Hello, world!"), ("2.3", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"), ("2.4", b"\xfe" * 125)):
        good.send(name, "client", PING, payload)
        good.send(name, "server", PONG, payload)
    good.send("2.6", "client", PING, b"\xfe" * 125, chop=17)
    good.send("2.6", "server", PONG, b"\xfe" * 125)
    good.send("2.7", "client", PONG)
    good.send("2.8", "client", PONG, b"unsolicited pong payload")
    good.send("2.9", "client", PONG, b"unsolicited pong payload")
    good.send("2.9", "client", PING, b"ping payload")
    good.send("2.9", "server", PONG, b"ping payload")
    for name, chop in (("2.10", SEGMENT), ("2.11", 5)):
        for number in range(4):
            good.send(name, "client", PING, b"payload-%d" % number, chop)
            good.send(name, "server", PONG, b"payload-%d" % number)
    long = case.connection("2.5: a ping of 126 bytes")
    long.send("2.5", "client", PING, b"\xfe" * 126)
    long.breaks("websocket_control_frame_invalid")
    long.close("server", 1002)


def reserved(case):
    bits = case.connection("3: reserved bits without an extension")
    bits.send("3.1", "client", TEXT, b"Hello, world!", bits=1)
    bits.send("3.2", "client", TEXT, b"Hello, world!")
    bits.send("3.2", "client", TEXT, b"Hello, world!", bits=2)
    bits.send("3.2", "client", PING)
    bits.send("3.3", "client", TEXT, b"Hello, world!", bits=3)
    bits.send("3.4", "client", TEXT, b"Hello, world!", bits=4, chop=3)
    bits.send("3.5", "client", BINARY, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", bits=5)
    bits.send("3.6", "client", PING, b"Hello, world!", bits=6)
    bits.send("3.7", "client", CLOSE, b"\x03\xe8", bits=7)
    bits.breaks("websocket_reserved_bits", 7)
    bits.truth["close_code"] = 1000
    opcodes = case.connection("4: opcodes that the RFC reserves")
    for family, first in ((1, 3), (2, 11)):
        for number in range(5):
            name, opcode = f"4.{family}.{number + 1}", first + number
            if number > 1:
                opcodes.send(name, "client", TEXT, b"Hello, world!")
            opcodes.send(name, "client", opcode, b"reserved opcode payload" if number in (1, 3) else b"", chop=7 if number == 4 else SEGMENT)
            opcodes.breaks("websocket_reserved_opcode")
            if number > 1:
                opcodes.send(name, "client", PING)
    opcodes.close("server", 1002)


def fragments(case):
    good = case.connection("5 and 9: fragments that keep the rules")
    text = b"fragment1fragment2"
    good.send("5.3", "client", TEXT, text, cut=[9])
    good.send("5.4", "client", TEXT, text, cut=[9], gather=False)
    good.send("5.5", "client", TEXT, text, cut=[9], chop=6)
    for name, gather, chop in (("5.6", True, SEGMENT), ("5.7", False, SEGMENT), ("5.8", True, 8)):
        good.send(name, "client", TEXT, text, cut=[9], between=[(PING, b"ping payload")], gather=gather, chop=chop)
        good.send(name, "server", PONG, b"ping payload")
    five = b"fragment1fragment2fragment3fragment4fragment5"
    for name, gather in (("5.19", True), ("5.20", False)):
        good.send(name, "client", TEXT, five, cut=[9, 18, 27, 36], between=[(PING, b"pongme 1!"), (PONG, b"")], gather=gather)
    for number, size in enumerate((64, 256, 1024, 4096), 1):
        good.send(f"9.3.{number}", "client", TEXT, letters(8192), cut=list(range(size, 8192, size)))
        good.send(f"9.4.{number}", "server", BINARY, noise(8192, number), cut=list(range(size, 8192, size)))
    good.send("9.5.1", "client", TEXT, letters(8192), chop=997)
    good.send("9.6.1", "server", BINARY, bytes(8192), chop=997)
    for number in range(6):
        good.send("9.7.1", "client", TEXT, letters(16))
        good.send("9.7.1", "server", TEXT, letters(16))
    good.send("10.1.1", "client", TEXT, letters(20000), cut=list(range(1300, 20000, 1300)))
    good.close("client")
    good.close("server")
    bad = case.connection("5: fragments that break the rules")
    for name, opcode in (("5.1", PING), ("5.2", PONG)):
        bad.data("client", frame("client", opcode, b"fragment1", final=False) + frame("client", CONTINUATION, b"fragment2"))
        bad.expect(name, "client", opcode, b"fragment1")
        bad.expect(name, "client", CONTINUATION, b"fragment2")
        bad.breaks("websocket_control_frame_invalid")
        bad.breaks("websocket_fragments_out_of_order")
    for name, chop in (("5.9", SEGMENT), ("5.10", 40), ("5.11", 3)):
        bad.data("client", frame("client", CONTINUATION, b"non-continuation payload"), chop)
        bad.expect(name, "client", CONTINUATION, b"non-continuation payload")
        bad.breaks("websocket_fragments_out_of_order")
        bad.send(name, "client", TEXT, b"Hello, world!", chop)
    for name, chop in (("5.12", SEGMENT), ("5.13", 40), ("5.14", 3)):
        bad.data("client", frame("client", CONTINUATION, b"non-continuation payload", final=False), chop)
        bad.expect(name, "client", CONTINUATION, b"non-continuation payload", is_whole=False)
        bad.send(name, "client", TEXT, b"Hello, world!", chop)
        bad.breaks("websocket_fragments_out_of_order", 2)
    bad.send("5.15", "client", TEXT, text, cut=[9])
    bad.data("client", frame("client", CONTINUATION, b"fragment3", final=False))
    bad.expect("5.15", "client", CONTINUATION, b"fragment3", is_whole=False)
    bad.send("5.15", "client", TEXT, b"fragment4")
    bad.breaks("websocket_fragments_out_of_order", 2)
    for name, final in (("5.16", False), ("5.17", True)):
        bad.data("client", frame("client", CONTINUATION, b"fragment1", final=final))
        bad.expect(name, "client", CONTINUATION, b"fragment1", is_whole=False)
        bad.send(name, "client", TEXT, b"fragment2fragment3", cut=[9])
        bad.breaks("websocket_fragments_out_of_order", 1 if final else 2)
    bad.data("client", frame("client", TEXT, b"fragment1", final=False))
    bad.expect("5.18", "client", TEXT, b"fragment1", is_whole=False)
    bad.truth["messages"][-1]["text"] = "fragment1"
    bad.send("5.18", "client", TEXT, b"fragment2")
    bad.breaks("websocket_fragments_out_of_order")
    bad.close("server", 1002)


INVALID_CLOSE = "websocket_close_invalid"


def closes(case):
    """Each connection ends with a close of the client and one of the server, of two numbered cases."""
    long_reason = b"r" * 123
    ends = [("7.1.1", 1000, b"", None), ("7.1.6", 1000, b"", None), ("7.3.1", None, b"", None), ("7.3.2", None, b"\x03", INVALID_CLOSE), ("7.3.3", 1000, b"", None),
            ("7.3.4", 1000, b"Hello World!", None), ("7.3.5", 1000, long_reason, None), ("7.3.6", 1000, b"r" * 124, "websocket_control_frame_invalid"),
            ("7.5.1", 1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", "websocket_invalid_utf8")]
    ends += [(f"7.7.{number}", code, b"", None) for number, code in
             enumerate((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999), 1)]
    ends += [(f"7.9.{number}", code, b"", INVALID_CLOSE) for number, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1)]
    ends += [("7.9.10", 1015, b"", INVALID_CLOSE), ("7.13.1", 5000, b"", INVALID_CLOSE), ("7.13.2", 65535, b"", INVALID_CLOSE)]
    for at in range(0, len(ends), 2):
        pair = ends[at:at + 2]
        connection = case.connection("7: closes " + " and ".join(name for name, *_ in pair))
        connection.truth["close_code"] = pair[0][1]
        for side, (name, code, reason, finding) in zip(("client", "server"), pair):
            connection.send(name, side, CLOSE, (b"" if code is None else struct.pack("!H", code)) + reason)
            if finding:
                connection.breaks(finding)
    after = case.connection("7.1: frames behind a close")
    after.close("client", 1000, case="7.1.2")
    after.send("7.1.2", "client", CLOSE, b"\x03\xe8")
    after.send("7.1.3", "client", PING)
    after.send("7.1.4", "client", TEXT, b"Hello World!")
    after.send("7.1.5", "client", TEXT, b"fragment1fragment2", cut=[9])
    after.breaks("websocket_data_after_close", 5)


def frames(case):
    """Framing, pings, reserved bits and opcodes, fragments, closes and limits: families 1 to 5, 7, 9 and 10."""
    framing(case)
    pings(case)
    reserved(case)
    fragments(case)
    closes(case)


# ------------------------------------------------------------------ 6

KOSME = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"


def valid_texts():
    """(case, text, cuts)"""
    hello = "Hello-µ@ßöäüàá-UTF-8!!".encode()
    yield "6.1.1", b"", None
    yield "6.1.2", b"", [0, 0]
    yield "6.1.3", b"middle frame payload", [0, 20]
    yield "6.2.1", hello, None
    yield "6.2.2", hello, [12]
    yield "6.2.3", hello, list(range(1, len(hello)))
    yield "6.2.4", KOSME, list(range(1, len(KOSME)))
    for number, length in enumerate((2, 5, 7, 9, 11), 1):
        yield f"6.5.{number}", KOSME[:length], None
    for number, text in enumerate(("\x00", "\x80", "\u0800", "\U00010000"), 1):
        yield f"6.7.{number}", text.encode(), None
    for number, text in enumerate(("\x7f", "\u07ff", "\uffff", "\U0010ffff"), 1):
        yield f"6.9.{number}", text.encode(), None
    for number, text in enumerate(("\ud7ff", "\ue000", "\ufffd", "\U0010ffff"), 1):
        yield f"6.11.{number}", text.encode(), None
    non_characters = ["\ufffe", "\uffff"] + [chr(plane << 16 | last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF)]
    for number, text in enumerate(non_characters, 1):
        yield f"6.22.{number}", text.encode(), None
    for number, text in enumerate(("\ufff9", "\ufffa", "\ufffb", "\ufffc", "\ufffd", "\ufffe", "\uffff"), 1):
        yield f"6.23.{number}", text.encode(), None


def invalid_texts():
    broken = KOSME + b"\xed\xa0\x80edited"
    yield "6.3.1", broken, None
    yield "6.3.2", broken, list(range(1, len(broken)))
    yield "6.4.1", KOSME + b"\xf4\x90\x80\x80edited", [len(KOSME), len(KOSME) + 4]
    yield "6.4.2", KOSME + b"\xf4\x90\x80\x80edited", [len(KOSME) + 1, len(KOSME) + 2]
    yield "6.4.3", KOSME + b"\xed\xa0\x80edited", [len(KOSME) + 2]
    for number, length in enumerate((1, 3, 4, 6, 8, 10), 1):
        yield f"6.6.{number}", KOSME[:length], None
    yield "6.8.1", b"\xf8\x88\x80\x80\x80", None
    yield "6.8.2", b"\xfc\x84\x80\x80\x80\x80", None
    yield "6.10.1", b"\xf7\xbf\xbf\xbf", None
    yield "6.10.2", b"\xfb\xbf\xbf\xbf\xbf", None
    yield "6.10.3", b"\xfd\xbf\xbf\xbf\xbf\xbf", None
    yield "6.11.5", b"\xf4\x90\x80\x80", None
    for number in range(2, 9):
        yield f"6.12.{number + 1}", bytes(0x80 + i % 64 for i in range(number - 1)), None
    yield "6.12.1", b"\x80", None
    yield "6.12.2", b"\xbf", None
    for number, (first, last) in enumerate(((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD)), 1):
        yield f"6.13.{number}", b"".join(bytes([start, 0x20]) for start in range(first, last + 1)), None
    incomplete = [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf",
                  b"\xfd\xbf\xbf\xbf\xbf"]
    for number, text in enumerate(incomplete, 1):
        yield f"6.14.{number}", text, None
    yield "6.15.1", b"".join(incomplete), None
    yield "6.16.1", b"\xfe", None
    yield "6.16.2", b"\xff", None
    yield "6.16.3", b"\xfe\xfe\xff\xff", None
    overlong = {17: (b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"),
                18: (b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf", b"\xfc\x83\xbf\xbf\xbf\xbf"),
                19: (b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf8\x80\x80\x80\x80", b"\xfc\x80\x80\x80\x80\x80"),
                20: (b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf", b"\xed\xb0\x80", b"\xed\xbe\x80", b"\xed\xbf\xbf"),
                21: (b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xa0\x80\xed\xbf\xbf", b"\xed\xad\xbf\xed\xb0\x80", b"\xed\xad\xbf\xed\xbf\xbf",
                     b"\xed\xae\x80\xed\xb0\x80", b"\xed\xae\x80\xed\xbf\xbf", b"\xed\xaf\xbf\xed\xb0\x80", b"\xed\xaf\xbf\xed\xbf\xbf")}
    for family, texts in overlong.items():
        for number, text in enumerate(texts, 1):
            yield f"6.{family}.{number}", text, None


def utf8(case):
    """Texts that are UTF-8 and texts that are not: family 6. No finding may stand for the first connection; in the second every text breaks the rule once."""
    good = case.connection("6: texts that are UTF-8, also cut inside a character")
    for name, text, cut in valid_texts():
        good.send(name, "client", TEXT, text, cut=cut)
    good.close("client")
    bad = case.connection("6: texts that are not UTF-8")
    for name, text, cut in invalid_texts():
        bad.send(name, "client", TEXT, text, cut=cut)
        bad.breaks("websocket_invalid_utf8")
    bad.close("server", 1007)


# ------------------------------------------------------------------ 12 and 13

def document(size, seed):
    """Text that compresses as text does."""
    words = [bytes(noise(1, seed * 1000 + i) * 3).hex() + " " for i in range(40)]
    picked = random.Random(seed)
    text = ""
    while len(text) < size:
        text += picked.choice(words)
    return text[:size].encode()


def deflate(case):
    """permessage-deflate (RFC 7692): families 12 and 13: sizes, fragments, windows and takeover of both sides; then what 7.2.3 of the RFC shows."""
    plain = case.connection("12: growing messages, whole and in fragments", "permessage-deflate")
    packers = {"client": Deflate(), "server": Deflate()}
    for family in (1, 2):
        for number, size in enumerate((16, 64, 256, 1024, 4096, 16384), 1):
            for side in ("client", "server"):
                data = document(size, number) if family == 1 else noise(size // 4, number)
                packed = packers[side].message(data)
                cut = list(range(128, len(packed), 128)) if number % 2 == 0 else None
                plain.send(f"12.{family}.{number}", side, TEXT if family == 1 else BINARY, data, packed=packed, cut=cut,
                           between=[(PING, b"inside")] if number == 2 and cut else ())
    plain.close("client")
    plain.close("server")
    settings = [("13.1", True, 15, True, 15, ""), ("13.2", False, 15, False, 15, "server_no_context_takeover; client_no_context_takeover"),
                ("13.3", True, 9, True, 9, "server_max_window_bits=9; client_max_window_bits=9"),
                ("13.4", True, 15, False, 15, "client_no_context_takeover"), ("13.5", False, 12, True, 15, "server_no_context_takeover; server_max_window_bits=12"),
                ("13.6", False, 9, False, 9, "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9"),
                ("13.7", True, 10, False, 11, "client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=\"11\"")]
    for name, server_keeps, server_bits, client_keeps, client_bits, parameters in settings:
        answer = "permessage-deflate" + ("; " + parameters if parameters else "")
        connection = case.connection(f"{name}: {parameters or 'the whole window kept on both sides'}", "permessage-deflate; client_max_window_bits", answer)
        packers = {"client": Deflate(client_bits, client_keeps), "server": Deflate(server_bits, server_keeps)}
        for number, (size, seed) in enumerate(((900, 3), (900, 3), (6000, 4), (900, 3)), 1):
            for side in ("client", "server"):
                data = document(size, seed)
                connection.send(f"{name}.{number}", side, TEXT, data, packed=packers[side].message(data))
            connection.send(f"{name}.{number}", "server", TEXT, b"between", chop=4)
        connection.close("client")
    examples = case.connection("RFC 7692, 7.2.3: its examples", "permessage-deflate")
    for name, packed in (("7.2.3.1", "f248cdc9c90700"), ("7.2.3.2", "f200110000"), ("7.2.3.3", "000500faff48656c6c6f00"), ("7.2.3.4", "f348cdc9c9070000"),
                         ("7.2.3.5", "f248050000 00ffffcac9c90700"), ("7.2.3.6", "f200110000")):
        examples.send(name, "server", TEXT, b"Hello", packed=bytes.fromhex(packed))
    examples.send("7.2.3.1", "server", TEXT, b"Hello", packed=bytes.fromhex("f248cdc9c90700"), cut=[3])
    examples.send("7.2.3.6", "server", TEXT, b"", packed=b"\0")
    examples.close("server")
    wrong = case.connection("what permessage-deflate does not allow", "permessage-deflate")
    wrong.send("rsv1 of a ping", "client", PING, b"", bits=4)
    wrong.breaks("websocket_reserved_bits")
    wrong.send("no DEFLATE", "client", TEXT, b"", packed=b"\xff\xff\xff")
    wrong.truth["messages"][-1].update(size=None, sha256=None, text=None)
    wrong.breaks("websocket_deflate_invalid")
    wrong.send("texts that are inflated must be UTF-8", "server", TEXT, b"a\xffb", packed=Deflate().message(b"a\xffb"))
    wrong.breaks("websocket_invalid_utf8")
    wrong.close("server", 1007)


# ------------------------------------------------------------------ missing bytes

def after_loss(messages):
    """What of these compressed messages can be inflated by who has lost those before: None for one that refers to what is missing."""
    stream = zlib.decompressobj(-15)
    for packed in messages:
        try:
            yield stream.decompress(packed + b"\0\0\xff\xff")
        except zlib.error:
            stream = zlib.decompressobj(-15)
            yield None


def gaps(case):
    """Bytes that the capture lacks, with frame headers among them: where the next frame is found again, and what of compressed messages can still be inflated."""
    said = [(f"text {number}: " + "grüße " * (number % 5)).encode() for number in range(16)]
    texts = case.connection("masked texts: the end of one, two more and half a header are missing")
    for text in said[:4]:
        texts.send("before", "client", TEXT, text)
    torn = frame("client", TEXT, said[4])
    texts.data("client", torn[:9])
    texts.expect("torn", "client", TEXT, said[4])
    texts.truth["messages"][-1].update(sha256=None, text=None)  # its size stands in its header
    behind = frame("client", TEXT, said[7])
    texts.lose("client", torn[9:] + frame("client", TEXT, said[5]) + frame("client", TEXT, said[6]) + behind[:4])
    texts.packet("server", tcp.ACK)
    texts.data("client", behind[4:])
    for text in said[8:]:
        texts.send("behind", "client", TEXT, text)
    texts.close("client")
    binaries = case.connection("binaries of the server, one of them in fragments: a whole segment is missing")
    for number in range(3):
        binaries.send("before", "server", BINARY, noise(300, number))
    binaries.lose("server", frame("server", BINARY, noise(300, 9)) + frame("server", BINARY, noise(200, 10), final=False))
    binaries.packet("client", tcp.ACK)
    binaries.data("server", frame("server", CONTINUATION, noise(100, 11)))
    binaries.expect("end of a lost begin", "server", CONTINUATION, noise(100, 11))
    for number in range(20, 28):
        binaries.send("behind", "server", BINARY, noise(130 + number, number))
    binaries.close("server")
    for name, keeps, answer in (("kept", True, "permessage-deflate"), ("not kept", False, "permessage-deflate; server_no_context_takeover")):
        packed = case.connection(f"compressed messages, the window {name}: two of them are missing", "permessage-deflate", answer)
        packer = Deflate(15, keeps)
        documents = [document(400, seed) if seed < 5 else noise(200, seed) for seed in (1, 1, 2, 3, 2, 5, 3, 6, 6, 4, 6, 1)]
        wire = [packer.message(data) for data in documents]
        for data, travelled in zip(documents[:2], wire[:2]):
            packed.send("before", "server", TEXT, data, packed=travelled)
        packed.lose("server", b"".join(frame("server", TEXT, travelled, bits=4) for travelled in wire[2:4]))
        packed.packet("client", tcp.ACK)
        known = list(after_loss(wire[4:])) if keeps else documents[4:]
        for data, travelled, inflated in zip(documents[4:], wire[4:], known):
            packed.send("behind", "server", BINARY, data, packed=travelled)
            if inflated is None:
                packed.truth["messages"][-1].update(size=None, sha256=None, text=None)
            elif inflated != data:
                raise SystemExit("a message was inflated to another")
        packed.close("server")
    for connection in case.connections:
        connection.truth["findings"].append("websocket_resynced")


CASES = {"websocket/rules-gaps": gaps, "websocket/rules-frames": frames, "websocket/rules-utf8": utf8, "websocket/rules-deflate": deflate}


def write(name, out):
    case = Case()
    CASES[name](case)
    sent = []
    for connection in case.connections:
        connection.finish()
        sent += connection.frames
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    tcp.write(folder / "capture.pcap", sent)
    (folder / "rules.json").write_text(json.dumps({"case": name, "protocol": "websocket", "sources": ["tests/record/websocket_rules.py"], "rules": True,
                                                   "connections": [connection.truth for connection in case.connections]}, indent=1) + "\n")
    purpose = re.sub(r"\s+", " ", CASES[name].__doc__)
    (folder / "README.md").write_text(f"# {name}\n\nPurpose: {purpose}\n\nOrigin: hand-made packets with right checksums.\n\n"
                                      f"Made by: `tests/record/websocket_rules.py --out tests {name}`; `--check` compares the rows with what was sent\n")


# ------------------------------------------------------------------ the check

def rows_of(text, view):
    for block in re.findall(rf"^== {view} \d+\n(.*?)(?:\n\n|\Z)", text, re.M | re.S):
        yield {name: read_value(value) for name, value in re.findall(r"^(\w+): +(.*)$", block, re.M)}


def read_value(value):
    return None if value == "NULL" else json.loads(value) if value.startswith('"') else float(value) if "." in value else int(value)


def check(name, out):
    """Every numbered case must be told as it was sent. Answers how many are, and what is wrong."""
    expected = (out / name / "expected").read_text()
    truth = json.loads((out / name / "rules.json").read_text())["connections"]
    told = {}
    for row in rows_of(expected, "websocket_messages"):
        told.setdefault(row["flow_id"], []).append(row)
    sessions = list(rows_of(expected, "websocket_sessions"))
    findings = {}
    for row in rows_of(expected, "findings"):
        if row["name"].startswith("websocket_"):
            findings.setdefault(row["flow_id"], set()).add(row["name"])
    wrong = [] if len(sessions) == len(truth) else [f"{name}: {len(sessions)} sessions, not {len(truth)}"]
    right = 0
    for session, connection in zip(sessions, truth):
        rows = sorted(told.get(session["flow_id"], []), key=lambda row: row["number"])
        place = f"{name}, {connection['purpose']}"
        if len(rows) != len(connection["messages"]):
            wrong.append(f"{place}: {len(rows)} messages, not {len(connection['messages'])}")
        for row, message in zip(rows, connection["messages"]):
            differing = [column for column in ("from_side", "opcode", "size", "fragments", "compressed", "sha256") if row[column] != message[column]]
            if message["text"] is not None and row["text"] != message["text"]:
                differing.append("text")
            wrong += [f"{place}: {message['case']}: {column} is {str(row[column])[:80]!r}, not {str(message[column])[:80]!r}" for column in differing]
            right += not differing
        for column, value, wanted in (("violations", session["violations"], connection["violations"]), ("close_code", session["close_code"], connection["close_code"]),
                                      ("findings", sorted(findings.get(session["flow_id"], set())), sorted(connection["findings"]))):
            if value != wanted:
                wrong.append(f"{place}: {column} is {value}, not {wanted}")
    return right, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--check", action="store_true", help="compare the expected rows with what was sent instead")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    passed, wrong = 0, []
    for name in options.cases or CASES:
        if name not in CASES:
            parser.error(f"no such case: {name}; known: {' '.join(CASES)}")
        if options.check:
            right, complaints = check(name, options.out)
            passed, wrong = passed + right, wrong + complaints
        else:
            write(name, options.out)
    if options.check:
        print("".join(f"FAIL {line}\n" for line in wrong), end="")
        print(f"{passed} passed, {len(wrong)} failed, 0 skipped")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()

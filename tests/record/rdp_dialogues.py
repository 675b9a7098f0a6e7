#!/usr/bin/env python3
"""Writes hand-made RDP connections: what the recorded servers and clients here never say.

rdp_dialogues.py --out DIR [CASE...]   writes DIR/rdp/CASE/ (all of them by default)

Valid Ethernet, IPv4 and TCP with right checksums and handshakes, by the means of hostile.py.
"""
import argparse
import pathlib
import struct

import hostile
import packets as tcp
from hostile import ber, block, tpkt, x224_data

WELL_KNOWN_MODULUS = bytes.fromhex(
    "3d3a5ebd72433ec94dbbc11e4aba5fcb3e882087eff5c1e2d7b76b9af2524595ce63656b583afeef7ce7bffe3df65c7d6c5e06091af561bb2093095f056dea87")
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


def certificate(modulus, signature):
    key = struct.pack("<IIIII", 0x31415352, len(modulus) + 8, len(modulus) * 8, len(modulus) - 1, 65537) + modulus + bytes(8)
    return struct.pack("<IIIHH", 1, 1, 1, 6, len(key)) + key + struct.pack("<HH", 8, 72) + signature + bytes(8)


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
    security = struct.pack("<IIII", 2, 3, 32, 184) + bytes(range(32)) + certificate(WELL_KNOWN_MODULUS[::-1], bytes(range(1, 65)))
    talk.client(hostile.connect_initial(block(0xC001, core()))).server(connect_response(server((), security=security)))
    talk = case.start("twenty monitors").client(request(0)).server(confirm(0))
    talk.client(hostile.connect_initial(block(0xC001, core()) + monitors([(n * 100, 0, n * 100 + 99, 99, 0) for n in range(20)])))


CASES = {"every-block": every_block, "attacks": attacks}


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
        purpose = " ".join(CASES[name].__doc__.split())
        (folder / "README.md").write_text(f"# rdp/{name}\n\nPurpose: {purpose}\n\nOrigin: hand-made packets with right checksums.\n\n"
                                          f"Made by: `tests/record/rdp_dialogues.py --out tests {name}`\n")


if __name__ == "__main__":
    main()

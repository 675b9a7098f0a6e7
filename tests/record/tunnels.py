#!/usr/bin/env python3
"""Writes the cases of tunnels and link layers: one small conversation in each of them.

tunnels.py --out DIR [streams/CASE...]   writes DIR/streams/CASE/ (all of them by default)

Hand-made packets. The conversations inside are valid TCP with right checksums; each has a client address of its own, so
that every flow shows one way in.
"""
import argparse
import ipaddress
import pathlib
import struct

import packets as tcp

START = 1700000000000000
MACS = bytes.fromhex("020000000001020000000002")
SNAP = bytes.fromhex("aaaa03000000")
STATIONS = bytes.fromhex("020000000001020000000002020000000003")


def h(text):
    return bytes.fromhex(text)


def ipv4(protocol, payload, source="192.0.2.1", target="192.0.2.2", flags=0, offset=0, identification=0):
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identification, flags << 13 | offset // 8, 64, protocol, 0)
    header += ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed
    return header[:10] + struct.pack("!H", tcp.checksum(header)) + header[12:] + payload


def ipv6(following, payload, source="2001:db8::1", target="2001:db8::2"):
    return (struct.pack("!IHBB", 6 << 28, len(payload), following, 64) + ipaddress.ip_address(source).packed
            + ipaddress.ip_address(target).packed + payload)


def udp(port, payload):
    return struct.pack("!HHHH", 5000, port, 8 + len(payload), 0) + payload


def ethernet(ethertype, payload):
    return MACS + struct.pack("!H", ethertype) + payload


def gre(head, payload):
    return ipv4(47, h(head) + payload)


def conversation(number, version=4, target=None):
    """IP packets of one short SMTP session."""
    client = (f"10.80.{number}.2" if version == 4 else f"2001:db8:80:{number:x}::2", 40000 + number)
    server = (target or (f"10.80.{number}.1" if version == 4 else f"2001:db8:80:{number:x}::1"), 25)
    sequence = {client: 1000, server: 5000}
    result = []

    def packet(source, destination, flags, payload=b""):
        result.append(segment(source, destination, sequence[source], sequence[destination] if flags & tcp.ACK else 0, flags, payload))
        sequence[source] += len(payload) + bool(flags & (tcp.SYN | tcp.FIN))

    packet(client, server, tcp.SYN)
    packet(server, client, tcp.SYN | tcp.ACK)
    packet(client, server, tcp.ACK)
    for source, line in ((server, "220 mail.example.test ESMTP"), (client, f"EHLO client{number}.example.test"), (server, "250 mail.example.test"),
                         (client, "QUIT"), (server, "221 bye")):
        packet(source, client if source == server else server, tcp.ACK | tcp.PSH, line.encode() + b"\r\n")
    packet(client, server, tcp.ACK | tcp.FIN)
    packet(server, client, tcp.ACK | tcp.FIN)
    packet(client, server, tcp.ACK)
    return result


def segment(source, target, sequence, acknowledged, flags, payload):
    """An IP packet with TCP; packets.py makes those of IPv4."""
    if ":" not in source[0]:
        return tcp.tcp_frame(source, target, sequence, acknowledged, flags, payload)[14:]
    header = struct.pack("!HHIIBBHHH", source[1], target[1], sequence, acknowledged, 5 << 4, flags, 64240, 0, 0)
    addresses = ipaddress.ip_address(source[0]).packed + ipaddress.ip_address(target[0]).packed
    sum_of = tcp.checksum(addresses + struct.pack("!II", len(header) + len(payload), 6) + header + payload)
    return ipv6(6, header[:16] + struct.pack("!H", sum_of) + header[18:] + payload, source[0], target[0])


# ------------------------------------------------------------------ what goes around a packet

def frame4(payload):
    return ethernet(0x0800, payload)


def vxlan(vni, frame):
    return frame4(ipv4(17, udp(4789, struct.pack("!II", 8 << 24, vni << 8) + frame)))


# (version of the inner packet, its server if not the usual one, what makes a frame of it)
TUNNELS = [
    (4, None, lambda ip: frame4(gre("00000800", ip))),
    (4, None, lambda ip: frame4(gre("b0000800 00000000 00000007 00000001", ip))),
    (4, None, lambda ip: frame4(gre("20000800 00000007", ipv4(4, ip)))),
    (4, None, lambda ip: frame4(gre("3001880b" + f"{len(ip) + 4:04x}" + "0009 00000001", h("ff030021") + ip))),
    (4, None, lambda ip: frame4(gre("000088be", frame4(ip)))),
    (4, None, lambda ip: frame4(gre("100088be 00000001 10070005 00000000", frame4(ip)))),
    (4, None, lambda ip: frame4(gre("100022eb 00000001 20070006 00000000 00000000", frame4(ip)))),
    (4, None, lambda ip: frame4(gre("00008847 000111ff", ip))),
    (4, None, lambda ip: frame4(ipv4(4, ip))),
    (6, None, lambda ip: frame4(ipv4(41, ip))),
    (6, "2002:c000:202::1", lambda ip: frame4(ipv4(41, ip))),
    (4, None, lambda ip: ethernet(0x86DD, ipv6(4, ip))),
    (6, None, lambda ip: ethernet(0x86DD, ipv6(41, ip))),
    (6, None, lambda ip: frame4(ipv4(17, udp(3544, h("00001234c0000201") + ip)))),
    (4, None, lambda ip: vxlan(42, frame4(ip))),
    (4, None, lambda ip: frame4(ipv4(17, udp(6081, h("0140655800002b00") + h("01028000") + frame4(ip))))),
    (4, None, lambda ip: frame4(ipv4(17, udp(2152, h("32ff") + struct.pack("!HII", len(ip) + 4, 0xA0B0C0D0, 0x00010000) + ip)))),
    (6, None, lambda ip: ethernet(0x8864, h("11000011") + struct.pack("!H", len(ip) + 22) + h("0021") + ipv4(41, ip))),
    (4, None, lambda ip: ethernet(0x8847, h("00010040 000111ff 00000000") + frame4(ip))),
    (4, None, lambda ip: ethernet(0x88E7, h("00012345") + frame4(ip))),
    (4, None, lambda ip: ethernet(0x894F, h("0fc20101 00001701") + ip)),
    (4, None, lambda ip: ethernet(0x8100, h("0007 8926 80010000 0800") + ip)),
]


def fragments(ip):
    """A VXLAN datagram in two pieces: the path is known only when both are there."""
    datagram = udp(4789, struct.pack("!II", 8 << 24, 99 << 8) + frame4(ip))
    return [frame4(ipv4(17, datagram[:64], flags=1, identification=77)), frame4(ipv4(17, datagram[64:], offset=64, identification=77))]


def damaged(number):
    """Frames with anomalies, each of another kind."""
    ip = conversation(number)[0]
    inside = ip
    for _ in range(9):
        inside = ipv4(4, inside)
    stack = b"".join(struct.pack("!I", 16 << 12 | 255) for _ in range(17))
    udp6 = ipv6(17, struct.pack("!HHHH", 4000, 53, 10, 0) + b"ab")
    tags = b"".join(h("00078100") for _ in range(8)) + h("00070800")
    return [
        frame4(ip[:10] + h("1234") + ip[12:]), frame4(ip[:10] + h("0000") + ip[12:]),
        frame4(ip[:36] + h("1234") + ip[38:]), frame4(ip[:36] + h("0000") + ip[38:]),
        frame4(ipv4(17, h("0fa00035000a12346162"))), ethernet(0x86DD, udp6),
        frame4(ipv4(1, h("0800123400000001"))), ethernet(0x86DD, ipv6(58, h("8000123400000001"))),
        ethernet(0x86DD, ipv6(58, h("8000000000000001"))),
        frame4(inside), ethernet(0x8847, stack + ip), ethernet(0x8100, tags + ip),
        frame4(gre("00020800", ip)), frame4(gre("00080800", ip)), frame4(gre("100088be 00000001 20070005 00000000", frame4(ip))),
        ethernet(0x8864, h("21000011002a0021") + ip), frame4(ipv4(51, h("0600000000001234") + ip[20:])),
        frame4(b"\x35" + ip[1:]), frame4(b"\x44" + ip[1:]), frame4(ip[:12]), ethernet(0x8100, b"\0"),
        frame4(ipv4(6, ip[20:32])), frame4(ipv4(17, h("0fa0"))), frame4(ipv4(17, h("0fa0003500070000"))),
        frame4(ip[:2] + b"\x01\x00" + ip[4:]), ethernet(0x86DD, ipv6(6, ip[20:])[:4] + h("0100") + ipv6(6, ip[20:])[6:]),
        ethernet(0x86DD, ipv6(60, h("06ff000000000000"))),
        ethernet(0x86DD, ipv6(60, h("3c00010400000000") * 17)),
        frame4(ipv4(41, ip)),
    ]


def tunnels(folder):
    """A short SMTP session in each kind of tunnel, one datagram in pieces, and frames with each kind of anomaly that Ethernet can show."""
    frames = []
    time = START
    for number, (version, target, wrap) in enumerate(TUNNELS, 1):
        for ip in conversation(number, version, target):
            frames.append((time, wrap(ip)))
            time += 1000
    for frame in fragments(ipv4(17, struct.pack("!HHHH", 4000, 5000, 108, 0) + b"f" * 100, "10.81.0.2", "10.81.0.1")) + damaged(200):
        frames.append((time, frame))
        time += 1000
    tcp.write(folder / "capture.pcap", frames)
    return tunnels.__doc__


def pieces4(ip, identification, at=16):
    """An IPv4 packet as two fragments, the second one first."""
    payload, source, target = ip[20:], str(ipaddress.ip_address(ip[12:16])), str(ipaddress.ip_address(ip[16:20]))
    return [ipv4(ip[9], payload[at:], source, target, offset=at, identification=identification),
            ipv4(ip[9], payload[:at], source, target, flags=1, identification=identification)]


def pieces6(ip, identification, at=16):
    """The same of IPv6 (RFC 8200, 4.5)."""
    payload, source, target = ip[40:], str(ipaddress.ip_address(ip[8:24])), str(ipaddress.ip_address(ip[24:40]))
    return [ipv6(44, struct.pack("!BBHI", ip[6], 0, offset | more, identification) + part, source, target)
            for offset, more, part in ((at, 0, payload[at:]), (0, 1, payload[:at]))]


def atomic6(ip, identification):
    """A whole packet with a fragment header (RFC 6946)."""
    return [ipv6(44, struct.pack("!BBHI", ip[6], 0, 0, identification) + ip[40:], str(ipaddress.ip_address(ip[8:24])), str(ipaddress.ip_address(ip[24:40])))]


def in_gre(ip):
    return ipv4(47, h("20000800 00000009") + ip, "192.0.2.5", "192.0.2.6")


FRAGMENTED = [  # (IP version, how one packet goes on the wire)
    (4, pieces4),
    (6, pieces6),
    (6, atomic6),
    (4, lambda ip, number: pieces4(in_gre(ip), number, 40)),
    (4, lambda ip, number: [in_gre(piece) for piece in pieces4(ip, number)]),
    (4, lambda ip, number: [outer for inner, piece in enumerate(pieces4(ip, number)) for outer in pieces4(in_gre(piece), number * 2 + inner, 24)]),
]


def fragmented(folder):
    """
    SMTP sessions of which every packet is fragmented, the last piece first: IPv4, IPv6, atomic fragments, a GRE tunnel in pieces,
    pieces inside of a tunnel, and pieces inside of a tunnel in pieces. Every second packet of the tunnels is whole.
    """
    frames = []
    time = START
    for number, (version, pieces) in enumerate(FRAGMENTED, 1):
        for position, ip in enumerate(conversation(number, version)):
            packets = pieces(ip, number * 100 + position)
            if number > 3 and position % 2:
                packets = [in_gre(ip)]
            for packet in packets:
                frames.append((time, ethernet(0x86DD if packet[0] >> 4 == 6 else 0x0800, packet)))
                time += 1000
    tcp.write(folder / "capture.pcap", frames)
    return " ".join(fragmented.__doc__.split())


def checksums(folder):
    """Three sessions: right checksums, left to the network card, and one segment with a wrong one; --checksums verify."""
    frames = []
    time = START
    for number in (1, 2, 3):
        for position, ip in enumerate(conversation(number)):
            if number == 2:
                ip = ip[:36] + b"\0\0" + ip[38:]
            if number == 3 and position == 4:
                ip = ip[:-1] + bytes([ip[-1] ^ 1])
            frames.append((time, frame4(ip)))
            time += 1000
    tcp.write(folder / "capture.pcap", frames)
    (folder / "options").write_text("--checksums verify\n")
    (folder / "unsplittable").write_text("Split segments get right checksums.\n")
    return checksums.__doc__


# ------------------------------------------------------------------ link layers

RADIO = h("08020000") + STATIONS + h("1000")

# (link type, what makes a frame of an IPv4 packet)
LINKS = [
    (0, lambda ip: h("02000000") + ip),
    (6, lambda ip: h("1040020000000001820000000002") + h("04801234") + SNAP + h("0800") + ip),
    (8, lambda ip: bytes(16) + ip),
    (9, lambda ip: h("21") + ip),
    (10, lambda ip: b"\x50" + MACS + SNAP + h("0800") + ip),
    (50, lambda ip: h("ff030021") + ip),
    (51, lambda ip: h("11000017") + struct.pack("!H", len(ip) + 2) + h("0021") + ip),
    (100, lambda ip: SNAP + h("0800") + ip),
    (101, lambda ip: ip),
    (104, lambda ip: h("0f000800") + ip),
    (105, lambda ip: RADIO + SNAP + h("0800") + ip),
    (107, lambda ip: h("184103cc") + ip),
    (109, lambda ip: h("020000000000123400000000") + ip),
    (113, lambda ip: h("00000001000602000000000100000800") + ip),
    (117, lambda ip: h("3d02") + bytes(62) + ip),
    (119, lambda ip: bytes(144) + RADIO + SNAP + h("0800") + ip),
    (127, lambda ip: h("000009000200000000") + RADIO + SNAP + h("0800") + ip),
    (130, lambda ip: h("4d474301 5400 0001 0021") + ip),
    (135, lambda ip: h("4d474301 0000000000000000 0021") + ip),
    (137, lambda ip: h("4d474301 00000000") + SNAP + h("0800") + ip),
    (163, lambda ip: h("802110010000000c00000000") + RADIO + SNAP + h("0800") + ip),
    (178, lambda ip: h("4d474381 0006 010400000001") + frame4(ip)),
    (179, lambda ip: h("4d474301 ff030021") + ip),
    (181, lambda ip: h("4d474301 0f000800") + ip),
    (204, lambda ip: h("01ff030021") + ip),
    (219, lambda ip: h("000111ff") + ip),
    (239, lambda ip: h("02000000 0800010000000000") + struct.pack("<HH", len(ip) + 4, 9) + ip),
    (276, lambda ip: h("0800 0000 00000002 0001 00 06 0200000000010000") + ip),
    (147, lambda ip: ip),
]


def pcapng_block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def links(folder):
    """A short SMTP session on each kind of link, an unknown one among them, and damaged headers of links, in one pcapng."""
    data = pcapng_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    for link_type, _ in LINKS:
        data += pcapng_block(1, struct.pack("<HHI", link_type, 0, 262144))
    time = START

    def packet(interface, frame, length=None):
        nonlocal time, data
        data += pcapng_block(6, struct.pack("<IIIII", interface, time >> 32, time & 0xFFFFFFFF, len(frame), length or len(frame)) + frame)
        time += 1000

    for interface, (_, wrap) in enumerate(LINKS):
        for ip in conversation(interface + 1):
            packet(interface, wrap(ip))
    place = {link_type: interface for interface, (link_type, _) in enumerate(LINKS)}
    ip = conversation(100)[0]
    packet(place[178], h("4d474401") + frame4(ip))
    packet(place[127], h("000009000200000040") + RADIO + SNAP + h("0800") + ip)
    packet(place[105], h("88020000") + STATIONS + h("10008000") + MACS + struct.pack("!H", len(ip) + 8) + SNAP + h("0800") + ip + bytes(40))
    packet(place[9], h("3dc0000000") * 50)
    packet(place[101], ip[:30], len(ip))
    (folder / "capture.pcapng").write_bytes(data)
    return links.__doc__


CASES = {"streams/tunnels": tunnels, "streams/links": links, "streams/checksums": checksums, "streams/fragments": fragmented}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    for name in options.cases or CASES:
        if name not in CASES:
            parser.error(f"no such case: {name}; known: {' '.join(CASES)}")
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        purpose = CASES[name](folder)
        (folder / "README.md").write_text(f"# {name}\n\nPurpose: {purpose}\n\nOrigin: hand-made packets.\n\n"
                                          f"Made by: `tests/record/tunnels.py --out tests {name}`\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Rewrites a capture so that every TCP segment becomes segments of one byte each.

    split_segments.py FROM TO

What a stream says does not change by it, so neither may what is read from it. Sequence numbers
advance with the bytes; a SYN stays on the first byte, FIN, RST and PSH go to the last, the urgent
pointer keeps pointing at its byte; lengths and checksums are right; times are the segment's. Bytes
that the capture cut off (snaplen) follow as one segment with the same part missing.

Reads pcap (micro- and nanosecond, either byte order) and pcapng, plain or gzip or (by the zstd
program) zstd; writes pcap with nanoseconds. What is not TCP over IPv4 or IPv6 on a known link
passes through untouched, as do IP fragments and tunnels.
"""

import gzip
import struct
import subprocess
import sys

FIN, SYN, RST, PSH, URG = 0x01, 0x02, 0x04, 0x08, 0x20

LINK_NULL = 0
LINK_ETHERNET = 1
LINK_RAW_OPENBSD = 12
LINK_RAW_OTHER = 14
LINK_RAW = 101
LINK_LOOP = 108
LINK_LINUX_SLL = 113
LINK_IPV4 = 228
LINK_IPV6 = 229
LINK_LINUX_SLL2 = 276


class NotSplittable(Exception):
    """A capture that this script cannot rewrite as one pcap file."""


class Packet:
    """One record: nanoseconds since the epoch, what was captured, its length on the wire."""

    def __init__(self, time_ns, data, wire_length):
        self.time_ns = time_ns
        self.data = data
        self.wire_length = wire_length


def open_bytes(path):
    with open(path, 'rb') as file:
        data = file.read()
    if data[:2] == b'\x1f\x8b':
        return gzip.decompress(data)
    if data[:4] == b'\x28\xb5\x2f\xfd':
        return subprocess.run(['zstd', '-dcq'], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def read_pcap(data):
    """The link type and the packets of a pcap file; a last record that is cut off is left out."""
    magics = {b'\xd4\xc3\xb2\xa1': ('<', 1000), b'\xa1\xb2\xc3\xd4': ('>', 1000), b'\x4d\x3c\xb2\xa1': ('<', 1), b'\xa1\xb2\x3c\x4d': ('>', 1)}
    order, scale = magics[data[:4]]
    link_type = struct.unpack(order + 'I', data[20:24])[0] & 0xffff
    packets = []
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, captured, wire = struct.unpack(order + '4I', data[at:at + 16])
        if at + 16 + captured > len(data):
            break
        packets.append(Packet(seconds * 10**9 + fraction * scale, data[at + 16:at + 16 + captured], wire))
        at += 16 + captured
    return link_type, packets


def resolution_of(options, order):
    """Units a second, from an interface's options (if_tsresol, code 9); microseconds without it."""
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack(order + '2H', options[at:at + 4])
        if code == 0:
            break
        if code == 9 and length == 1:
            value = options[at + 4]
            return 2 ** (value & 0x7f) if value & 0x80 else 10 ** value
        at += 4 + (length + 3) // 4 * 4
    return 10**6


def read_pcapng(data):
    link_types = set()
    interfaces = []
    packets = []
    order = '<'
    at = 0
    while at + 12 <= len(data):
        if data[at:at + 4] == b'\x0a\x0d\x0d\x0a':
            order = '<' if data[at + 8:at + 12] == b'\x4d\x3c\x2b\x1a' else '>'
            interfaces = []
        kind, length = struct.unpack(order + '2I', data[at:at + 8])
        if length < 12 or at + length > len(data):
            break
        body = data[at + 8:at + length - 4]
        if kind == 1:
            link_type = struct.unpack(order + 'H', body[:2])[0]
            interfaces.append((link_type, resolution_of(body[8:], order)))
        elif kind == 6:
            number, high, low, captured, wire = struct.unpack(order + '5I', body[:20])
            link_type, units = interfaces[number]
            link_types.add(link_type)
            time_ns = ((high << 32) | low) * 10**9 // units
            packets.append(Packet(time_ns, body[20:20 + captured], wire))
        elif kind in (2, 3):
            raise NotSplittable('holds packets without a time of their own')
        at += length
    if len(link_types) > 1:
        raise NotSplittable('holds several link types')
    return (link_types.pop() if link_types else LINK_ETHERNET), packets


def read_capture(path):
    data = open_bytes(path)
    if data[:4] == b'\x0a\x0d\x0d\x0a':
        return read_pcapng(data)
    return read_pcap(data)


def write_pcap(path, link_type, packets):
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, link_type))
        for packet in packets:
            seconds, fraction = divmod(packet.time_ns, 10**9)
            file.write(struct.pack('<4I', seconds, fraction, len(packet.data), packet.wire_length))
            file.write(packet.data)


def network_offset(link_type, data):
    """Where the IP header starts, or None."""
    if link_type == LINK_ETHERNET:
        at = 12
        while data[at:at + 2] in (b'\x81\x00', b'\x88\xa8', b'\x91\x00'):
            at += 4
        return at + 2 if data[at:at + 2] in (b'\x08\x00', b'\x86\xdd') else None
    if link_type == LINK_LINUX_SLL:
        return 16 if data[14:16] in (b'\x08\x00', b'\x86\xdd') else None
    if link_type == LINK_LINUX_SLL2:
        return 20 if data[0:2] in (b'\x08\x00', b'\x86\xdd') else None
    if link_type in (LINK_NULL, LINK_LOOP):
        return 4
    if link_type in (LINK_RAW, LINK_RAW_OPENBSD, LINK_RAW_OTHER, LINK_IPV4, LINK_IPV6):
        return 0
    return None


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Segment:
    """The parts of a frame that carries one whole TCP segment; None from `of` where it carries none."""

    @classmethod
    def of(cls, link_type, data):
        at = network_offset(link_type, data)
        if at is None or at >= len(data):
            return None
        self = cls()
        self.network = at
        self.version = data[at] >> 4
        if self.version == 4:
            is_tcp = self.read_ipv4(data)
        elif self.version == 6:
            is_tcp = self.read_ipv6(data)
        else:
            is_tcp = False
        if not is_tcp or len(data) < self.transport + 20:
            return None
        self.header = (data[self.transport + 12] >> 4) * 4
        self.payload = self.transport + self.header
        if self.header < 20 or self.payload > self.end or self.payload > len(data):
            return None
        return self

    def read_ipv4(self, data):
        at = self.network
        if len(data) < at + 20:
            return False
        length = (data[at] & 15) * 4
        total = struct.unpack('>H', data[at + 2:at + 4])[0]
        fragment = struct.unpack('>H', data[at + 6:at + 8])[0] & 0x3fff
        self.transport = at + length
        self.end = at + total
        self.addresses = data[at + 12:at + 20]
        return length >= 20 and total >= length and fragment == 0 and data[at + 9] == 6

    def read_ipv6(self, data):
        at = self.network
        if len(data) < at + 40:
            return False
        following = data[at + 6]
        self.end = at + 40 + struct.unpack('>H', data[at + 4:at + 6])[0]
        self.addresses = data[at + 8:at + 40]
        position = at + 40
        while following in (0, 43, 60):  # hop-by-hop, routing, destination options
            if len(data) < position + 8:
                return False
            following = data[position]
            position += (data[position + 1] + 1) * 8
        self.transport = position
        return following == 6


def one_piece(segment, data, offset, length, captured, flags, sequence, urgent):
    """The frame with `length` payload bytes from `offset` on, of which the first `captured` are there."""
    frame = bytearray(data[:segment.payload])
    part = data[segment.payload + offset:segment.payload + offset + captured]
    tcp = segment.transport
    struct.pack_into('>I', frame, tcp + 4, sequence & 0xffffffff)
    frame[tcp + 13] = flags
    struct.pack_into('>HH', frame, tcp + 16, 0, urgent)
    ip_length = segment.payload - segment.network + length
    if segment.version == 4:
        struct.pack_into('>H', frame, segment.network + 2, ip_length)
        struct.pack_into('>H', frame, segment.network + 10, 0)
        struct.pack_into('>H', frame, segment.network + 10, checksum(bytes(frame[segment.network:segment.transport])))
    else:
        struct.pack_into('>H', frame, segment.network + 4, ip_length - 40)
    tcp_length = segment.header + length
    pseudo = segment.addresses + struct.pack('>IHBB', tcp_length, 0, 0, 6)
    struct.pack_into('>H', frame, tcp + 16, checksum(pseudo + bytes(frame[tcp:]) + part))
    return bytes(frame) + part


def split(link_type, packet):
    """The packets that stand for this one."""
    data = packet.data
    segment = Segment.of(link_type, data)
    if segment is None or segment.end - segment.payload < 2:
        return [packet]
    length = segment.end - segment.payload
    captured = min(length, len(data) - segment.payload)
    flags = data[segment.transport + 13]
    sequence, = struct.unpack('>I', data[segment.transport + 4:segment.transport + 8])
    urgent, = struct.unpack('>H', data[segment.transport + 18:segment.transport + 20])
    pieces = [(at, 1, 1) for at in range(captured)]
    if captured < length:
        pieces.append((captured, length - captured, 0))
    out = []
    for number, (offset, count, present) in enumerate(pieces):
        its_flags = flags
        if number > 0:
            its_flags &= ~SYN
        if number < len(pieces) - 1:
            its_flags &= ~(FIN | RST | PSH)
        its_urgent = 0
        if flags & URG:
            its_urgent = max(0, urgent - offset)
            if its_urgent == 0:
                its_flags &= ~URG
        # a SYN takes a number of its own, before the first byte
        its_sequence = sequence + offset + (1 if flags & SYN and number > 0 else 0)
        frame = one_piece(segment, data, offset, count, present, its_flags, its_sequence, its_urgent)
        out.append(Packet(packet.time_ns, frame, len(frame) + count - present))
    return out


def split_file(source, target):
    link_type, packets = read_capture(source)
    write_pcap(target, link_type, (piece for packet in packets for piece in split(link_type, packet)))


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    split_file(sys.argv[1], sys.argv[2])

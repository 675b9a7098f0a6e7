#!/usr/bin/env python3
"""The records of a capture file as they stand: for tests that compare captures byte by byte.

    records.py FILE               prints a line for each packet: time in nanoseconds, wire length, SHA-256 of what was captured
    records.py --raw FILE         the same for the whole record (pcap) or block (pcapng), options included
"""

import hashlib
import os
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import split_segments


def pcap_records(data):
    order = '<' if data[:1] in (b'\xd4', b'\x4d', b'\x34') else '>'
    nano = data[:4] in (b'\x4d\x3c\xb2\xa1', b'\xa1\xb2\x3c\x4d')
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, captured, wire = struct.unpack(order + 'IIII', data[at:at + 16])
        yield seconds * 10 ** 9 + fraction * (1 if nano else 1000), wire, data[at + 16:at + 16 + captured], data[at:at + 16 + captured]
        at += 16 + captured


def resolution(order, options):
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack(order + 'HH', options[at:at + 4])
        if code == 9 and length == 1:
            return 10 ** 9 // 10 ** options[at + 4]
        if code == 0:
            break
        at += 4 + (length + 3) // 4 * 4
    return 1000


def pcapng_records(data):
    order = '<'
    scales = []
    at = 0
    while at + 12 <= len(data):
        if data[at:at + 4] == b'\x0a\x0d\x0d\x0a':
            order = '<' if data[at + 8:at + 12] == b'\x4d\x3c\x2b\x1a' else '>'
            scales = []
        kind, length = struct.unpack(order + 'II', data[at:at + 8])
        block = data[at:at + length]
        if kind == 1:
            scales.append(resolution(order, block[16:-4]))
        elif kind == 6:
            interface, high, low, captured, wire = struct.unpack(order + 'IIIII', block[8:28])
            yield (high << 32 | low) * scales[interface], wire, block[28:28 + captured], block
        at += length


def records(path):
    data = split_segments.open_bytes(path)
    return pcapng_records(data) if data[:4] == b'\x0a\x0d\x0d\x0a' else pcap_records(data)


def main():
    is_raw = sys.argv[1:2] == ['--raw']
    for time, wire, captured, raw in records(sys.argv[-1]):
        print(time, wire, hashlib.sha256(raw if is_raw else captured).hexdigest())


if __name__ == '__main__':
    main()

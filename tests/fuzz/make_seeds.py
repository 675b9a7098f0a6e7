#!/usr/bin/env python3
"""Makes the seed corpora of the fuzz targets from the recorded cases: make_seeds.py OUT_FOLDER

OUT/TARGET/NAME for each target of tests/fuzz/targets.c; the formats of the inputs stand at the head of the targets' sources.
"""

import os
import struct
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path.insert(0, TESTS)

import split_segments

PROTOCOLS = {'smtp': 'smtp', 'ssh': 'ssh', 'http': 'http', 'websocket': 'websocket', 'http2': 'http2', 'rdp': 'rdp', 'ftp': 'ftp', 'tls': 'tls'}
STEP_MOST = 4000
FLAGS = {'rdp': 16 + 32}  # a server's key is given, keystrokes are recorded
DIALOGUE_MOST = 60000
LINK_CHOICES = {1: 0, 101: 1, 0: 2, 113: 3, 276: 4}  # places in packets.c's list of link types
FRAMES_MOST = 12


def captures():
    """(protocol, case, path) of every recorded case."""
    for protocol in sorted(os.listdir(TESTS)):
        above = os.path.join(TESTS, protocol)
        for case in sorted(os.listdir(above)) if os.path.isdir(above) else []:
            for name in sorted(os.listdir(os.path.join(above, case))) if os.path.isdir(os.path.join(above, case)) else []:
                if name.startswith('capture.pcap'):
                    yield protocol, case, os.path.join(above, case, name)


def tcp_of(link_type, data):
    """(source, destination, flags, sequence, payload) of a plain Ethernet or raw IPv4 TCP frame, or None."""
    if link_type == 1:
        if data[12:14] != b'\x08\x00':
            return None
        data = data[14:]
    elif link_type == 113:
        data = data[16:]
    if len(data) < 40 or data[0] >> 4 != 4 or data[9] != 6:
        return None
    total = struct.unpack('>H', data[2:4])[0]
    header = (data[0] & 15) * 4
    segment = data[header:total]
    if len(segment) < 20:
        return None
    source, destination, sequence = struct.unpack('>HHI', segment[:8])
    return (data[12:16], source), (data[16:20], destination), segment[13], sequence, segment[(segment[12] >> 4) * 4:]


def dialogues(link_type, packets):
    """Each connection's steps, in the order of capture, repetitions left out."""
    connections = {}
    for packet in packets:
        found = tcp_of(link_type, packet.data)
        if not found:
            continue
        source, destination, flags, sequence, payload = found
        key = tuple(sorted((source, destination)))
        connection = connections.setdefault(key, {'client': source if flags & 18 != 18 else destination, 'seen': set(), 'steps': []})
        if payload and (source, sequence) not in connection['seen']:
            connection['seen'].add((source, sequence))
            connection['steps'].append((source != connection['client'], payload))
    return [connection['steps'] for connection in connections.values() if connection['steps']]


KEYS_GIVEN = 64
KEYS_COME_LATE = 128


def key_log_beside(path):
    """The secrets of a case, as far as they fit; b'' where it has none."""
    beside = os.path.join(os.path.dirname(path), 'keys.log')
    if not os.path.exists(beside):
        return b''
    with open(beside, 'rb') as file:
        return b''.join(line for line in file if not line.startswith(b'#'))[:STEP_MOST * 3]


def encode(steps, flags=0, key_log=b''):
    out = bytearray([flags])
    if flags & KEYS_GIVEN:
        out += struct.pack('<H', len(key_log)) + key_log
    for from_server, payload in steps:
        for at in range(0, len(payload), STEP_MOST):
            part = payload[at:at + STEP_MOST]
            out += struct.pack('<BH', int(from_server), len(part)) + part
        if len(out) > DIALOGUE_MOST:
            break
    return bytes(out)


def segments_of(link_type, packets):
    """A connection's segments for the reassembly target: only their places and lengths matter."""
    out = bytearray([0])
    first = {}
    for packet in packets[:200]:
        found = tcp_of(link_type, packet.data)
        if not found:
            continue
        source, _, flags, sequence, payload = found
        base = first.setdefault(source, sequence)
        out += struct.pack('<BBHBBBB', int(source != next(iter(first))), flags & 0x3f, (sequence - base) & 0xffff, len(out) // 32 & 0xff, 255,
                           min(len(payload), 255), 1)
    return bytes(out)


class Seeds:
    def __init__(self, folder):
        self.folder = folder

    def write(self, target, name, data):
        os.makedirs(os.path.join(self.folder, target), exist_ok=True)
        with open(os.path.join(self.folder, target, name), 'wb') as file:
            file.write(data)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    seeds = Seeds(sys.argv[1])
    for protocol, case, path in captures():
        name = '%s-%s' % (protocol, case)
        with open(path, 'rb') as file:
            data = file.read()
        if len(data) <= 200000:
            seeds.write('capture', name, data)
        try:
            link_type, packets = split_segments.read_capture(path)
        except (split_segments.NotSplittable, ValueError):
            continue
        for number, packet in enumerate(packets[:FRAMES_MOST]):
            seeds.write('decode', '%s-%d' % (name, number), bytes([LINK_CHOICES.get(link_type, 0)]) + packet.data)
        if len(packets) < 2000:
            seeds.write('reassembly', name, segments_of(link_type, packets))
        target = PROTOCOLS.get(protocol)
        for number, steps in enumerate(dialogues(link_type, packets)[:20]):
            if target:
                seeds.write(target, '%s-%d' % (name, number), encode(steps, FLAGS.get(protocol, 0)))
            key_log = key_log_beside(path)
            if target and key_log:
                seeds.write(target, '%s-%d-keys' % (name, number), encode(steps, FLAGS.get(protocol, 0) | KEYS_GIVEN, key_log))
                seeds.write(target, '%s-%d-late' % (name, number), encode(steps, FLAGS.get(protocol, 0) | KEYS_GIVEN | KEYS_COME_LATE, key_log))
    for name, steps in {'whole': [(0, 0, 2, 0), (0, 2, 2, 0), (0, 4, 2, 1)], 'overlap': [(0, 0, 4, 0), (0, 2, 4, 0), (0, 6, 2, 1)]}.items():
        for version in (0, 2):
            seeds.write('fragments', '%s-%d' % (name, version),
                        b'\0' + b''.join(bytes([version << 6, number, offset, length, 1 - last, 1]) for number, offset, length, last in steps))


if __name__ == '__main__':
    main()

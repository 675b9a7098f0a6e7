#!/usr/bin/env python3
"""Makes demo.pcap, the capture that `./autogen.sh demo` shows: recorded cases of all five protocols, laid side by side.

    make_demo.py            writes demo.pcap beside this script

The recorded cases all have the same two hosts. Here each gets hosts of its own (IPv4 addresses are rewritten, checksums
follow), save for FTP, which speaks of its addresses inside the conversation; and all begin within a minute of each other.
Nothing else is changed.
"""

import os
import struct
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)

import split_segments

# case, last octet of the client and of the server (both in 10.77.0.0/24; None: as recorded), seconds after the first
SCENES = (
    ('smtp/plain', 21, 25, 0),
    ('smtp/starttls', 22, 25, 3),
    ('smtp/rejected', 23, 25, 7),
    ('smtp/auth', 24, 25, 12),
    ('ssh/openssh', 21, 30, 2),
    ('ssh/password-failed', 66, 30, 18),
    ('ssh/dropbear-to-openssh', 24, 30, 31),
    ('websocket/echo', 22, 80, 5),
    ('websocket/close', 23, 80, 22),
    ('rdp/standard', 21, 40, 9),
    ('rdp/tls', 24, 40, 26),
    ('ftp/passive', None, None, 14),
    ('ftp/anonymous', None, None, 35),
)
START_NS = 1767258000 * 10**9  # 2026-01-01 09:00:00 UTC
CLIENT = bytes([10, 77, 0, 2])
SERVER = bytes([10, 77, 0, 1])


def with_checksum(frame, at, start, end, pseudo=b''):
    struct.pack_into('>H', frame, at, 0)
    struct.pack_into('>H', frame, at, split_segments.checksum(pseudo + bytes(frame[start:end])))


def moved(data, client, server):
    """The Ethernet frame with other IPv4 addresses."""
    if data[12:14] != b'\x08\x00' or data[23] != 6:
        return data
    new = {CLIENT: bytes([10, 77, 0, client]), SERVER: bytes([10, 77, 0, server])}
    frame = bytearray(data)
    for at in (26, 30):
        frame[at:at + 4] = new[bytes(frame[at:at + 4])]
    transport = 14 + (frame[14] & 15) * 4
    end = 14 + struct.unpack('>H', frame[16:18])[0]
    with_checksum(frame, 24, 14, transport)
    with_checksum(frame, transport + 16, transport, end, bytes(frame[26:34]) + struct.pack('>BBH', 0, 6, end - transport))
    return bytes(frame)


def main():
    packets = []
    for case, client, server, seconds in SCENES:
        link_type, scene = split_segments.read_capture(os.path.join(TESTS, case, 'capture.pcap'))
        assert link_type == split_segments.LINK_ETHERNET
        shift = START_NS + seconds * 10**9 - scene[0].time_ns
        for packet in scene:
            data = packet.data if client is None else moved(packet.data, client, server)
            packets.append(split_segments.Packet(packet.time_ns + shift, data, packet.wire_length))
    packets.sort(key=lambda packet: packet.time_ns)
    split_segments.write_pcap(os.path.join(TESTS, 'demo', 'demo.pcap'), split_segments.LINK_ETHERNET, packets)


if __name__ == '__main__':
    main()

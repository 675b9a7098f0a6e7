#!/usr/bin/env python3
"""Writes one Ethernet capture in many forms: file formats, byte orders, clocks, link layers.

    capture_forms.py FROM FOLDER

Each file in FOLDER says the same as FROM, so each must give the same protocol rows. The names of the files say what they
are. `multiple_interfaces.pcapng` has its packets by turns on an Ethernet, a raw IP and a cooked interface.
"""

import gzip
import os
import shutil
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import split_segments

LINKS = {}


def link(number):
    def note(function):
        LINKS[function.__name__] = (number, function)
        return function
    return note


# ---- the same IP packet on other links; `frame` is Ethernet without VLAN -------------


@link(1)
def ethernet(frame):
    return frame


@link(1)
def vlan(frame):
    return frame[:12] + b'\x81\x00\x20\x07' + frame[12:]


@link(1)
def qinq(frame):
    return frame[:12] + b'\x88\xa8\x00\x05\x81\x00\x00\x07' + frame[12:]


@link(1)
def qinq_old_tag(frame):
    return frame[:12] + b'\x91\x00\x00\x05\x81\x00\x00\x07' + frame[12:]


@link(101)
def raw_ip(frame):
    return frame[14:]


@link(113)
def linux_cooked_v1(frame):
    return b'\x00\x00\x00\x01\x00\x06' + frame[6:12] + b'\x00\x00' + frame[12:]


@link(276)
def linux_cooked_v2(frame):
    return frame[12:14] + b'\x00\x00\x00\x00\x00\x02\x00\x01\x00\x06' + frame[6:12] + b'\x00\x00' + frame[14:]


@link(0)
def bsd_null_little(frame):
    return struct.pack('<I', 2 if frame[14] >> 4 == 4 else 30) + frame[14:]


@link(0)
def bsd_null_big(frame):
    return struct.pack('>I', 2 if frame[14] >> 4 == 4 else 24) + frame[14:]


@link(108)
def bsd_loop(frame):
    return struct.pack('>I', 2 if frame[14] >> 4 == 4 else 28) + frame[14:]


# ---- file formats -----------------------------------------------------------------------


def write_pcap(path, packets, link_type=1, order='<', is_nano=False):
    with open(path, 'wb') as file:
        file.write(struct.pack(order + 'IHHiIII', 0xa1b23c4d if is_nano else 0xa1b2c3d4, 2, 4, 0, 0, 262144, link_type))
        for packet in packets:
            seconds, fraction = divmod(packet.time_ns, 10**9)
            file.write(struct.pack(order + '4I', seconds, fraction if is_nano else fraction // 1000, len(packet.data), packet.wire_length))
            file.write(packet.data)


def block(order, kind, body):
    body += b'\0' * (-len(body) % 4)
    return struct.pack(order + '2I', kind, len(body) + 12) + body + struct.pack(order + 'I', len(body) + 12)


def option(order, code, value):
    return struct.pack(order + '2H', code, len(value)) + value + b'\0' * (-len(value) % 4)


def section(order):
    return block(order, 0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1) + option(order, 4, b'capture_forms.py') + option(order, 0, b''))


def interface(order, link_type, resolution=None):
    options = b'' if resolution is None else option(order, 9, bytes([resolution])) + option(order, 0, b'')
    return block(order, 1, struct.pack(order + 'HHI', link_type, 0, 262144) + options)


def enhanced_packet(order, number, packet, units):
    time = packet.time_ns * units // 10**9
    head = struct.pack(order + '5I', number, time >> 32, time & 0xffffffff, len(packet.data), packet.wire_length)
    return block(order, 6, head + packet.data + b'\0' * (-len(packet.data) % 4) + option(order, 2, b'\0\0\0\0') + option(order, 0, b''))


def write_pcapng(path, packets, order='<', resolution=None):
    units = 10**6 if resolution is None else 2 ** (resolution & 127) if resolution & 128 else 10 ** resolution
    with open(path, 'wb') as file:
        file.write(section(order) + interface(order, 1, resolution))
        file.write(block(order, 0x12345678, b'a block of a kind that nobody knows'))
        for packet in packets:
            file.write(enhanced_packet(order, 0, packet, units))


def write_interfaces(path, packets):
    """By turns on three interfaces, with clocks of their own; a new section of the other byte order in the middle."""
    kinds = ((ethernet, 1, None, 10**6), (raw_ip, 101, 9, 10**9), (linux_cooked_v1, 113, 6, 10**6))
    with open(path, 'wb') as file:
        for order, part in (('<', packets[:len(packets) // 2]), ('>', packets[len(packets) // 2:])):
            file.write(section(order))
            for _, link_type, resolution, _ in kinds:
                file.write(interface(order, link_type, resolution))
            for number, packet in enumerate(part):
                make, _, _, units = kinds[number % 3]
                data = make(packet.data)
                file.write(enhanced_packet(order, number % 3, split_segments.Packet(packet.time_ns, data, len(data)), units))


def main(source, folder):
    link_type, packets = split_segments.read_capture(source)
    assert link_type == 1
    for name, (number, make) in LINKS.items():
        frames = (make(packet.data) for packet in packets)
        write_pcap(os.path.join(folder, name + '.pcap'), [split_segments.Packet(packet.time_ns, data, len(data)) for packet, data in zip(packets, frames)], number)
    write_pcap(os.path.join(folder, 'micro_big.pcap'), packets, order='>')
    write_pcap(os.path.join(folder, 'nano_little.pcap'), packets, is_nano=True)
    write_pcap(os.path.join(folder, 'nano_big.pcap'), packets, order='>', is_nano=True)
    write_pcapng(os.path.join(folder, 'little.pcapng'), packets)
    write_pcapng(os.path.join(folder, 'big.pcapng'), packets, order='>')
    write_pcapng(os.path.join(folder, 'nanoseconds.pcapng'), packets, resolution=9)
    write_interfaces(os.path.join(folder, 'multiple_interfaces.pcapng'), packets)
    for name in ('ethernet.pcap', 'little.pcapng'):
        path = os.path.join(folder, name)
        with open(path, 'rb') as plain, gzip.open(path + '.gz', 'wb') as packed:
            packed.write(plain.read())
        if shutil.which('zstd'):
            subprocess.run(['zstd', '-q', path, '-o', path + '.zst'], check=True)


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])

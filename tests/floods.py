#!/usr/bin/env python3
"""Writes captures that try to exhaust an analyzer: floods.py KIND COUNT OUT.pcap

    half-open   COUNT connections that are asked for and never answered
    holes       one connection whose every other byte is missing: COUNT segments
    fragments   COUNT first fragments of datagrams that never become whole
    sessions    COUNT SMTP sessions that are all open at the same time, each greeted and with a command
    resets      COUNT segments and resets outside the window of one connection, among its own
    overlaps    COUNT segments behind a hole that contradict each other
"""

import struct
import sys

ETHERNET = bytes.fromhex('020000000002020000000001') + b'\x08\x00'
SYN, ACK, RST = 2, 16, 4


class Writer:
    def __init__(self, file):
        self.file = file
        self.pending = []
        self.number = 0
        file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))

    def frame(self, payload):
        """One Ethernet frame, ten microseconds after the one before."""
        time = 1700000000 * 1000000 + self.number * 10
        self.number += 1
        length = len(payload) + 14
        self.pending.append(struct.pack('<IIII', time // 1000000, time % 1000000, length, length) + ETHERNET + payload)
        if len(self.pending) == 10000:
            self.flush()

    def flush(self):
        self.file.write(b''.join(self.pending))
        self.pending = []


def ip(source, destination, protocol, payload, identification=0, fragment=0):
    return struct.pack('>BBHHHBBHII', 0x45, 0, 20 + len(payload), identification & 0xffff, fragment, 64, protocol, 0, source, destination) + payload


def tcp(source, destination, source_port, destination_port, sequence, acknowledgment, flags, payload=b'', window=65535):
    return ip(source, destination, 6, struct.pack('>HHIIBBHHH', source_port, destination_port, sequence & 0xffffffff, acknowledgment & 0xffffffff, 0x50, flags,
                                                  window, 0, 0) + payload)


CLIENTS = 0x0a000000
SERVER = 0x0a800001


def client_of(number):
    """Address and port of the n-th client: some hundred connections from each host."""
    return CLIENTS + 1 + number // 400, 20000 + number % 400 * 100


def half_open(writer, count):
    for number in range(count):
        client, port = client_of(number)
        writer.frame(tcp(client, SERVER, port, 25, number * 7919, 0, SYN))


def open_connection(writer, client, port, server_port=25):
    writer.frame(tcp(client, SERVER, port, server_port, 999, 0, SYN))
    writer.frame(tcp(SERVER, client, server_port, port, 4999, 1000, SYN | ACK))
    writer.frame(tcp(client, SERVER, port, server_port, 1000, 5000, ACK))


def holes(writer, count):
    client, port = client_of(0)
    open_connection(writer, client, port)
    for number in range(count):
        writer.frame(tcp(client, SERVER, port, 25, 1001 + number * 2, 5000, ACK, b'x'))
        if number % 8000 == 7999:  # the server opens its window, but acknowledges nothing
            writer.frame(tcp(SERVER, client, 25, port, 5000, 1000 + number * 2 - 16000, ACK))


def fragments(writer, count):
    payload = b'\x00' * 1400
    for number in range(count):
        writer.frame(ip(CLIENTS + 1 + (number >> 16), SERVER, 17, payload, identification=number, fragment=0x2000))


def sessions(writer, count):
    for number in range(count):
        open_connection(writer, *client_of(number))
    for number in range(count):
        client, port = client_of(number)
        writer.frame(tcp(SERVER, client, 25, port, 5000, 1000, ACK, b'220 mail.example.test ESMTP ready\r\n'))
    for number in range(count):
        client, port = client_of(number)
        writer.frame(tcp(client, SERVER, port, 25, 1000, 5035, ACK, b'EHLO client%d.example.test\r\n' % number))


def resets(writer, count):
    client, port = client_of(0)
    open_connection(writer, client, port)
    for number in range(count):
        writer.frame(tcp(client, SERVER, port, 25, 1000 + 900000000 + number, 5000, RST))
        writer.frame(tcp(client, SERVER, port, 25, 1000 + 800000000 + number, 5000, ACK, b'EVIL'))
        writer.frame(tcp(client, SERVER, port, 25, 1000 + number, 5000, ACK, b'x'))
        if number % 1000 == 999:
            writer.frame(tcp(SERVER, client, 25, port, 5000, 1000 + number, ACK))


def overlaps(writer, count):
    client, port = client_of(0)
    open_connection(writer, client, port)
    for number in range(count):
        begin = 1001 + number * 37 % 60000
        writer.frame(tcp(client, SERVER, port, 25, begin, 5000, ACK, bytes([number & 0xff]) * (1 + number % 1400)))


KINDS = {'half-open': half_open, 'holes': holes, 'fragments': fragments, 'sessions': sessions, 'resets': resets, 'overlaps': overlaps}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in KINDS or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    with open(sys.argv[3], 'wb') as file:
        writer = Writer(file)
        KINDS[sys.argv[1]](writer, int(sys.argv[2]))
        writer.flush()


if __name__ == '__main__':
    main()

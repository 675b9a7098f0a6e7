#!/usr/bin/env python3
"""Writes the case of evasions: SMTP sessions whose packets try to show an onlooker other bytes than their receiver takes.

evasions.py --out DIR   writes DIR/streams/evasions/

Hand-made packets, after Ptacek and Newsham (1998) and the tests of intrusion detection systems. In every session the client that
its receiver hears says "EHLO good..."; what an onlooker must not believe says "EHLO evil...". Each session has a client of its own:
10.90.N.2, N as in EVASIONS below.
"""
import argparse
import ipaddress
import pathlib
import struct

import packets as tcp

START = 1700000000000000
ETHERNET = bytes.fromhex("0200000000010200000000020800")
GREETING = b"220 mail.example.test ESMTP\r\n"
ACCEPTED = b"250 mail.example.test\r\n"
BYE = b"221 bye\r\n"
GOOD_TIME, OLD_TIME = 5000, 400


def ipv4(source, target, protocol, payload, ttl=64, identification=0, flags=2, offset=0):
    addresses = ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identification, flags << 13 | offset // 8, ttl, protocol, 0) + addresses
    return head[:10] + struct.pack("!H", tcp.checksum(head)) + head[12:] + payload


class Session:
    """One connection; packets are made in the order of the calls, a millisecond apart."""

    def __init__(self, out, number):
        self.out = out
        self.name = b"%d.example.test\r\n" % number
        self.client = (f"10.90.{number}.2", 41000 + number)
        self.server = (f"10.90.{number}.1", 25)
        self.next = {self.client: 1000, self.server: 7000}
        self.identification = number * 1000

    def segment(self, source, payload=b"", flags=tcp.ACK, sequence=None, acknowledged=None, wrong=False, timestamp=None, window=64240, urgent=0):
        target = self.server if source == self.client else self.client
        sequence = self.next[source] if sequence is None else sequence
        acknowledged = self.next[target] if acknowledged is None else acknowledged
        options = struct.pack("!BBBBII", 1, 1, 8, 10, GOOD_TIME if timestamp is None else timestamp, 1)
        head = struct.pack("!HHIIBBHHH", source[1], target[1], sequence % (1 << 32), acknowledged % (1 << 32) if flags & tcp.ACK else 0, 8 << 4, flags, window, 0, urgent) + options
        addresses = ipaddress.ip_address(source[0]).packed + ipaddress.ip_address(target[0]).packed
        sum_of = tcp.checksum(addresses + struct.pack("!BBH", 0, 6, len(head) + len(payload)) + head + payload)
        return head[:16] + struct.pack("!H", sum_of ^ (0x5555 if wrong else 0)) + head[18:] + payload

    def put(self, source, segment, ttl=64, **fragment):
        target = self.server if source == self.client else self.client
        self.identification += 1
        fragment.setdefault("identification", self.identification)
        self.out.append((START + len(self.out) * 1000, ETHERNET + ipv4(source[0], target[0], 6, segment, ttl, **fragment)))

    def say(self, source, payload=b"", flags=tcp.ACK, ttl=64, **odd):
        """What is part of the connection, and counts."""
        self.put(source, self.segment(source, payload, flags, **odd), ttl)
        self.next[source] += len(payload) + bool(flags & (tcp.SYN | tcp.FIN))

    def lie(self, payload=b"", flags=tcp.ACK, ttl=64, **odd):
        """What the server never takes, in the client's name."""
        self.put(self.client, self.segment(self.client, payload, flags, **odd), ttl)

    def open(self):
        self.say(self.client, flags=tcp.SYN)
        self.say(self.server, flags=tcp.SYN | tcp.ACK)
        self.say(self.client)
        self.say(self.server, GREETING, tcp.ACK | tcp.PSH)
        self.say(self.client, b"NOOP\r\n")
        self.say(self.server, b"250 ok\r\n")

    def close(self):
        self.say(self.server, ACCEPTED, tcp.ACK | tcp.PSH)
        self.say(self.client, b"QUIT\r\n", tcp.ACK | tcp.PSH)
        self.say(self.server, BYE, tcp.ACK | tcp.PSH)
        self.say(self.client, flags=tcp.ACK | tcp.FIN)
        self.say(self.server, flags=tcp.ACK | tcp.FIN)
        self.say(self.client)

    @property
    def evil(self):
        return b"EHLO evil" + self.name

    @property
    def good(self):
        return b"EHLO good" + self.name


def lied(**odd):
    """A segment that the server drops, before the one that it takes."""
    def write(session):
        session.open()
        session.lie(session.evil, **odd)
        session.say(session.client, session.good, tcp.ACK | tcp.PSH)
        session.close()
    return write


def future_acknowledgment(session):
    session.open()
    session.lie(session.evil, acknowledged=session.next[session.server] + 900000)
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.close()


def outside_window(session):
    session.open()
    for step in range(40):
        session.lie(session.evil, sequence=session.next[session.client] + 300000 + step)
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.close()


def reset_outside(session):
    session.open()
    session.lie(flags=tcp.RST, sequence=session.next[session.client] + 500000)
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.close()


def reset_refuted(session):
    session.open()
    session.lie(flags=tcp.RST, ttl=2)
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.close()


def wrong_fin(session):
    session.open()
    session.lie(flags=tcp.FIN | tcp.ACK, wrong=True)
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.close()


def overlap_behind_hole(session):
    """Linux takes the copy that begins earlier."""
    session.open()
    first = session.next[session.client]
    session.lie(b"evil" + session.name, sequence=first + 5)
    session.lie(b" good" + session.name, sequence=first + 4)
    session.say(session.client, b"EHLO")
    session.next[session.client] += 5 + len(session.name)
    session.close()


def overlap_in_order(session):
    """What the server has in order already is read; a later copy changes nothing."""
    session.open()
    first = session.next[session.client]
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.lie(session.evil, sequence=first)
    session.close()


def forged_acknowledgment(session):
    """In the server's name: it claims to have bytes that nobody sent."""
    session.open()
    session.put(session.server, session.segment(session.server, acknowledged=session.next[session.client] + 20000))
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.close()


def overlapping_fragments(session):
    """Linux drops the datagram; the segment comes once more."""
    session.open()
    evil = session.segment(session.client, session.evil)
    good = session.segment(session.client, session.good)
    session.put(session.client, good[:40], identification=7, flags=1)
    session.put(session.client, evil[32:56], identification=7, flags=1, offset=32)
    session.put(session.client, evil[56:], identification=7, flags=0, offset=56)
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.close()


def mirrored_twice(session):
    """A mirror port that copies both ways: every packet is there twice, once behind the router."""
    out = session.out
    session.out = []
    session.open()
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.close()
    base = len(out)
    for number, (_, frame) in enumerate(session.out):
        head = bytearray(frame)
        head[22] -= 1
        head[24:26] = bytes(2)
        head[24:26] = struct.pack("!H", tcp.checksum(bytes(head[14:34])))
        out.append((START + (base + 2 * number) * 1000, frame))
        out.append((START + (base + 2 * number) * 1000 + 40, bytes(head)))


def answer_first(session):
    """The two directions were captured apart: each answer stands before its question."""
    session.open()
    sent = len(session.out)
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.say(session.server, ACCEPTED, tcp.ACK | tcp.PSH)
    (question_us, question), (answer_us, answer) = session.out[sent:]
    session.out[sent:] = [(question_us, answer), (answer_us, question)]
    session.say(session.client, b"QUIT\r\n", tcp.ACK | tcp.PSH)
    session.say(session.server, BYE, tcp.ACK | tcp.PSH)


def data_in_syn(session):
    session.say(session.client, session.good, tcp.SYN)
    session.next[session.client] = 1001 + len(session.good)
    session.say(session.server, flags=tcp.SYN | tcp.ACK)
    session.say(session.client)
    session.say(session.server, GREETING, tcp.ACK | tcp.PSH)
    session.close()


def both_open(session):
    session.say(session.client, flags=tcp.SYN, acknowledged=0)
    session.say(session.server, flags=tcp.SYN, acknowledged=0)
    session.put(session.client, session.segment(session.client, flags=tcp.SYN | tcp.ACK, sequence=1000))
    session.put(session.server, session.segment(session.server, flags=tcp.SYN | tcp.ACK, sequence=7000))
    session.say(session.server, GREETING, tcp.ACK | tcp.PSH)
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.close()


def keep_alives(session):
    session.open()
    session.lie(b"\0", sequence=session.next[session.client] - 1)
    session.lie(sequence=session.next[session.client] - 90000)
    session.say(session.client, session.good, tcp.ACK | tcp.PSH)
    session.close()


def urgent(session):
    session.open()
    session.say(session.client, session.good, tcp.ACK | tcp.PSH | tcp.URG, urgent=4)
    session.close()


EVASIONS = [  # (what, how)
    ("a segment with a wrong checksum", lied(wrong=True)),
    ("a segment whose TTL ends on the way", lied(ttl=3)),
    ("a segment with an old timestamp (PAWS)", lied(timestamp=OLD_TIME)),
    ("a segment without ACK", lied(flags=tcp.PSH)),
    ("a segment with an acknowledgment of what was never sent", future_acknowledgment),
    ("segments outside the window, more than are kept aside", outside_window),
    ("a reset outside the window", reset_outside),
    ("a reset whose TTL ends on the way", reset_refuted),
    ("a FIN with a wrong checksum", wrong_fin),
    ("an overlap behind a hole", overlap_behind_hole),
    ("an overlap with what was in order", overlap_in_order),
    ("a forged acknowledgment", forged_acknowledgment),
    ("overlapping fragments", overlapping_fragments),
    ("every packet captured twice", mirrored_twice),
    ("an answer captured before its question", answer_first),
    ("data in the SYN", data_in_syn),
    ("both sides open at once", both_open),
    ("keep-alives outside the window", keep_alives),
    ("urgent data", urgent),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    folder = options.out / "streams" / "evasions"
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for number, (_, write) in enumerate(EVASIONS, 1):
        write(Session(out, number))
    tcp.write(folder / "capture.pcap", out)
    rows = "".join(f"| 10.90.{number}.2 | {what} |\n" for number, (what, _) in enumerate(EVASIONS, 1))
    (folder / "README.md").write_text(
        "# streams/evasions\n\nPurpose: packets that try to show an onlooker other bytes than their receiver takes. The client that is heard says\n"
        '"EHLO good..."; nothing of "EHLO evil..." may be read.\n\n'
        f"| client | what is tried |\n|---|---|\n{rows}\nOrigin: hand-made packets.\n\nMade by: `tests/record/evasions.py --out tests`\n")


if __name__ == "__main__":
    main()

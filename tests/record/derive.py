#!/usr/bin/env python3
"""Computes cases from recorded ones: packets lost, the beginning cut off, one side only, reordered.

derive.py --list PROTOCOL            names its derived cases
derive.py --out DIR PROTOCOL/CASE    writes DIR/PROTOCOL/CASE/ from the recorded case in DIR

truth.json keeps the sessions of the recorded case and adds what was done to the packets, and
for each connection the packets, bytes and holes that are left.
"""
import argparse
import gzip
import json
import pathlib
import struct
import sys

import packets as tcp

# case: (recorded case, operation, arguments)
CASES = {
    "smtp/gap": ("smtp/ipv6", "gap", {"side": "client"}),
    "smtp/gap-server": ("smtp/plain", "gap", {"side": "server"}),
    "smtp/midstream": ("smtp/pipelining", "midstream", {"keep": 0.55}),
    "smtp/client-only": ("smtp/plain", "one_side", {"side": "client"}),
    "smtp/server-only": ("smtp/plain", "one_side", {"side": "server"}),
    "smtp/reordered": ("smtp/ipv6", "reordered", {}),
    "ssh/gap": ("ssh/sftp", "gap", {"side": "client"}),
    "ssh/midstream": ("ssh/openssh", "midstream", {"keep": 0.4}),
    "ssh/client-only": ("ssh/aes128-ctr", "one_side", {"side": "client"}),
    "ssh/server-only": ("ssh/aes128-ctr", "one_side", {"side": "server"}),
    "ssh/reordered": ("ssh/sftp", "reordered", {}),
    "websocket/gap": ("websocket/echo", "gap", {"side": "client"}),
    "websocket/gap-payload": ("websocket/echo", "gap", {"side": "client", "after_largest": True}),
    "websocket/midstream": ("websocket/echo", "midstream", {"keep": 0.6}),
    "websocket/client-only": ("websocket/fragments", "one_side", {"side": "client"}),
    "websocket/server-only": ("websocket/fragments", "one_side", {"side": "server"}),
    "websocket/reordered": ("websocket/echo", "reordered", {}),
    "http2/gap": ("http2/streams", "gap", {"side": "server"}),
    "http2/client-only": ("http2/streams", "one_side", {"side": "client"}),
    "rdp/gap": ("rdp/standard", "gap", {"side": "server"}),
    "rdp/midstream": ("rdp/standard", "midstream", {"keep": 0.8}),
    "rdp/client-only": ("rdp/standard", "one_side", {"side": "client"}),
    "rdp/server-only": ("rdp/standard", "one_side", {"side": "server"}),
    "rdp/reordered": ("rdp/channels", "reordered", {}),
    "ftp/gap": ("ftp/passive", "gap", {"side": "server"}),
    "ftp/midstream": ("ftp/directories", "midstream", {"keep": 0.5}),
    "ftp/client-only": ("ftp/passive", "one_side", {"side": "client"}),
    "ftp/server-only": ("ftp/passive", "one_side", {"side": "server"}),
    "ftp/reordered": ("ftp/active", "reordered", {}),
    "tls/embedded-keys": ("tls/https13", "embedded", {}),
}

PURPOSES = {
    "gap": "one data segment is missing although the other side acknowledged it",
    "midstream": "the capture begins when the sessions are under way: no handshake, no beginning",
    "one_side": "only one side's packets were captured",
    "reordered": "segments swapped with their neighbours and sent twice; the rows must equal the recorded case's",
    "embedded": "a compressed pcapng file that holds the secrets itself: before the packets, among them, and behind all of them, in sections of both "
                "byte orders, beside secrets of another kind; the rows must equal the recorded case's",
}


def side_of(packet, clients):
    return "client" if packet.source == clients[packet.connection] else "server"


def gap(packets, clients, side, after_largest=False):
    """Drops the largest data segment of that side, but not a connection's first one.

    The largest one begins a message that needs several segments; with after_largest the next
    segment is lost instead, which begins nothing.
    """
    begun, candidates = set(), []
    for index, packet in enumerate(packets):
        if not packet.payload or side_of(packet, clients) != side:
            continue
        if packet.connection in begun:
            candidates.append(index)
        begun.add(packet.connection)
    chosen = max(candidates, key=lambda index: len(packets[index].payload))
    # What follows must be left, or there would be no hole but an early end.
    lost = packets[chosen]
    if not any(packet.payload and packet.connection == lost.connection
               and packet.source == lost.source for packet in packets[chosen + 1:]):
        candidates.remove(chosen)
        followed = [index for index in candidates
                    if any(later > index and packets[later].connection == packets[index].connection
                           for later in candidates + [chosen])]
        chosen = max(followed, key=lambda index: len(packets[index].payload))
        lost = packets[chosen]
    if after_largest:
        lost = packets[min(index for index in candidates if index > chosen)]
    kept = [packet for packet in packets
            if not (packet.payload and packet.connection == lost.connection
                    and packet.source == lost.source and packet.sequence == lost.sequence)]
    sent = [packet for packet in packets if packet.payload and packet.connection == lost.connection and packet.source == lost.source]
    return kept, {"side": side, "lost_bytes": len(lost.payload), "header_lost": not after_largest,
                  "segments_before": sent.index(lost), "client": list(clients[lost.connection])}


def midstream(packets, clients, keep):
    """Keeps the last part of the capture and no connection's handshake."""
    first = int(len(packets) * (1 - keep))
    cut = {packet.connection for packet in packets[:first]}
    kept = [packet for packet in packets[first:]
            if packet.connection not in cut or not packet.flags & tcp.SYN]
    return kept, {"packets_cut": len(packets) - len(kept)}


def one_side(packets, clients, side):
    return [packet for packet in packets if side_of(packet, clients) == side], {"side": side}


def reordered(packets, clients):
    """Swaps neighbouring data segments of one direction; repeats every third data segment later.

    Frames move, the times stay: they must not go backwards.
    """
    order = list(packets)
    swapped, index = 0, 0
    while index + 1 < len(order):
        one, two = order[index], order[index + 1]
        if one.payload and two.payload and one.source == two.source and one.target == two.target:
            order[index], order[index + 1] = two, one
            swapped += 1
            index += 1
        index += 1
    result, pending, data_seen, repeated = [], [], 0, 0
    for packet in order:
        result.append(packet)
        pending = [(wait - 1, copy) for wait, copy in pending]
        while pending and pending[0][0] <= 0:
            result.append(pending.pop(0)[1])
            repeated += 1
        if packet.payload:
            data_seen += 1
            if data_seen % 3 == 0:
                pending.append((2, packet))
    times = []
    for index in range(len(result)):
        times.append(packets[index].time if index < len(packets) else times[-1] + 50)
    moved = [tcp.Packet(time, packet.frame, packet.source, packet.target, packet.sequence,
                        packet.flags, packet.payload) for time, packet in zip(times, result)]
    return moved, {"swapped": swapped, "repeated": repeated}


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def secrets_block(order, kind, text):
    return block(order, 10, struct.pack(order + "2I", kind, len(text)) + text)


def embedded(packets, key_log):
    """A pcapng file of two sections, with the lines of the key log in three blocks of secrets."""
    randoms = list(dict.fromkeys(line.split()[1] for line in key_log if len(line.split()) == 3))
    texts = ["".join(line for line in key_log if number in line).encode() for number in randoms]
    groups = [texts[0], b"# a comment\n" + b"".join(texts[1:-1]), texts[-1]]
    made = []
    for index, order in enumerate("<>"):
        part = packets[:len(packets) // 2] if index == 0 else packets[len(packets) // 2:]
        made.append(block(order, 0x0a0d0d0a, struct.pack(order + "I2Hq", 0x1a2b3c4d, 1, 0, -1)))
        made.append(block(order, 1, struct.pack(order + "2HI", 1, 0, 262144)))
        if index == 0:
            made.append(secrets_block(order, 0x544c534b, groups[0]))
        for number, packet in enumerate(part):
            if number == len(part) // 2:
                made.append(secrets_block(order, 0x544c534b, groups[1]) if index == 0 else secrets_block(order, 0x57474b4c, b"LOCAL_STATIC_PRIVATE_KEY = none\n"))
            made.append(block(order, 6, struct.pack(order + "5I", 0, packet.time >> 32, packet.time & 0xffffffff, len(packet.frame), len(packet.frame)) + packet.frame))
        if index == 1:
            made.append(secrets_block(order, 0x544c534b, groups[2]))
    return b"".join(made)


def derive_embedded(case, out, base):
    folder = out / case
    folder.mkdir(parents=True, exist_ok=True)
    lines = (out / base / "keys.log").read_text().splitlines(keepends=True)
    made = embedded(tcp.read(out / base / "capture.pcap"), lines)
    with open(folder / "capture.pcapng.gz", "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
        packed.write(made)
    truth = json.loads((out / base / "truth.json").read_text())
    truth.update(case=case, derived_from=base, connections=tcp.account(tcp.read(out / base / "capture.pcap")))
    (folder / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")
    (folder / "unsplittable").write_text("the secrets stand in the capture file: its packets alone, split or cut, would be without them\n")
    (folder / "README.md").write_text(
        f"# {case}\n\nPurpose: {PURPOSES['embedded']}.\n\nOrigin: the packets and the key log of {base}.\n\n"
        f"Made by: `tests/record/record.sh {case}` (tests/record/derive.py)\n")


def derive(case, out):
    base, operation, arguments = CASES[case]
    if operation == "embedded":
        derive_embedded(case, out, base)
        return
    recorded = tcp.read(out / base / "capture.pcap")
    clients = tcp.roles(recorded)
    packets, done = globals()[operation](recorded, clients, **arguments)
    truth = json.loads((out / base / "truth.json").read_text())
    truth.update(case=case, derived_from=base,
                 operation={"name": operation, **done},
                 connections=tcp.account(packets, clients))
    folder = out / case
    folder.mkdir(parents=True, exist_ok=True)
    tcp.write(folder / "capture.pcap", packets)
    (folder / "truth.json").write_text(json.dumps(truth, indent=2) + "\n")
    (folder / "README.md").write_text(
        f"# {case}\n\nPurpose: {PURPOSES[operation]}.\n\n"
        f"Origin: the packets of {base}, {operation.replace('_', ' ')} "
        f"({', '.join(f'{name}: {value}' for name, value in done.items() if name in ('side', 'lost_bytes', 'packets_cut', 'swapped', 'repeated'))}).\n\n"
        f"Made by: `tests/record/record.sh {case}` (tests/record/derive.py; truth.json has the "
        f"sessions of {base} and what is left of each connection)\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", metavar="PROTOCOL")
    parser.add_argument("--base", metavar="CASE", help="prints the recorded case it is made from")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("case", nargs="?")
    options = parser.parse_args()
    if options.list:
        for case in [case for case in CASES if case.startswith(options.list + "/")]:
            print(case)
        return
    if options.base:
        print(CASES[options.base][0])
        return
    if options.case not in CASES or options.out is None:
        parser.error("name a derived case and --out")
    if not (options.out / CASES[options.case][0] / "capture.pcap").exists():
        print(f"derive.py: record {CASES[options.case][0]} first", file=sys.stderr)
        sys.exit(1)
    derive(options.case, options.out)


if __name__ == "__main__":
    main()

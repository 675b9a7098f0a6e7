#!/usr/bin/env python3
"""Measures what messages of WebSockets, records of TLS and TLS handshakes cost.

protocols.py --wirescribe PROGRAM --make-load PROGRAM --directory SCRATCH [--rounds 3] [--name NAME]

Each load (make_load --scene) is read with one worker. The rates are for each second of processor time: of the worker, which does
all but reading and decoding packets and writing rows, and of the whole process; the best of the rounds counts, as in
transfers.py, which this script shares its means with. The rows must tell all messages and sessions of the load.
Limits: BENCH_MAX_HANDSHAKE_US, microseconds of the worker for a TLS session without keys, half of them with two certificates in
the clear; all of its packets, its names by nDPI and its row are in it. Exit status: 0, 1 the limit is missed or rows are, 2.
"""
import argparse
import os
import re
import subprocess
import sys

import transfers

MESSAGES = "SELECT count(*) FROM websocket_messages WHERE opcode IN ('text', 'binary')"
OPENED = "SELECT sum(server_bytes) FROM flows WHERE flow_id IN (SELECT flow_id FROM tls_sessions WHERE decrypted = 1)"
SESSIONS = "SELECT count(*) FROM tls_sessions WHERE established = 1"


class Scene:
    """One kind of load: what of it is counted, and what the unit of the rate is."""

    def __init__(self, name, title, megabytes, count_query, unit, scale):
        self.name = name
        self.title = title
        self.megabytes = megabytes
        self.count_query = count_query
        self.unit = unit
        self.scale = scale


SCENES = [
    Scene("websocket", "WebSocket messages", 60, MESSAGES, "thousands/s", 1e3),
    Scene("websocket-deflate", "the same, compressed", 40, MESSAGES, "thousands/s", 1e3),
    Scene("tls13-gcm", "TLS 1.3, AES-128-GCM", 200, OPENED, "MB/s", 1e6),
    Scene("tls13-chacha20", "TLS 1.3, ChaCha20-Poly1305", 200, OPENED, "MB/s", 1e6),
    Scene("tls12-cbc", "TLS 1.2, AES-128-CBC, SHA-256", 200, OPENED, "MB/s", 1e6),
    Scene("tls-handshakes", "TLS sessions without keys", 30, SESSIONS, "thousands/s", 1e3),
]


def make_load(arguments, scene):
    """The load, its key log, and how many sessions are in it; made, or found made already."""
    load = os.path.join(arguments.directory, f"{scene.name}-{scene.megabytes}-{arguments.name}.pcap")
    if not os.path.exists(load + ".txt"):
        for other in os.listdir(arguments.directory):
            if re.match(rf"{scene.name}-\d+-", other):
                os.remove(os.path.join(arguments.directory, other))
        command = [arguments.make_load, "-o", load, "--scene", scene.name, "--megabytes", str(scene.megabytes), "--keys", load + ".keys"]
        made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            transfers.give_up(made.stderr)
        with open(load + ".txt", "w", encoding="utf-8") as file:
            file.write(made.stderr)
    with open(load + ".txt", encoding="utf-8") as file:
        sessions = int(re.search(r"(\d+) sessions, ", file.read())[1])
    return load, load + ".keys", sessions


def measure(arguments, reader, scene):
    """Prints one line of the table; answers the worker's seconds for one session, and whether rows are missing."""
    load, keys, sessions = make_load(arguments, scene)
    options = ["--keys", keys] if scene.count_query is OPENED else []
    runs = [reader.read(load, options) for _ in range(arguments.rounds)]
    count = reader.ask(scene.count_query)[0][0] or 0
    expected = {MESSAGES: 5000 * sessions, OPENED: 50000000 * sessions, SESSIONS: sessions}[scene.count_query]

    def rate(what):
        return count / scene.scale / min(getattr(run, what) for run in runs)

    print(f"{scene.title:32} {rate('worker'):10.0f} {rate('cpu'):10.0f} {rate('wall'):10.0f} {max(run.peak for run in runs):9.1f} "
          f"{scene.unit:12} {sessions} sessions{'' if count >= expected else f', but {count} of {expected} are in the rows'}", flush=True)
    return min(run.worker for run in runs) / sessions, count >= expected


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wirescribe", required=True)
    parser.add_argument("--make-load", required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--name", default="load")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        transfers.give_up("there are no rounds")
    reader = transfers.Reader(arguments)
    print(f"{'by processor time of':32} {'worker':>10} {'process':>10} {'wall':>10} {'peak MB':>9}")
    measured = {scene.name: measure(arguments, reader, scene) for scene in SCENES}
    reader.forget()
    is_good = transfers.judge("the worker's time for a TLS session", measured["tls-handshakes"][0] * 1e6,
                              float(os.environ.get("BENCH_MAX_HANDSHAKE_US", 50)), True, "us")
    sys.exit(0 if is_good and all(is_whole for _, is_whole in measured.values()) else 1)


if __name__ == "__main__":
    main()

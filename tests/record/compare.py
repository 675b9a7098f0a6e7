#!/usr/bin/env python3
"""Compares what wirescribe read from recorded cases with what the servers' logs said.

compare.py --wirescribe PROGRAM DIR [CASE...]

For each case: reads the capture of DIR/CASE into a database, asks it by `wirescribe sql`, compares
with DIR/CASE/truth.json and with packets and bytes counted by packets.py. One line a case,
"ok" or "FAIL" and what differs; the last line counts. Exit status 1 if anything failed.
"""
import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

import compare_protocols
import packets as tcp

TIME_LIMIT = 60


class Failure(Exception):
    """The program itself failed; nothing can be compared."""


def capture_of(case):
    """The case's capture, which may be a compressed pcapng file."""
    return next(case.glob("capture.*"))


class Database:
    """One capture read by the program under test."""

    def __init__(self, program, case, folder, *arguments):
        """Reads the capture in the folder `case`, with the arguments of its file `options` and more, into a database in `folder`."""
        self.program = program
        self.case = case
        self.folder = folder
        self.path = pathlib.Path(folder) / f"case{len(arguments)}.db"
        options = case / "options"
        given = shlex.split(options.read_text(), comments=True) if options.exists() else []
        self.run("read", capture_of(case).name, "-o", str(self.path), *given, *arguments)

    def read_again(self, *arguments):
        """The same capture, read with more arguments."""
        return Database(self.program, self.case, self.folder, *arguments)

    def run(self, *arguments):
        try:
            done = subprocess.run([self.program, *arguments], capture_output=True, text=True, cwd=self.case,
                                  errors="replace", timeout=TIME_LIMIT, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Failure(f"wirescribe {arguments[0]} took more than {TIME_LIMIT} s") from None
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise Failure(f"wirescribe {arguments[0]} ended with {done.returncode}: {said}")
        return done.stdout

    def rows(self, sql):
        answer = self.run("sql", str(self.path), sql, "--format", "json").strip()
        return json.loads(answer) if answer else []


class Check:
    """Collects what differs."""

    def __init__(self):
        self.differences = []

    def fail(self, text):
        self.differences.append(text)

    def equal(self, what, expected, actual):
        if expected != actual:
            self.fail(f"{what}: {actual!r}, not {expected!r}")

    def one_of(self, what, expected, actual):
        if actual not in expected:
            self.fail(f"{what}: {actual!r}, none of {expected!r}")

    def right_or_unknown(self, what, expected, actual):
        """For what the program may not know yet: NULL is honest, a wrong value is not."""
        if actual is not None and actual != expected:
            self.fail(f"{what}: {actual!r}, neither NULL nor {expected!r}")


def check_flows(check, database, capture, truth):
    """Packets and distinct bytes of every connection, counted a second time by packets.py."""
    expected = truth.get("connections") or tcp.account(tcp.read(capture))
    flows = {}
    for row in database.rows("SELECT * FROM flows WHERE transport = 'tcp'"):
        ends = ((row["client_ip"], row["client_port"]), (row["server_ip"], row["server_port"]))
        flows[tuple(sorted(ends))] = row
    check.equal("number of flows", len(expected), len(flows))
    for connection in expected:
        client = (connection["client_ip"], connection["client_port"])
        server = (connection["server_ip"], connection["server_port"])
        row = flows.get(tuple(sorted((client, server))))
        name = f"flow of {client[0]}:{client[1]}"
        if row is None:
            check.fail(f"{name} is missing")
            continue
        swapped = row["client_ip"] != client[0] or row["client_port"] != client[1]
        if swapped and connection["handshake_seen"]:
            check.fail(f"{name}: client and server are exchanged")
        for side in ("client", "server"):
            column = {"client": "server", "server": "client"}[side] if swapped else side
            for unit in ("packets", "bytes"):
                check.equal(f"{name}: {column}_{unit}", connection[f"{side}_{unit}"], row[f"{column}_{unit}"])
            holes = sum(end - start for start, end in connection[f"{side}_holes"])
            if truth.get("operation", {}).get("name") in ("gap", "reordered"):
                check.equal(f"{name}: {column}_missing", holes, row[f"{column}_missing"])


def compare(program, folder):
    """The differences of one case, as texts."""
    truth = json.loads((folder / "truth.json").read_text())
    check = Check()
    with tempfile.TemporaryDirectory(prefix="wirescribe-compare.") as scratch:
        try:
            database = Database(program, folder, scratch)
            check_flows(check, database, capture_of(folder), truth)
            if not truth.get("hostile"):
                compare_protocols.compare(check, database, truth)
            elif os.path.getsize(database.path) > 8 << 20:
                check.fail("the database of a small hostile capture is larger than 8 MiB")
        except Failure as failure:
            check.fail(str(failure))
    return check.differences


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wirescribe", required=True)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("case", nargs="*")
    options = parser.parse_args()
    cases = options.case or sorted(
        str(path.parent.relative_to(options.folder)) for path in options.folder.glob("*/*/truth.json"))
    counts = {"passed": 0, "failed": 0, "skipped": 0}  # nothing here is ever skipped
    for case in cases:
        if not (options.folder / case / "truth.json").exists():
            print(f"FAIL {case}: it was not recorded", flush=True)
            counts["failed"] += 1
            continue
        differences = compare(options.wirescribe, options.folder / case)
        if differences:
            more = f" (and {len(differences) - 4} more)" if len(differences) > 4 else ""
            print(f"FAIL {case}: {'; '.join(differences[:4])}{more}", flush=True)
            counts["failed"] += 1
        else:
            print(f"ok {case}", flush=True)
            counts["passed"] += 1
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


if __name__ == "__main__":
    main()

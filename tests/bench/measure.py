#!/usr/bin/env python3
"""Times wirescribe and its peers on one load capture, in turns, and judges the medians.

measure.py --wirescribe PROGRAM --load LOAD.pcap --directory SCRATCH [--rounds 5] [--without tcpflow,tshark]

LOAD.pcap.txt beside the load holds the line that make_load printed, with the number of packets. Wall time, CPU time (user
and system) and peak memory come from wait4(2) for each process by itself. The peak has a floor: what this script itself holds
(about 15 MB) counts in it, for the kernel adds it to the child at exec. tshark would need minutes: it reads the first
twentieth of the load, and its times are multiplied.
Limits: BENCH_MAX_WALL_RATIO, BENCH_MAX_CPU_RATIO, BENCH_MAX_RSS_MB (see bench.sh). Exit status: 0, 1 exceeded or failed, 2.
"""
import argparse
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

TSHARK_PART = 20


class Run:
    """What one process took."""

    def __init__(self, wall, cpu, peak):
        self.wall = wall  # seconds
        self.cpu = cpu    # seconds, user and system
        self.peak = peak  # MB


class Program:
    """One line of the table. `factor`: the load is so many times what this program reads."""

    def __init__(self, name, command, factor=1.0, before=None):
        self.name = name
        self.command = command
        self.factor = factor
        self.before = before
        self.runs = []

    def median(self, what):
        return statistics.median(getattr(run, what) for run in self.runs)

    @property
    def wall(self):
        return self.median("wall") * self.factor

    @property
    def cpu(self):
        return self.median("cpu") * self.factor

    @property
    def peak(self):
        return self.median("peak")


def give_up(message):
    print(f"bench: {message}", file=sys.stderr)
    sys.exit(2)


def run_once(command, errors):
    """Runs the command with its output thrown away; ends this script if it fails."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    start = time.monotonic()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    wall = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        with open(errors, encoding="utf-8", errors="replace") as file:
            print(file.read()[-2000:], file=sys.stderr)
        print(f"bench: {' '.join(command)} ended with status {code}", file=sys.stderr)
        sys.exit(1)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def cut_load(load, packets, target):
    """Copies the first packets of the load."""
    if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(load):
        subprocess.run(["tcpdump", "-r", load, "-c", str(packets), "-w", target], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def find_programs(arguments, packets):
    """The programs to run, in the order of their turns; says which ones are left out."""
    load = arguments.load
    database = os.path.join(arguments.directory, "bench.db")
    streams = os.path.join(arguments.directory, "tcpflow")

    def remove_database():
        for suffix in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(database + suffix):
                os.remove(database + suffix)

    def empty_streams():
        shutil.rmtree(streams, ignore_errors=True)
        os.mkdir(streams)

    programs = [
        Program("wirescribe", [arguments.wirescribe, "read", "-q", load, "-o", database], before=remove_database),
        Program("tcpdump", ["tcpdump", "-r", load, "-w", "/dev/null"]),
    ]
    without = [name for name in arguments.without.split(",") if name]
    for name in ("ndpiReader", "tcpflow", "tshark"):
        if name in without or os.environ.get(f"BENCH_{name.upper()}") == "0":
            print(f"{name}: left out")
        elif shutil.which(name) is None:
            print(f"{name}: not installed")
        elif name == "ndpiReader":
            programs.append(Program(name, [name, "-q", "-i", load]))
        elif name == "tcpflow":
            programs.append(Program(name, [name, "-q", "-r", load, "-o", streams], before=empty_streams))
        else:
            cut = os.path.join(arguments.directory, "cut.pcap")
            part = max(packets // TSHARK_PART, 1)
            cut_load(load, part, cut)
            print(f"tshark: reads the first {part} packets; its times are multiplied by {packets / part:.1f}, its memory is not")
            programs.append(Program(name, [name, "-n", "-q", "-r", cut], factor=packets / part))
    return programs, database, remove_database, lambda: shutil.rmtree(streams, ignore_errors=True)


def print_table(programs, packets, size):
    ours = programs[0]
    print(f"{'':12} {'wall s':>8} {'CPU s':>8} {'packets/s':>12} {'MB/s':>8} {'peak MB':>8} {'wall':>8} {'CPU':>8}")
    for program in programs:
        print(f"{program.name:12} {program.wall:8.2f} {program.cpu:8.2f} {packets / program.wall:12.0f} "
              f"{size / 1e6 / program.wall:8.1f} {program.peak:8.1f} "
              f"{ours.wall / program.wall:7.2f}x {ours.cpu / program.cpu:7.2f}x")
    print("The last two columns: wirescribe's time as a multiple of the program's.")


def print_contents(database):
    """Shows that the work was done; returns False if no session was found."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    flows = connection.execute("SELECT count(*) FROM flows").fetchone()[0]
    rows = connection.execute("SELECT protocol, count(*) FROM sessions GROUP BY protocol ORDER BY protocol").fetchall()
    connection.close()
    found = ", ".join(f"{count} {protocol}" for protocol, count in rows)
    print(f"wirescribe found {flows} flows; sessions: {found or 'none'}")
    return bool(rows)


def is_within(name, value, limit_name, default, unit):
    limit = float(os.environ.get(limit_name, default))
    verdict = "good" if value <= limit else "EXCEEDED"
    print(f"{name}: {value:.2f}{unit}, limit {limit:g}{unit}: {verdict}")
    return value <= limit


def judge(programs):
    by_name = {program.name: program for program in programs}
    ours = by_name["wirescribe"]
    verdicts = [is_within("wall time, of tcpdump's", ours.wall / by_name["tcpdump"].wall, "BENCH_MAX_WALL_RATIO", "3", "x")]
    if "ndpiReader" in by_name:
        ratio = ours.cpu / by_name["ndpiReader"].cpu
        verdicts.append(is_within("CPU time, of ndpiReader's", ratio, "BENCH_MAX_CPU_RATIO", "1.5", "x"))
    else:
        print("CPU time, of ndpiReader's: not judged without ndpiReader")
    verdicts.append(is_within("peak memory", max(run.peak for run in ours.runs), "BENCH_MAX_RSS_MB", "200", " MB"))
    return all(verdicts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wirescribe", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without", default="")
    arguments = parser.parse_args()
    with open(arguments.load + ".txt", encoding="utf-8") as file:
        description = file.read().strip()
    match = re.search(r"(\d+) packets, ", description)
    if match is None or arguments.rounds < 1:
        give_up(f"{arguments.load}.txt does not tell the number of packets, or there are no rounds")
    packets = int(match.group(1))
    size = os.path.getsize(arguments.load)
    print(f"{arguments.load}: {description.rpartition(': ')[2]}")

    programs, database, remove_database, remove_streams = find_programs(arguments, packets)
    errors = os.path.join(arguments.directory, "errors.txt")
    with open(arguments.load, "rb", buffering=0) as file:  # so that nobody is the first to read it from the disk
        while file.read(1 << 20):
            pass
    for number in range(arguments.rounds):
        for program in programs:
            if program.before is not None:
                program.before()
            program.runs.append(run_once(program.command, errors))
        print(f"round {number + 1}: " + ", ".join(f"{p.name} {p.runs[-1].wall:.2f} s" for p in programs), flush=True)
    remove_streams()
    print(f"\nmedian of {arguments.rounds}:")
    print_table(programs, packets, size)
    has_sessions = print_contents(database)
    remove_database()
    is_good = judge(programs)
    if not has_sessions:
        print("bench: wirescribe found no sessions in the load", file=sys.stderr)
    sys.exit(0 if is_good and has_sessions else 1)


if __name__ == "__main__":
    main()

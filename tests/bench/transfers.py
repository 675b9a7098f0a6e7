#!/usr/bin/env python3
"""Measures the way of a file through wirescribe: one FTP transfer, one mail with a large attachment, many mails.

transfers.py --wirescribe PROGRAM --make-load PROGRAM --directory SCRATCH [--rounds 3] [--name NAME]

Each load (make_load --scene) is read with one worker. MB/s are bytes of the file, or of the mails as they were sent, for each
second of processor time: of the worker, which does all but reading and decoding packets, and of the whole process. The
worker's time is read from /proc while it runs, every few milliseconds. The best of the rounds counts: what else the machine
does can only slow a run down. The digests in the rows are compared with those of what
make_load put in, and the peak memory with that of the same transfer in small. SCRATCH keeps the loads; NAME tells whether they
are of this make_load.
Limits: BENCH_MIN_FTP_MBS, BENCH_MIN_MAIL_MBS, BENCH_MIN_MAILS_MBS, BENCH_MAX_GROWTH_MB (see bench.sh); the speed is judged where the processor
has SHA instructions. Exit status: 0, 1 a limit is missed, a digest differs or a program failed, 2.
"""
import argparse
import os
import sqlite3
import subprocess
import sys
import time

POLL_SECONDS = 0.004
FTP_BYTES = "SELECT sum(size) FROM ftp_transfers"
MAIL_BYTES = "SELECT sum(client_bytes) FROM flows"


class Scene:
    """One kind of load. `small`: megabytes of the same for comparing memory."""

    def __init__(self, name, title, megabytes, small, bytes_query, limit_name, limit):
        self.name = name
        self.title = title
        self.megabytes = megabytes
        self.small = small
        self.bytes_query = bytes_query
        self.limit = float(os.environ.get(limit_name, limit))


SCENES = [
    Scene("ftp", "FTP, one file of 1 GB", 1000, 10, FTP_BYTES, "BENCH_MIN_FTP_MBS", 1000),
    Scene("mail", "mail, one attachment of 200 MB", 200, 10, MAIL_BYTES, "BENCH_MIN_MAIL_MBS", 300),
    # each of these has a price of its own besides its bytes: rows, links, the types of its parts
    Scene("mails", "mail, many of 100 KB", 200, 10, MAIL_BYTES, "BENCH_MIN_MAILS_MBS", 200),
]


class Run:
    """What one process took: seconds, and MB of memory."""

    def __init__(self, wall, cpu, worker, peak):
        self.wall = wall
        self.cpu = cpu
        self.worker = worker
        self.peak = peak


def give_up(message):
    print(f"bench: {message}", file=sys.stderr)
    sys.exit(2)


def make_load(arguments, scene, megabytes):
    """The load and the list of the files in it; made, or found made already."""
    load = os.path.join(arguments.directory, f"{scene.name}-{megabytes}-{arguments.name}.pcap")
    files = load + ".files"
    if not os.path.exists(load):
        for other in os.listdir(arguments.directory):
            if other.startswith(f"{scene.name}-{megabytes}-"):
                os.remove(os.path.join(arguments.directory, other))
        command = [arguments.make_load, "-o", load + ".part", "--scene", scene.name, "--megabytes", str(megabytes), "--files", files]
        made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            give_up(made.stderr)
        os.rename(load + ".part", load)
    return load, files


def worker_thread(process):
    """The directory of the worker's thread, once it runs."""
    tasks = f"/proc/{process}/task"
    try:
        for thread in os.listdir(tasks):
            with open(f"{tasks}/{thread}/comm", encoding="utf-8") as file:
                if file.read().strip() == "worker":
                    return f"{tasks}/{thread}/schedstat"
    except OSError:
        pass
    return None


def run_once(command, errors):
    """Runs the command; ends this script if it fails."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    start = time.monotonic()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    schedule, worker = None, 0
    while True:
        ended, status, usage = os.wait4(process, os.WNOHANG)
        if ended != 0:
            break
        schedule = schedule or worker_thread(process)
        try:
            if schedule is not None:
                with open(schedule, encoding="utf-8") as file:
                    worker = int(file.read().split()[0]) / 1e9
        except OSError:
            pass  # the worker has ended
        time.sleep(POLL_SECONDS)
    wall = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        with open(errors, encoding="utf-8", errors="replace") as file:
            print(file.read()[-2000:], file=sys.stderr)
        print(f"bench: {' '.join(command)} ended with status {code}", file=sys.stderr)
        sys.exit(1)
    return Run(wall, usage.ru_utime + usage.ru_stime, worker, usage.ru_maxrss * 1024 / 1e6)


class Reader:
    """Runs wirescribe over loads, each time into a fresh database."""

    def __init__(self, arguments):
        self.wirescribe = arguments.wirescribe
        self.database = os.path.join(arguments.directory, "transfers.db")
        self.errors = os.path.join(arguments.directory, "errors.txt")

    def forget(self):
        for suffix in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(self.database + suffix):
                os.remove(self.database + suffix)

    def read(self, load, options=()):
        self.forget()
        with open(load, "rb", buffering=0) as file:  # so that it does not come from the disk
            while file.read(1 << 20):
                pass
        return run_once([self.wirescribe, "read", "-q", "--threads", "1", *options, load, "-o", self.database], self.errors)

    def ask(self, query):
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        rows = connection.execute(query).fetchall()
        connection.close()
        return rows


def missing_files(reader, files):
    """The files of the list that no row tells as they were, and how many are in the list."""
    with open(files, encoding="utf-8") as file:
        sent = [tuple(line.rstrip("\n").split("  ")) for line in file]
    found = {(sha256, str(size), name) for sha256, size, name in reader.ask("SELECT sha256, size, name FROM files WHERE complete = 1")}
    return [name for digest, size, name in sent if (digest, size, name) not in found], len(sent)


def has_sha_instructions():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        words = set(file.read().split())
    return bool(words & {"sha_ni", "sha2"})


def judge(what, value, limit, is_most, unit):
    is_good = value <= limit if is_most else value >= limit
    print(f"{what}: {value:.1f} {unit}, {'most' if is_most else 'least'} {limit:g} {unit}: {'good' if is_good else 'MISSED'}")
    return is_good


def measure(arguments, reader, scene):
    """Prints one line of the table; answers what is judged later."""
    small = reader.read(make_load(arguments, scene, scene.small)[0])
    load, files = make_load(arguments, scene, scene.megabytes)
    runs = [reader.read(load) for _ in range(arguments.rounds)]
    megabytes = reader.ask(scene.bytes_query)[0][0] / 1e6
    missing, count = missing_files(reader, files)

    def rate(what):
        return megabytes / min(getattr(run, what) for run in runs)

    peak = max(run.peak for run in runs)
    print(f"{scene.title:32} {rate('worker'):10.0f} {rate('cpu'):10.0f} {rate('wall'):10.0f} {peak:9.1f} {peak - small.peak:9.1f}   "
          f"{count - len(missing)} of {count} files", flush=True)
    return rate("worker"), peak - small.peak, missing


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wirescribe", required=True)
    parser.add_argument("--make-load", required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--name", default="load")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        give_up("there are no rounds")
    reader = Reader(arguments)
    print(f"{'MB/s, of processor time of':32} {'worker':>10} {'process':>10} {'wall':>10} {'peak MB':>9} {'growth':>9}   digests that agree")
    measured = [(scene, *measure(arguments, reader, scene)) for scene in SCENES]
    reader.forget()
    is_good = True
    growth = float(os.environ.get("BENCH_MAX_GROWTH_MB", 8))
    for scene, speed, grown, missing in measured:
        if has_sha_instructions():
            is_good &= judge(scene.title, speed, scene.limit, False, "MB/s")
        else:
            print(f"{scene.title}: not judged without SHA instructions")
        if scene.name != "mails":  # there more bytes are more rows, which fill the database's cache
            is_good &= judge(f"{scene.title}, memory above that of {scene.small} MB", grown, growth, True, "MB")
        if missing:
            print(f"bench: {scene.title}: no row tells {missing[0]} as it was sent, nor {len(missing) - 1} others", file=sys.stderr)
            is_good = False
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()

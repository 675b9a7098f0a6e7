#!/usr/bin/env python3
"""A second opinion on contents: compares the mails and files that wirescribe read with those that tshark exports.

compare_contents.py --wirescribe PROGRAM CAPTURE_OR_DIRECTORY... [--details] [--explanations FILE] [--jobs N]

In each capture with SMTP or FTP, tshark exports the mails and the files of FTP's data connections, and Python's email package
takes the mails apart. Compared are the sizes of the mails, and the SHA-256 of each part of a mail and of each file, as sets of
the capture: what is exported twice counts once. A directory listing is a file of tshark's and a transfer of wirescribe's.

Differences are printed and counted as compare_tshark.py does it. Exit status: 0, 1 there are unexplained differences, 2 cannot
be run.
"""
import argparse
import concurrent.futures
import email
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from comparison import Tally, explain, give_up, print_table, read_explanations
from compare_tshark import find_captures

READ_SECONDS = 120
NO_BDAT = "tshark exports no mail that was sent by BDAT"
NO_ACTIVE = "tshark exports no file that moved in active mode"
NOT_WHOLE = "broken off, or parts of it are missing: wirescribe gives no digest"
CHECKS = ("mails", "mail parts", "ftp files")


class Result:
    """The comparison of one capture."""

    def __init__(self, path):
        self.path = path
        self.tallies = {check: Tally() for check in CHECKS}
        self.differences = []  # (check, text, reason or None)

    def compare(self, check, theirs, ours, broken_off):
        """
        `theirs`: (alternatives, name), where any of the alternatives will do. `ours`: from what is compared to (name, reason or None).
        `broken_off`: names of files that have no digest.
        """
        tally = self.tallies[check]
        left = dict(ours)
        for alternatives, name in theirs:
            found = [key for key in alternatives if key in ours]
            if found:
                tally.agreed += 1
                left.pop(found[0], None)
            else:
                tally.only_other += 1
                is_broken_off = re.sub(r"(\(\d+\))?(\.\w+)?, \d+ bytes$", r"\2", name) in broken_off
                self.differences.append((check, f"only tshark: {name}", NOT_WHOLE if is_broken_off else None))
        for name, reason in left.values():
            tally.only_wirescribe += 1
            self.differences.append((check, f"only wirescribe: {name}", reason))


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


# ---- tshark ----------------------------------------------------------------------------------------------------------


def export(path, kind, scratch):
    """The objects that tshark finds: (name, octets)."""
    folder = os.path.join(scratch, kind)
    os.mkdir(folder)
    environment = dict(os.environ, LC_ALL="C.UTF-8", WIRESHARK_CONFIG_DIR=scratch, HOME=scratch)
    subprocess.run(["tshark", "-n", "-q", "-r", path, "-o", "tcp.reassemble_out_of_order:TRUE", "--export-objects", f"{kind},{folder}"],
                   capture_output=True, env=environment, timeout=READ_SECONDS, check=False, stdin=subprocess.DEVNULL)
    objects = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            objects.append((name, file.read()))
    return objects


def outermost(mails):
    """Without the messages that are attached to others: tshark exports these by themselves too."""
    return [(name, octets) for name, octets in mails
            if not any(octets != other and octets.rstrip(b"\r\n") in other for _, other in mails)]


def leaves(message):
    """The contents of the parts that hold no other part."""
    for part in message.walk():
        if not part.is_multipart():
            yield part.get_content_type(), part.get_payload(decode=True) or b""


def tshark_contents(path, scratch):
    """tshark leaves doubled dots (RFC 5321, section 4.5.2), and sometimes leaves out the last line end of a mail."""
    mails = [(name, octets.replace(b"\n..", b"\n.")) for name, octets in outermost(export(path, "imf", scratch))]
    sizes = [((len(octets), len(octets) + 2), f"{name}, {len(octets)} bytes") for name, octets in mails]
    parts = {digest(octets): ((digest(octets), digest(octets + b"\r\n")), f"{content_type} of {name}, {len(octets)} bytes")
             for name, mail in mails for content_type, octets in leaves(email.message_from_bytes(mail)) if octets}
    files = {digest(octets): ((digest(octets),), f"{name}, {len(octets)} bytes") for name, octets in export(path, "ftp-data", scratch)}
    return sizes, list(parts.values()), list(files.values())


# ---- wirescribe ------------------------------------------------------------------------------------------------------


class Database:
    """What wirescribe read in one capture."""

    def __init__(self, program, path, scratch):
        database = os.path.join(scratch, "compare.db")
        subprocess.run([program, "read", "-q", path, "-o", database], capture_output=True, timeout=READ_SECONDS, check=False,
                       stdin=subprocess.DEVNULL)
        self.connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True) if os.path.exists(database) else None

    def rows(self, query):
        return self.connection.execute(query).fetchall()

    def has_transfers(self):
        return self.connection is not None and self.rows("SELECT 1 FROM smtp_sessions UNION SELECT 2 FROM ftp_sessions")

    def contents(self):
        mails = {mail_id: (number, size, transfer) for mail_id, number, size, transfer in
                 self.rows("SELECT mail_id, number, iif(missing = 0, size, NULL), transfer FROM smtp_mails")}
        sizes = {size: (f"mail {number}, {size} bytes", NO_BDAT if transfer == "bdat" else None)
                 for number, size, transfer in mails.values() if size}
        parts = {key: (f"{kind} {name or ''}, {size} bytes", NO_BDAT if mails[mail_id][2] == "bdat" else None)
                 for key, kind, name, size, mail_id in self.rows("SELECT sha256, coalesce(declared_type, mime_type), name, size, mail_id "
                                                                 "FROM files WHERE source = 'smtp' AND sha256 IS NOT NULL")}
        files = {key: (f"{name or ''}, {size} bytes", NO_ACTIVE if mode == "active" else None)
                 for key, name, size, mode in self.rows("SELECT f.sha256, f.name, f.size, t.mode FROM files AS f LEFT JOIN ftp_transfers AS t "
                                                        "ON t.file_id = f.file_id WHERE f.source = 'ftp' AND f.sha256 IS NOT NULL")}
        return sizes, parts, files

    def listing_sizes(self):
        return {size for size, in self.rows("SELECT size FROM ftp_transfers WHERE direction = 'list'")}


# ---- the comparison --------------------------------------------------------------------------------------------------


def compare_capture(program, path):
    result = Result(path)
    with tempfile.TemporaryDirectory(prefix="compare-") as scratch:
        database = Database(program, path, scratch)
        if not database.has_transfers():
            return result
        sizes, parts, files = tshark_contents(path, scratch)
        our_sizes, our_parts, our_files = database.contents()
        listings = database.listing_sizes()
        broken_off = {name for name, in database.rows("SELECT name FROM files WHERE sha256 IS NULL AND name IS NOT NULL")}
        files = [(keys, name) for keys, name in files
                 if keys[0] in our_files or int(name.rsplit(", ", 1)[1].split()[0]) not in listings]
    for check, theirs, ours in zip(CHECKS, (sizes, parts, files), (our_sizes, our_parts, our_files)):
        result.compare(check, theirs, ours, broken_off)
    return result


def main():
    default = os.path.splitext(os.path.abspath(__file__))[0] + ".explanations"
    parser = argparse.ArgumentParser(description="compares the contents that wirescribe read with those that tshark exports")
    parser.add_argument("--wirescribe", required=True)
    parser.add_argument("--details", action="store_true", help="print the explained differences too")
    parser.add_argument("--explanations", default=default)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("captures", nargs="+")
    arguments = parser.parse_args()
    program = shutil.which(arguments.wirescribe)
    if program is None or shutil.which("tshark") is None:
        give_up(f"{arguments.wirescribe} or tshark cannot be run")
    explanations = read_explanations(arguments.explanations, CHECKS)
    captures = find_captures(arguments.captures)
    if not captures:
        give_up("no captures")

    totals = {check: Tally() for check in CHECKS}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(lambda path: compare_capture(program, path), captures):
            for check in CHECKS:
                totals[check].add(result.tallies[check])
            for check, text, reason in result.differences:
                reason = reason or explain(explanations, result.path, check)
                if reason is None:
                    totals[check].unexplained += 1
                else:
                    totals[check].explained += 1
                if reason is None or arguments.details:
                    print(f"{result.path}: {check}: {text}: {reason or 'UNEXPLAINED'}", flush=True)
    print(f"\n{len(captures)} captures")
    print_table("tshark", totals)
    sys.exit(1 if any(tally.unexplained for tally in totals.values()) else 0)


if __name__ == "__main__":
    main()

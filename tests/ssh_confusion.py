#!/usr/bin/env python3
"""How right wirescribe is about what encrypted SSH sessions did: confusion tables against the servers' logs.

    ssh_confusion.py [--wirescribe PROGRAM] [--errors] FOLDER...      reads each FOLDER/capture.pcap itself
    ssh_confusion.py --database DATABASE TRUTH.json                  a database that `wirescribe read` made

FOLDER/truth.json is what tests/record/ssh_sessions.sh wrote beside its capture. For each question two figures are told:
"right", the share of the answers that are true, and "answered", the share of the sessions with something to tell that got an
answer. An answer where there is nothing to tell is a wrong one. Each wrong answer is listed; --errors lists what was left
unanswered, too. Exit status 1 if login result, method, attempts or activity is right in less than 98 %, or answered in
less than 90 % (--least-right, --least-answered; --forgive). The last line is "N passed, N failed, N skipped", a question each.
"""
import argparse
import collections
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

SECONDS_A_READING = 120
SCANS = ("scan_banner", "scan_silent", "scan_kex")


def is_equal(truth, answer, _):
    return truth == answer


def is_near(truth, answer, _):
    return abs(truth - answer) <= max(1, 0.05 * truth)


def is_accepted(_, answer, session):
    return answer in session["activity_accepts"]


def left_unanswered(session):
    """The method of a last request that nobody answered (the client gave up, the capture ended), or None."""
    return session["methods"][-1][0] if session["methods"] and session["methods"][-1][1] == "unanswered" else None


def is_method(truth, answer, session):
    return answer in (truth, left_unanswered(session)) or (answer == "certificate" and session["certificate"])


def is_attempts(truth, answer, session):
    """A request that was never answered may be counted or not; so may a `none` that logs in."""
    may_be_one_more = left_unanswered(session) not in (None, "none") or (session["auth_method"], session["auth_result"]) == ("none", "success")
    return answer == truth or (may_be_one_more and answer == truth + 1)


def is_rekeys(truth, answer, session):
    """An exchange that the session's end cut short may be counted or not."""
    return answer in (truth, session.get("rekeys_begun"))


def is_size(truth, answer, _):
    return abs(truth - answer) <= 0.02 * truth


class Question:
    """One thing to be told. `truth` and `answer` give None where there is nothing to tell, nothing said."""

    def __init__(self, name, truth, answer, is_right=is_equal, has_limit=False, shows_table=True):
        self.name, self.truth, self.answer, self.is_right = name, truth, answer, is_right
        self.has_limit, self.shows_table = has_limit, shows_table
        self.counts = collections.Counter()  # (truth, answer)
        self.right = self.wrong = self.silent = self.rightly_silent = 0
        self.mistakes, self.unanswered = [], []

    def ask(self, session, seen):
        truth, answer = self.truth(session), self.answer(seen)
        if truth is SKIP:
            return
        self.counts[(truth, answer)] += 1
        if answer is None:
            self.silent += truth is not None
            self.rightly_silent += truth is None
            if truth is not None:
                self.unanswered.append(f"{session['where']}: {self.name} is {truth}, nothing was said")
        elif (truth is None and not (self.is_right is is_accepted and is_accepted(truth, answer, session))) or \
                (truth is not None and not self.is_right(truth, answer, session)):
            self.wrong += 1
            self.mistakes.append(f"{session['where']}: {self.name} is {answer}, not {truth}   ({seen.get('inference_basis')})")
        else:
            self.right += 1

    def figures(self):
        """Percent right of what was answered, percent answered of what there was to tell (None: nothing)."""
        answered = self.right + self.wrong
        asked = answered + self.silent
        return (100 * self.right / answered if answered else None), (100 * answered / asked if asked else None)

    def holds(self, options):
        right, answered = self.figures()
        if right is None:
            return False
        return (right >= options.least_right or self.wrong <= options.forgive) and (answered >= options.least_answered or self.silent <= options.forgive)


SKIP = object()


def keystrokes_of(session):
    """A shell's keys; where no key was pressed for one, nothing or 0 is to be said."""
    if session["auth_result"] != "success" or session["behaviour"] in ("reverse_shell", "shell_script", "multiplexed"):
        return SKIP
    return session["keystrokes"]


def said_keystrokes(seen):
    return seen.get("keystrokes") or None


def direction_of(session):
    """Which way files went by sftp and scp."""
    if session["activity"] not in ("sftp", "scp"):
        return SKIP
    ways = {one["direction"] for one in session["transfers"]}
    return "both" if len(ways) == 2 else ways.pop() if ways else None


def size_of(session):
    """The bytes of all these files together; compression hides it, and so do lost packets."""
    if session["activity"] not in ("sftp", "scp"):
        return SKIP
    return sum(one["size"] for one in session["transfers"]) or None


def finer_of(session):
    """What the events are to tell beyond the activity."""
    if session["activity"] is None:
        return SKIP
    for name in ("git", "rsync"):
        if session["behaviour"].startswith(name):
            return name
    return "reverse_shell" if session.get("forward") == "reverse_shell" else None


def said_finer(seen):
    for kind, detail in seen.get("events", ()):
        for name in ("git", "rsync", "reverse_shell"):
            if kind == name or (kind == "command" and name in (detail or "")):
                return name
    return None


def said_agent(seen):
    return any(kind.startswith("agent") for kind, _ in seen.get("events", ())) or None


def as_boolean(value):
    return None if value is None else bool(value)


def questions():
    return [
        Question("login result", lambda session: session["auth_result"], lambda seen: seen.get("auth_result"), has_limit=True),
        Question("method", lambda session: session["auth_method"], lambda seen: seen.get("auth_method"), is_method, has_limit=True),
        Question("attempts", lambda session: session["auth_attempts"], lambda seen: seen.get("auth_attempts"), is_attempts, has_limit=True),
        Question("activity", lambda session: session["activity"], lambda seen: seen.get("activity"), is_accepted, has_limit=True),
        Question("keystrokes", keystrokes_of, said_keystrokes, is_near, shows_table=False),
        Question("files' direction", direction_of, lambda seen: seen.get("transfer_direction")),
        Question("files' bytes", size_of, lambda seen: seen.get("transfer_size") or None, is_size, shows_table=False),
        Question("git, rsync, reverse", finer_of, said_finer),
        Question("typed", lambda session: SKIP if session["typed"] is None else session["typed"], lambda seen: as_boolean(seen.get("auth_typed"))),
        Question("known host key", lambda session: SKIP if session["known_host"] is None else session["known_host"],
                 lambda seen: as_boolean(seen.get("known_host"))),
        Question("key exchanges again", lambda session: SKIP if session["rekeys"] is None else session["rekeys"], lambda seen: seen.get("rekeys"),
                 is_rekeys),
        Question("agent forwarded", lambda session: SKIP if session["auth_result"] != "success" else session["agent_forwarding"] or None,
                 said_agent),
    ]


def rows_of(database):
    """{(client ip, client port): row of ssh_sessions}."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    rows = {}
    for row in connection.execute("SELECT flows.client_ip, flows.client_port, ssh_sessions.* FROM ssh_sessions JOIN flows USING (flow_id)"):
        events = connection.execute("SELECT kind, detail FROM ssh_events WHERE flow_id = ?", (row["flow_id"],)).fetchall()
        rows[(row["client_ip"], row["client_port"])] = {**dict(row), "events": [tuple(event) for event in events]}
    connection.close()
    return rows


def ask_all(asked, database, truth_path):
    with open(truth_path, encoding="utf-8") as file:
        sessions = json.load(file)["sessions"]
    rows = rows_of(database)
    for session in sessions:
        session["where"] = f"{pathlib.Path(truth_path).parent.name}/{session['name']}:{session['client_port']}" + \
            (f" ({session['taken_away']} packets missing)" if session["taken_away"] else "")
        seen = rows.get((session["client_ip"], session["client_port"]))
        if seen is None and session["behaviour"] not in SCANS:
            print(f"no row: {session['where']}")
        for question in asked:
            question.ask(session, seen or {})
    return len(sessions)


def read(program, capture, folder):
    database = os.path.join(folder, "sessions.db")
    done = subprocess.run([program, "read", str(capture), "-o", database], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=SECONDS_A_READING, check=False)
    if done.returncode != 0:
        raise SystemExit(f"ssh_confusion: {capture}: wirescribe ended with {done.returncode}: {done.stderr.strip()}")
    return database


def print_table(question):
    """Rows: what was so; columns: what was said."""
    said = sorted({str(answer) for _, answer in question.counts})
    width = max([8] + [len(one) for one in said]) + 1
    print(f"\n{question.name}: what was so (down), what was said (across); None: nothing")
    print(f"{'':22}" + "".join(f"{one:>{width}}" for one in said))
    for truth in sorted({str(truth) for truth, _ in question.counts}):
        cells = [sum(count for (was, answer), count in question.counts.items() if (str(was), str(answer)) == (truth, one)) for one in said]
        print(f"{truth:22}" + "".join(f"{cell or '.':>{width}}" for cell in cells))


def percent(value):
    return "      -" if value is None else f"{value:6.1f}%"


def report(asked, count, options):
    for question in asked:
        if question.shows_table:
            print_table(question)
    print()
    for question in asked:
        for line in question.mistakes + (question.unanswered if options.errors else []):
            print(line)
    print(f"\n{count} sessions{'':11}   right  answered   (right/wrong/silent/rightly silent)")
    failed = passed = 0
    for question in asked:
        right, answered = question.figures()
        verdict = ""
        if question.has_limit:
            holds = question.holds(options)
            verdict = "   ok" if holds else f"   BELOW {options.least_right:g} %, {options.least_answered:g} %"
            passed += holds
            failed += not holds
        print(f"{question.name:22} {percent(right)}   {percent(answered)}   "
              f"({question.right}/{question.wrong}/{question.silent}/{question.rightly_silent}){verdict}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wirescribe", default=os.environ.get("WIRESCRIBE", "./wirescribe"))
    parser.add_argument("--errors", action="store_true", help="list what was left unanswered, too")
    parser.add_argument("--least-right", type=float, default=98, help="per cent (default %(default)s)")
    parser.add_argument("--least-answered", type=float, default=90, help="per cent (default %(default)s)")
    parser.add_argument("--forgive", type=int, default=0, metavar="N",
                        help="so many mistakes, and so many unanswered, never fail a question: in a small batch each weighs much (default %(default)s)")
    parser.add_argument("--database")
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    asked, count = questions(), 0
    if options.database:
        for path in options.paths:
            count += ask_all(asked, options.database, path)
    else:
        for folder in options.paths:
            with tempfile.TemporaryDirectory() as scratch:
                count += ask_all(asked, read(options.wirescribe, folder / "capture.pcap", scratch), folder / "truth.json")
    sys.exit(1 if report(asked, count, options) else 0)


if __name__ == "__main__":
    main()

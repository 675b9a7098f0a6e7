"""What the comparisons with other programs share: the count of what agreed, the reasons of differences, the table."""
import fnmatch
import ipaddress
import os
import sys


class Tally:
    """What one capture, or all, gave for one check: items, and the differences that have a reason or none."""

    def __init__(self):
        self.agreed = self.differed = self.only_other = self.only_wirescribe = self.explained = self.unexplained = 0

    def add(self, other):
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)


def canonical(address):
    return str(ipaddress.ip_address(address.split("%")[0]))


def shorten(items):
    text = ", ".join(item[:80] for item in items[:3]) + (f", ... ({len(items)})" if len(items) > 3 else "")
    return f"[{text}]"


def give_up(message):
    print(f"{os.path.basename(sys.argv[0])}: {message}", file=sys.stderr)
    sys.exit(2)


def read_explanations(path, checks):
    """
    The reasons of known differences: a line for each, three columns with tabs between: glob of the capture's path (its end
    is enough), glob of the check, reason; '#' begins a comment.
    """
    explanations = []
    if not os.path.exists(path):
        return explanations
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            columns = line.split("\t")
            if len(columns) != 3 or not all(columns):
                give_up(f"{path}:{number}: expected a capture, a check and a reason, with tabs between")
            if not fnmatch.filter(checks, columns[1]):
                give_up(f"{path}:{number}: no check is called '{columns[1]}'")
            explanations.append(tuple(columns))
    return explanations


def explain(explanations, path, check):
    for capture, check_glob, reason in explanations:
        if fnmatch.fnmatch("/" + path.lstrip("/"), "*/" + capture) and fnmatch.fnmatch(check, check_glob):
            return reason
    return None


def print_table(other, totals):
    """One line for each check of `totals`, a dictionary of Tally."""
    print(f"{'':24} {'agreed':>8} {'differed':>9} {'only ' + other:>12} {'only wirescribe':>16} {'explained':>10} {'unexplained':>12}")
    for check, tally in totals.items():
        print(f"{check:24} {tally.agreed:8} {tally.differed:9} {tally.only_other:12} {tally.only_wirescribe:16} "
              f"{tally.explained:10} {tally.unexplained:12}")
    print("explained, unexplained: flows with a difference whose reason is known, or not")

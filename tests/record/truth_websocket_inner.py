#!/usr/bin/env python3
"""Reads what the applications at the ends of WebSockets logged of what they said inside into truth.json.

truth_websocket_inner.py --case CASE --folder FOLDER SESSION...

A SESSION is JSON, one for each WebSocket in the order in which they were opened: "protocol" and "client" (a side or null) are what was run; "view" is
that of the protocol's rows, if it has one; "read" maps columns (of the view, or of websocket_sessions) to [LOG, REGEX] or [LOG, REGEX, FORMAT]: the group
of its match in that log, the n-th of the n-th session that names it.
"""
import argparse
import collections
import json
import pathlib
import re


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("sessions", nargs="+")
    options = parser.parse_args()
    seen = collections.Counter()
    sessions, sources = [], set()
    for text in options.sessions:
        session = json.loads(text)
        said = {}
        for column, (log, pattern, *form) in session.pop("read", {}).items():
            found = re.findall(pattern, (options.folder / log).read_text(errors="replace"))
            at = seen[log, pattern]
            seen[log, pattern] += 1
            if at >= len(found):
                raise SystemExit(f"{log} does not say {pattern!r} {at + 1} times")
            said[column] = form[0] % found[at] if form else found[at]
            sources.add(log)
        sessions.append({**session, "said": said})
    print(json.dumps({"case": options.case, "protocol": "websocket_inner", "sources": sorted(sources), "sessions": sessions}, indent=2))


if __name__ == "__main__":
    main()

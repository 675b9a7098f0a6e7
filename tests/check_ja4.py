#!/usr/bin/env python3
"""JA4 against what others published of the same captures.

check_ja4.py [FOLDER]     else $WIRESCRIBE_CORPUS, else ../shared/corpus beside the source tree

tls-alpn-h2.pcap: FoxIO's own implementation (github.com/FoxIO-LLC/ja4, rust/ja4/src/snapshots); the others: nDPI's
(github.com/ntop/nDPI, tests/cfgs/default/result). Each client is one test; the last line counts them.
Environment: WIRESCRIBE (the program).
"""
import os
import sqlite3
import subprocess
import sys
import tempfile

PUBLISHED = {  # capture -> port of the client -> JA4
    "arkime/tls-alpn-h2.pcap": {64034: "t12d4605h2_85626a9a5f7f_aaf95bb78ec9"},
    "ndpi/tumblr.pcap": {49548: "t13d1515h2_8daaf6152771_de4a06bb82e3", 39152: "t13d1515h2_8daaf6152771_0ece2fe8a3fb"},
    "ndpi/signal.pcap": {57027: "t13d1713h2_0633f72d41ca_845d286b0d67", 57022: "t13d2613h2_2802a3db6c62_845d286b0d67",
                         49227: "t12d220700_0d4ca5d4ec72_3304d8368043"},
}


def read(program, capture, scratch):
    """{port of the client: JA4}"""
    database = os.path.join(scratch, os.path.basename(capture) + ".db")
    subprocess.run([program, "read", "-q", capture, "-o", database], check=True, stdin=subprocess.DEVNULL)
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    found = dict(connection.execute("SELECT client_port, ja4 FROM tls_sessions"))
    connection.close()
    return found


def main():
    tests = os.path.dirname(os.path.abspath(__file__))
    program = os.environ.get("WIRESCRIBE", os.path.join(tests, "..", "build", "wirescribe"))
    corpus = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("WIRESCRIBE_CORPUS") or os.path.join(tests, "..", "..", "shared", "corpus")
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory(prefix="ja4-") as scratch:
        for name, clients in PUBLISHED.items():
            capture = os.path.join(corpus, name)
            if not os.path.exists(capture):
                skipped += len(clients)
                continue
            found = read(program, capture, scratch)
            for port, published in clients.items():
                if found.get(port) == published:
                    passed += 1
                else:
                    failed += 1
                    print(f"FAIL JA4: {name}, client port {port}: published {published}, wirescribe {found.get(port)}")
    if skipped:
        print(f"some captures are not in {corpus}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

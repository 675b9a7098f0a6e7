#!/usr/bin/env python3
"""Reads the logs of HTTP/2 peers into truth.json: http2_node.js's server, curl's --write-out, nghttp's account of frames.

A request has those fields alone that its log tells: curl knows nothing of streams, nghttp nothing of what it sent by HTTP/1.1 but its first line.
"""
import argparse
import json
import pathlib
import re
import urllib.parse


def read_node(text):
    requests, websockets = [], []
    for line in text.splitlines():
        entry = json.loads(line)
        (requests if entry.pop("event") == "request" else websockets).append(entry)
    return requests, websockets


def read_curl(text):
    for line in text.splitlines():
        entry = json.loads(line)
        url = urllib.parse.urlsplit(entry["url"])
        yield {"method": entry["method"], "host": url.netloc, "uri": url.path or "/", "status": entry["status"],
               "response_size": entry["response_size"]}


LINE = re.compile(r"^\[ *[\d.]+\] (send|recv) (?:\(stream_id=(\d+)\) (:?[^:]+): (.*)|(\w+) frame <length=(\d+), flags=0x(\w+), stream_id=(\d+)>)$")
FIELD = re.compile(r"^ +(:?[\w-]+): (.*)$")
COLUMNS = {":method": "method", ":path": "uri", ":authority": "host", "user-agent": "user_agent"}


class Nghttp:
    """One connection's account."""

    def __init__(self):
        self.requests = {}
        self.promise = {}  # fields that are told before the frame that promises the stream
        self.sent = None   # the stream whose request is being told
        self.data = None   # the stream whose DATA frame was told last

    def of(self, stream):
        return self.requests.setdefault(stream, {"stream": stream, "request_size": 0, "response_size": 0})

    def take_field(self, stream, name, value):
        if name == ":status":
            self.of(stream)["status"] = int(value)
        elif name in COLUMNS:
            self.promise[COLUMNS[name]] = value

    def take_frame(self, way, kind, length, stream):
        self.sent = stream if way == "send" and kind == "HEADERS" else None
        self.data = None
        if kind == "DATA":
            self.of(stream)["response_size" if way == "recv" else "request_size"] += length
            self.data = stream
        elif self.sent:
            self.of(stream)

    def take_rest(self, line):
        """What is told of a frame on the lines behind it."""
        padding = re.match(r"^ +\(padlen=(\d+)", line)
        promised = re.search(r"promised_stream_id=(\d+)", line)
        field = FIELD.match(line)
        if promised:
            self.of(int(promised[1])).update(self.promise)
            self.promise = {}
        elif padding and self.data:
            self.of(self.data)["response_size"] -= int(padding[1])
        elif field and self.sent and field[1] in COLUMNS:
            self.of(self.sent)[COLUMNS[field[1]]] = field[2]


def read_nghttp(text):
    for part in text.split("a connection\n")[1:]:
        account = Nghttp()
        first = re.search(r"^GET (\S+) HTTP/1\.1$", part, re.M)
        if first:
            account.of(1).update(method="GET", uri=first[1])
        for line in part.splitlines():
            match = LINE.match(line)
            if not match:
                account.take_rest(line)
            elif match[2]:
                account.take_field(int(match[2]), match[3], match[4])
            else:
                account.take_frame(match[1], match[5], int(match[6]), int(match[8]))
        yield from account.requests.values()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    for kind in ("node", "curl", "nghttp"):
        parser.add_argument("--" + kind, type=pathlib.Path)
    options = parser.parse_args()
    requests, websockets, sources = [], [], []
    if options.node:
        requests, websockets = read_node(options.node.read_text())
        sources.append("the server's log")
    if options.curl:
        requests += read_curl(options.curl.read_text())
        sources.append("curl's")
    if options.nghttp:
        requests += read_nghttp(options.nghttp.read_text(errors="replace"))
        sources.append("nghttp's account of frames")
    if not requests:
        raise SystemExit("the logs hold no request")
    print(json.dumps({"case": options.case, "protocol": "http2", "sources": sources, "requests": requests, "websockets": websockets}, indent=2))


if __name__ == "__main__":
    main()

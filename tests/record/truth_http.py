#!/usr/bin/env python3
"""Reads nginx's access log, and curl's account of what it downloaded, into truth.json: the requests of each connection, in order."""
import argparse
import json
import pathlib
import urllib.parse

CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"  # nginx counts it among the bytes of the body


def read_curl(path):
    """Sizes of bodies without the framing of chunks, by path; the last word of a line is the size."""
    sizes = {}
    for line in path.read_text().splitlines():
        url, size = line.rsplit(" ", 1)
        sizes[urllib.parse.urlsplit(url).path] = int(size)
    return sizes


def request_of(entry, sizes):
    method, rest = entry["request"].split(" ", 1)
    uri, version = rest.rsplit(" ", 1)
    chunked = entry["coding"] == "chunked"
    size = sizes[uri] if chunked else entry["sent"] - (len(CONTINUE) if entry["expect"] else 0)
    known = {name: entry[name].strip() or None for name in ("host", "user_agent", "referrer", "request_type", "response_type", "upgrade")}
    if entry["status"] in (204, 304):
        known.pop("response_type")  # the log tells what would have been sent
    return dict(known, method=method, uri=uri, version=version.removeprefix("HTTP/"), status=entry["status"],
                auth_user=entry["user"] or None, response_size=size,
                request_size=None if entry["request_coding"] else int(entry["length"] or 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    parser.add_argument("--access-log", type=pathlib.Path, required=True)
    parser.add_argument("--curl-log", type=pathlib.Path, required=True)
    options = parser.parse_args()
    entries = [json.loads(line) for line in options.access_log.read_text().splitlines()]
    sizes = read_curl(options.curl_log)
    connections = {}
    for entry in sorted(entries, key=lambda entry: (entry["connection"], entry["number"])):
        connections.setdefault(entry["connection"], []).append(request_of(entry, sizes))
    print(json.dumps({"case": options.case, "protocol": "http", "sources": ["nginx's access log", "curl's -w"],
                      "sessions": [{"requests": requests} for requests in connections.values()]}, indent=2))


if __name__ == "__main__":
    main()

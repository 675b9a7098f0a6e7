#!/usr/bin/env python3
"""Reads the log of FreeRDP's shadow server and the clients' options into truth.json: how each login ended.

The server tells of its connections in their order, and of a refused login in a line of its own; which client they came
from stands in the capture's SYNs.
"""
import argparse
import json
import pathlib
import re
import struct


def connections(capture):
    """The client's port of each connection to port 3389, in order."""
    data = pathlib.Path(capture).read_bytes()
    ports, at = [], 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        tcp = 14 + (frame[14] & 15) * 4
        source, destination = struct.unpack_from(">HH", frame, tcp)
        if destination == 3389 and frame[tcp + 13] & 0x12 == 2 and source not in ports:
            ports.append(source)
    return ports


def results(log):
    """'failure' or 'success' of each connection, by what the server's CredSSP said."""
    said = []
    for line in log.splitlines():
        if re.search(r"client authentication failure", line):
            said.append("failure")
        elif "Receive Encryption Credentials" in line:
            said.append("success")
    return said


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", required=True)
    parser.add_argument("--server-log", required=True)
    parser.add_argument("--options", required=True)
    parser.add_argument("--capture", required=True)
    arguments = parser.parse_args()
    log = pathlib.Path(arguments.server_log).read_text(errors="replace")
    user = re.search(r"/u:(\S+)", pathlib.Path(arguments.options).read_text())[1]
    ports = connections(arguments.capture)
    ends = results(log)
    if len(ports) != len(ends):
        raise SystemExit(f"{len(ports)} connections, but {len(ends)} ends of a login in the server's log")
    sessions = [{"client_ip": "10.77.0.2", "client_port": port, "cookie": user, "selected_protocol": 2, "auth_result": end}
                for port, end in zip(ports, ends)]
    truth = {"case": arguments.case, "protocol": "rdp", "login_only": True, "sources": ["freerdp-shadow-cli log", "xfreerdp options"], "sessions": sessions}
    print(json.dumps(truth, indent=2))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Reads xrdp's log (TRACE), xfreerdp's log (DEBUG) and xfreerdp's options into truth.json.

Both logs tell of each connection in order. What the client sent and neither logs (desktop size,
build, cookie) is what its options told it to send.
"""
import argparse
import json
import pathlib
import re

LEVELS = {"none": 0, "low": 1, "medium": 2, "high": 3, "fips": 4}
METHODS = {"NONE": 0, "40BIT": 1, "128BIT": 2, "56BIT": 8, "FIPS": 16}


def read_server(log):
    sessions = []
    for line in log.splitlines():
        text = re.sub(r"^\[[\d:-]+\] \[\w+ *\] ", "", line)
        match = re.match(r"Socket \d+: AF_INET6? connection received from (\S+) port (\d+)", text)
        if match:
            sessions.append({"client_ip": match[1].removeprefix("::ffff:"), "client_port": int(match[2]),
                             "client_name": None, "server_selected": None, "channels": [],
                             "encryption_level": None, "tls": None, "keyboard_layout": None,
                             "keyboard_type": None, "certificate_type": None, "user": None})
            continue
        if sessions:
            server_line(text, sessions[-1])
    return sessions


def server_line(text, session):
    match = re.match(r"Security protocol: configured \[.*\], requested \[(.*)\], selected \[(.*)\]", text)
    if match:
        session["server_selected"] = match[2] or None
    elif text.startswith("Connected client computer name: "):
        session["client_name"] = text.split(": ", 1)[1]
    elif text.startswith("Adding channel: "):
        match = re.match(r"Adding channel: name (\S+), channel id (\d+), flags (0x[0-9a-f]+)", text)
        session["channels"].append({"name": match[1], "id": int(match[2]), "options": int(match[3], 16)})
    elif "Keyboard information sent" in text:
        session["keyboard_type"] = int(re.search(r"keyboard_type:\[(\w+)\]", text)[1], 16)
        session["keyboard_layout"] = int(re.search(r"keylayout:\[(\w+)\]", text)[1], 16)
    elif text.startswith("Non-TLS connection established"):
        session["encryption_level"] = LEVELS[text.rsplit(" : ", 1)[1].strip()]
    elif text.startswith("TLS connection established"):
        session["tls"] = text.rsplit(": ", 1)[1]
    elif re.match(r"using \d+ bit RSA key", text):
        session["certificate_type"] = "proprietary"
    elif text.startswith("Client supplied username: "):
        session["user"] = text.split(": ", 1)[1] or None


def read_client(log):
    """For each connection what was asked for and what came back."""
    attempts, probe = [], None
    for line in log.splitlines():
        match = re.search(r"state: PROBE cookie: (\S+)", line)
        if match:
            probe = match[1]
        match = re.search(r"RequestedProtocols: (\d+)", line)
        if match:
            attempts.append({"requested_protocols": int(match[1]), "selected_protocol": None,
                             "negotiation_failure": None, "encryption_method": None, "probe": probe})
        if not attempts:
            continue
        match = re.search(r"selected_protocol: (\d+)", line)
        if match:
            attempts[-1]["selected_protocol"] = int(match[1])
        match = re.search(r"RDP_NEG_FAILURE code: (\d+)", line)
        if match:
            attempts[-1]["negotiation_failure"] = int(match[1])
        match = re.search(r"Server rdp encryption method: (\w+)", line)
        if match:
            attempts[-1]["encryption_method"] = METHODS[match[1]]
    return attempts


def read_options(path):
    """What xfreerdp was told: (name, value) of /name:value."""
    found = {}
    for line in path.read_text().splitlines():
        match = re.match(r"/([\w-]+):(.*)$", line)
        if match:
            found[match[1]] = match[2]
    return found


def apply_options(session, options):
    session["cookie"], session["routing_token"] = None, None
    if session["probe"]:
        session["cookie"] = session["probe"]
    elif "load-balance-info" in options:
        session["routing_token"] = options["load-balance-info"]
    elif "u" in options:
        session["cookie"] = options["u"]
    if session["client_name"] is None:
        return  # the negotiation went no further, the client's data were never sent
    session["client_build"] = int(options["client-build-number"])
    session["desktop_width"], session["desktop_height"] = map(int, options["size"].split("x"))
    session["color_depth"] = int(options["bpp"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    parser.add_argument("--server-log", type=pathlib.Path, required=True)
    parser.add_argument("--client-log", type=pathlib.Path, required=True)
    parser.add_argument("--options", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    sessions = [session for session in read_server(arguments.server_log.read_text(errors="replace"))]
    attempts = read_client(arguments.client_log.read_text(errors="replace"))
    if not sessions or len(sessions) != len(attempts):
        raise SystemExit(f"{len(sessions)} sessions in the server's log, {len(attempts)} in the client's")
    options = read_options(arguments.options)
    for session, attempt in zip(sessions, attempts):
        session.update(attempt)
        apply_options(session, options)
        # Under TLS nothing after the negotiation is in the clear.
        session["clear"] = session["server_selected"] == "RDP"
        del session["probe"]
    print(json.dumps({"case": arguments.case, "protocol": "rdp",
                      "sources": ["xrdp log", "xfreerdp log", "xfreerdp options"],
                      "sessions": sessions}, indent=2))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Reads logs of a case's peers into truth.json: the frame log of python3-websockets ('>' sent, '<' received), or websocket_node.js's.

The library logs a frame before it compresses and after it inflates: sizes are the application's. --behind-log is the log of a server behind
a proxy, whose connections were recorded too: each comes after the one that it carries on.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import re

FRAME = re.compile(r"^(TEXT|BINARY|CONT|PING|PONG) .*\[(?:\w+, )?(\d+) bytes?(, continued)?\]$", re.DOTALL)
CLOSE = re.compile(r"^CLOSE (\d+) \([^)]*\) ?(.*?) ?\[(\d+) bytes?\]$", re.DOTALL)


def new_session():
    return {"host": None, "uri": None, "request_headers": {}, "status_code": None,
            "response_headers": {}, "messages": {"client": [], "server": []},
            "close_code": None, "close_reason": None, "closed_by": None}


def take_frame(session, side, text, open_message):
    match = CLOSE.match(text)
    if match:
        if session["closed_by"] is None:
            session.update(closed_by=side, close_code=int(match[1]), close_reason=match[2] or None)
        session["messages"][side].append({"opcode": "close", "size": int(match[3]), "fragments": 1})
        return
    match = FRAME.match(text)
    if not match:
        raise SystemExit(f"a frame that cannot be read: {text[:80]}")
    opcode, size, continued = match[1].lower(), int(match[2]), bool(match[3])
    if opcode in ("ping", "pong"):
        session["messages"][side].append({"opcode": opcode, "size": size, "fragments": 1})
        return
    if opcode == "cont":
        open_message[side]["size"] += size
        open_message[side]["fragments"] += 1
    else:
        open_message[side] = {"opcode": opcode, "size": size, "fragments": 1}
    if not continued:
        session["messages"][side].append(open_message.pop(side))


def take_handshake(session, side, text):
    match = re.match(r"GET (\S+) HTTP/1\.1$", text)
    if match:
        session["uri"] = match[1]
        return
    match = re.match(r"HTTP/1\.1 (\d{3})", text)
    if match:
        session["status_code"] = int(match[1])
        return
    name, value = text.split(": ", 1)
    session["request_headers" if side == "client" else "response_headers"][name.lower()] = value


def read(log, peer):
    """The sessions that the log of a client or a server (`peer`) tells of, one after the other."""
    sessions, open_message, is_open = [], {}, False
    other = "server" if peer == "client" else "client"
    for line in log.splitlines():
        if line == f"websockets.{peer} = connection is CONNECTING":
            sessions.append(new_session())
            open_message, is_open = {}, False
        elif line == f"websockets.{peer} = connection is OPEN":
            is_open = True
        match = re.match(r"websockets\.\w+ ([<>]) (.*)$", line, re.DOTALL)
        if not match:
            continue
        side = peer if match[1] == ">" else other
        if is_open:
            take_frame(sessions[-1], side, match[2], open_message)
        else:
            take_handshake(sessions[-1], side, match[2])
    return sessions


def read_node(log):
    sessions = []
    for line in log.splitlines():
        entry = json.loads(line)
        if entry["event"] == "open":
            session = new_session()
            headers = dict(header.split(": ", 1) for header in entry["response_headers"])
            session.update(uri=entry["uri"], status_code=int(entry["status_line"].split()[1]), request_headers=entry["request_headers"],
                           response_headers={name.lower(): value for name, value in headers.items()})
            sessions.append(session)
        elif entry["event"] == "message":
            sessions[-1]["messages"][entry["from"]].append({"opcode": entry["opcode"], "size": entry["size"], "fragments": 1, "sha256": entry["sha256"]})
        elif entry["event"] == "close":  # by the client; ws echoes code and reason
            size = 2 + len(entry["reason"].encode())
            sessions[-1].update(closed_by="client", close_code=entry["code"], close_reason=entry["reason"] or None)
            sessions[-1]["messages"]["client"].append({"opcode": "close", "size": size, "fragments": 1})
            sessions[-1]["messages"]["server"].append({"opcode": "close", "size": size, "fragments": 1})
    return sessions


def read_all(options):
    if options.server_json:
        return read_node(options.server_json.read_text())
    sessions = read(options.client_log.read_text(errors="replace"), "client")
    if options.behind_log:
        behind = read(options.behind_log.read_text(errors="replace"), "server")
        if len(behind) != len(sessions):
            raise SystemExit(f"{len(sessions)} sessions of the client, {len(behind)} of the server behind the proxy")
        return [session for pair in zip(sessions, behind) for session in pair]
    return sessions


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    parser.add_argument("--client-log", type=pathlib.Path)
    parser.add_argument("--behind-log", type=pathlib.Path)
    parser.add_argument("--server-json", type=pathlib.Path)
    options = parser.parse_args()
    sessions = read_all(options)
    if not sessions:
        raise SystemExit("the log holds no connection")
    for session in sessions:
        key = session["request_headers"]["sec-websocket-key"]
        accept = session["response_headers"].get("sec-websocket-accept")
        right = base64.b64encode(hashlib.sha1(
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        session["accept_valid"] = None if accept is None else accept == right
        session["host"] = session["request_headers"]["host"]
        session["extensions"] = session["response_headers"].get("sec-websocket-extensions")
        session["subprotocol"] = session["response_headers"].get("sec-websocket-protocol")
    print(json.dumps({"case": options.case, "protocol": "websocket",
                      "sources": ["server's log" if options.server_json else "client's frame log"], "sessions": sessions}, indent=2))


if __name__ == "__main__":
    main()

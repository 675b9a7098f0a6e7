#!/usr/bin/env python3
"""Reads the frame log of python3-websockets ('>' sent by the client, '<' received) into truth.json.

The library logs a frame before it compresses and after it inflates: sizes are the application's.
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


def read(log):
    sessions, open_message, is_open = [], {}, False
    for line in log.splitlines():
        if line == "websockets.client = connection is CONNECTING":
            sessions.append(new_session())
            open_message, is_open = {}, False
        elif line == "websockets.client = connection is OPEN":
            is_open = True
        match = re.match(r"websockets\.client ([<>]) (.*)$", line, re.DOTALL)
        if not match:
            continue
        side = "client" if match[1] == ">" else "server"
        if is_open:
            take_frame(sessions[-1], side, match[2], open_message)
        else:
            take_handshake(sessions[-1], side, match[2])
    return sessions


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    parser.add_argument("--client-log", type=pathlib.Path, required=True)
    options = parser.parse_args()
    sessions = read(options.client_log.read_text(errors="replace"))
    if not sessions:
        raise SystemExit("the client's log holds no connection")
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
                      "sources": ["client's frame log"], "sessions": sessions}, indent=2))


if __name__ == "__main__":
    main()

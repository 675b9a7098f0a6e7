#!/usr/bin/env python3
"""Listens in the server's namespace and starts one server process for each connection, as inetd would.

A server that cannot be started so ("listens" in its entry: Dropbear with a log) is started once and listens itself.

ssh_gate.py gate.json

gate.json: {"10.78.1.3": {"argv": [...], "log": FOLDER}, ...}, one server for each address, port 22. The server gets the
connection as its standard input and output; what it says goes to FOLDER/server.PORT, PORT being the client's.
"""
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time


def serve(listener, entry, children):
    connection, peer = listener.accept()
    with open(os.path.join(entry["log"], f"server.{peer[1]}"), "ab", buffering=0) as log:
        log.write(f"gate: connection from {peer[0]} port {peer[1]} at {time.time():.6f}\n".encode())
        process = subprocess.Popen(entry["argv"], stdin=connection, stdout=connection, stderr=log, env=entry.get("env"))
    children.append(process)
    connection.close()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        entries = json.load(file)
    selector = selectors.DefaultSelector()
    for address, entry in entries.items():
        if entry["listens"]:
            with open(os.path.join(entry["log"], "listening.log"), "ab") as log:
                subprocess.Popen(entry["argv"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            continue
        listener = socket.create_server((address, 22), backlog=16)
        selector.register(listener, selectors.EVENT_READ, (listener, entry))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    children = []
    time.sleep(1)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select(1):
            serve(*key.data, children)
        children[:] = [child for child in children if child.poll() is None]


if __name__ == "__main__":
    main()

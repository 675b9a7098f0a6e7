#!/usr/bin/env python3
"""A WebSocket server and client (python3-websockets) for the recorded cases.

websocket_peer.py server ADDRESS PORT SCRIPT
websocket_peer.py client URL SCRIPT [NAME=VALUE...]

Every frame and handshake line goes to stderr as the library's debug log prints it; the client's
log is what truth_websocket.py reads. NAME=VALUE: origin, subprotocol, compression (deflate).
"""
import asyncio
import http
import logging
import sys

import websockets

TEXTS = ["hello", "", "grüße aus dem Netz", "a" * 125, "b" * 126, '{"type":"ping","n":1}']
BINARIES = [bytes(range(256)), b"\x00", b"\xff" * 1500]


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def server_fragments(connection):
    """Echoes each message in three fragments, with a ping between them."""
    async for message in connection:
        third = len(message) // 3

        async def parts(message=message, third=third):
            yield message[:third]
            await connection.ping(b"between")
            yield message[third:2 * third]
            yield message[2 * third:]

        await connection.send(parts())


async def server_close(connection):
    await connection.recv()
    await connection.close(4001, "enough for today")


async def client_echo(connection):
    for message in TEXTS + BINARIES:
        await connection.send(message)
        assert await connection.recv() == message


async def client_fragments(connection):
    async def parts():
        yield "first, "
        await asyncio.wait_for(await connection.ping(b"inside"), 5)
        yield "second, "
        yield "third"

    await connection.send(parts())
    assert await connection.recv() == "first, second, third"
    await connection.send([b"\x01" * 300, b"\x02" * 200])
    assert len(await connection.recv()) == 500


async def client_deflate(connection):
    for message in ["compress me, " * 400, "compress me, " * 400, b"\x00" * 30000, "", "short"]:
        await connection.send(message)
        assert await connection.recv() == message


async def client_close(connection):
    """The client closes; with server_close as peer the server is first."""
    await connection.send("last words")
    try:
        await connection.recv()
    except websockets.ConnectionClosed:
        return
    await connection.close(1001, "leaving the page")


async def client_lines(connection):
    for number in range(3):
        await connection.send(f"line {number}")
        await connection.recv()


async def refuse_paths(path, _headers):
    """404 for all but the root."""
    if path == "/":
        return None
    return http.HTTPStatus.NOT_FOUND, [("Content-Type", "text/plain")], b"no such place\n"


async def serve(address, port, script):
    handler = {"echo": echo, "fragments": server_fragments, "close": server_close}[script]
    async with websockets.serve(handler, address, port, process_request=refuse_paths,
                                subprotocols=["chat.example.test"], ping_interval=None):
        await asyncio.Future()


async def connect(url, script, settings):
    options = {"compression": settings.get("compression"), "ping_interval": None,
               "open_timeout": 5, "origin": settings.get("origin")}
    if "subprotocol" in settings:
        options["subprotocols"] = [settings["subprotocol"]]
    try:
        async with websockets.connect(url, **options) as connection:
            await globals()["client_" + script](connection)
    except websockets.InvalidStatusCode as refusal:
        print("refused:", refusal.status_code, file=sys.stderr)


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG, format="%(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    if sys.argv[1] == "server":
        asyncio.run(serve(sys.argv[2], int(sys.argv[3]), sys.argv[4]))
    else:
        asyncio.run(connect(sys.argv[2], sys.argv[3], dict(pair.split("=", 1) for pair in sys.argv[4:])))

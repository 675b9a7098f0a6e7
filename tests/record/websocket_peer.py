#!/usr/bin/env python3
"""A WebSocket server and client (python3-websockets) for the recorded cases.

websocket_peer.py server ADDRESS PORT SCRIPT [NAME=VALUE...]
websocket_peer.py client URL SCRIPT [NAME=VALUE...]

Every frame and handshake line goes to stderr as the library's debug log prints it; that is what
truth_websocket.py reads. NAME=VALUE: origin, subprotocol, compression (deflate); the server's certificate,
key, and tls (1.2: no other version); the client's proxy (HOST:PORT, asked by CONNECT) and proxy_user (NAME:PASSWORD,
told after a 407). The secrets of a client's TLS go to the file that SSLKEYLOGFILE names.
"""
import asyncio
import base64
import http
import logging
import socket
import ssl
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


async def client_mixed(connection):
    """A little of everything; then the client closes."""

    async def parts():
        yield "in three "
        await asyncio.wait_for(await connection.ping(b"inside"), 5)
        yield "fragments, "
        yield "grüße"

    for message in [parts(), "", "b" * 126, "the same again and again; " * 120, "the same again and again; " * 120, bytes(range(256)) * 5]:
        await connection.send(message)
        await connection.recv()
    await connection.close(4001, "seen enough")


async def client_mirror(connection):
    """A server that sends to all what one sends, in fragments of its own; without a message that it would drop as too large."""
    for message in ["hello mirror", "compress me, " * 60, "last"]:
        await connection.send(message)
        await connection.recv()
    await connection.close(1000, "done")


async def refuse_paths(path, _headers):
    """404 for all but the root."""
    if path == "/":
        return None
    return http.HTTPStatus.NOT_FOUND, [("Content-Type", "text/plain")], b"no such place\n"


def one_version(context, settings):
    if settings.get("tls") == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


async def serve(address, port, script, settings):
    handler = {"echo": echo, "fragments": server_fragments, "close": server_close}[script]
    context = None
    if "certificate" in settings:
        context = one_version(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), settings)
        context.load_cert_chain(settings["certificate"], settings["key"])
    async with websockets.serve(handler, address, port, process_request=refuse_paths, ssl=context,
                                subprotocols=["chat.example.test"], ping_interval=None):
        await asyncio.Future()


def ask_proxy(proxy, target, user):
    """A socket behind an HTTP proxy: CONNECT, and once more with a password where the answer is 407."""
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    while True:
        host, port = proxy.rsplit(":", 1)
        connection = socket.create_connection((host, int(port)), 5)
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                break
            answer += byte
        status = answer.split(b" ")[1]
        print("proxy answered:", status.decode(), file=sys.stderr)
        if status == b"200":
            return connection
        while connection.recv(4096):
            pass
        connection.close()
        if status != b"407" or len(lines) > 2:
            raise SystemExit("the proxy will not")
        lines.append("Proxy-Authorization: Basic " + base64.b64encode(user.encode()).decode())


async def connect(url, script, settings):
    options = {"compression": settings.get("compression"), "ping_interval": None,
               "open_timeout": 5, "origin": settings.get("origin")}
    if "subprotocol" in settings:
        options["subprotocols"] = [settings["subprotocol"]]
    if url.startswith("wss:"):
        context = one_version(ssl.create_default_context(), settings)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        options["ssl"] = context
    if "proxy" in settings:
        name = url.split("/")[2]
        options["sock"] = ask_proxy(settings["proxy"], name if ":" in name else name + ":443", settings.get("proxy_user"))
        options["server_hostname"] = name.split(":")[0]
    try:
        async with websockets.connect(url, **options) as connection:
            await globals()["client_" + script](connection)
    except websockets.InvalidStatusCode as refusal:
        print("refused:", refusal.status_code, file=sys.stderr)


def named(arguments):
    return dict(pair.split("=", 1) for pair in arguments)


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG, format="%(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    if sys.argv[1] == "server":
        asyncio.run(serve(sys.argv[2], int(sys.argv[3]), sys.argv[4], named(sys.argv[5:])))
    else:
        asyncio.run(connect(sys.argv[2], sys.argv[3], named(sys.argv[4:])))

#!/usr/bin/env python3
"""Carries TCP connections in WebSockets (python3-websockets), for the recorded cases: what tunnels do.

websocket_bridge.py pipe URL SUBPROTOCOL           standard input and output through a WebSocket: ssh's ProxyCommand
websocket_bridge.py dial PORT URL SUBPROTOCOL      each connection to the local port goes through a WebSocket of its own
websocket_bridge.py relay PORT TARGET SUBPROTOCOL  a WebSocket server: each WebSocket becomes a connection to port TARGET
websocket_bridge.py hub PORT LOCAL                 a WebSocket server: a connection to the local port goes out through a WebSocket that is open
websocket_bridge.py agent URL TARGET               dials out to a hub, and connects what comes to port TARGET: a reverse tunnel

Of subprotocol base64 the messages are text in base64, else they are binary. SUBPROTOCOL '-': none.
"""
import asyncio
import base64
import sys

import websockets


def chosen(name):
    return None if name == "-" else [name]


async def from_websocket(connection, writer):
    try:
        async for message in connection:
            writer.write(base64.b64decode(message) if isinstance(message, str) else message)
            await writer.drain()
    except (websockets.ConnectionClosed, ConnectionError):
        pass
    if writer.can_write_eof():
        try:
            writer.write_eof()
        except OSError:
            pass


async def to_websocket(reader, connection):
    try:
        while data := await reader.read(8192):
            await connection.send(base64.b64encode(data).decode() if connection.subprotocol == "base64" else data)
        await connection.close()
    except (websockets.ConnectionClosed, ConnectionError):
        pass


async def carry(connection, reader, writer):
    await asyncio.gather(from_websocket(connection, writer), to_websocket(reader, connection))
    writer.close()


def connect(url, subprotocol):
    return websockets.connect(url, subprotocols=chosen(subprotocol), compression=None, max_size=None, ping_interval=None)


def serve(handler, port, subprotocol):
    return websockets.serve(handler, None, int(port), subprotocols=chosen(subprotocol), compression=None, max_size=None, ping_interval=None)


async def pipe(url, subprotocol):
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
    async with connect(url, subprotocol) as connection:
        await carry(connection, reader, asyncio.StreamWriter(transport, protocol, None, loop))


async def dial(port, url, subprotocol):
    async def on_connection(reader, writer):
        async with connect(url, subprotocol) as connection:
            await carry(connection, reader, writer)

    await (await asyncio.start_server(on_connection, None, int(port))).serve_forever()


async def relay(port, target, subprotocol):
    async def on_websocket(connection):
        await carry(connection, *await asyncio.open_connection("127.0.0.1", int(target)))

    await (await serve(on_websocket, port, subprotocol)).wait_closed()


async def hub(port, local):
    waiting = asyncio.Queue()

    async def on_websocket(connection):
        done = asyncio.Event()
        await waiting.put((connection, done))
        await done.wait()

    async def on_connection(reader, writer):
        connection, done = await waiting.get()
        await connection.send(b"")  # wakes the agent
        await carry(connection, reader, writer)
        done.set()

    await serve(on_websocket, port, "-")
    await (await asyncio.start_server(on_connection, None, int(local))).serve_forever()


async def agent(url, target):
    async with connect(url, "-") as connection:
        await connection.recv()
        await carry(connection, *await asyncio.open_connection("127.0.0.1", int(target)))


if __name__ == "__main__":
    asyncio.run({"pipe": pipe, "dial": dial, "relay": relay, "hub": hub, "agent": agent}[sys.argv[1]](*sys.argv[2:]))

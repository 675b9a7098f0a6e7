#!/usr/bin/env python3
"""A VNC client (RFC 6143) through websockify, as a web page would be: handshake, one framebuffer update, end.

websocket_vnc.py URL SUBPROTOCOL
"""
import asyncio
import base64
import struct
import sys

import websockets


class Tunnel:
    """The stream of bytes in the messages, whatever their boundaries."""

    def __init__(self, connection):
        self.connection, self.rest = connection, b""

    async def take(self, count):
        while len(self.rest) < count:
            message = await self.connection.recv()
            self.rest += base64.b64decode(message) if isinstance(message, str) else message
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    async def say(self, data):
        await self.connection.send(base64.b64encode(data).decode() if self.connection.subprotocol == "base64" else data)


async def look(url, subprotocol):
    async with websockets.connect(url, subprotocols=[subprotocol], compression=None, max_size=None, ping_interval=None) as connection:
        tunnel = Tunnel(connection)
        await tunnel.take(12)
        await tunnel.say(b"RFB 003.008\n")
        types = await tunnel.take((await tunnel.take(1))[0])
        assert 1 in types, types
        await tunnel.say(b"\x01")
        assert await tunnel.take(4) == bytes(4)
        await tunnel.say(b"\x01")
        width, height = struct.unpack(">HH", (await tunnel.take(24))[:4])  # ServerInit, up to the name
        await tunnel.say(struct.pack(">BxHi", 2, 1, 0))  # SetEncodings: Raw
        await tunnel.say(struct.pack(">BBHHHH", 3, 0, 0, 0, 8, 8))
        await asyncio.sleep(0.3)
        print(f"subprotocol {connection.subprotocol}, screen {width}x{height}", flush=True)


asyncio.run(look(*sys.argv[1:]))

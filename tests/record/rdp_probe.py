#!/usr/bin/env python3
"""Asks an RDP server for standard security with an RDP_NEG_REQ, as a scanner would, and prints
the answer in xfreerdp's words: rdp_probe.py SERVER PORT COOKIE."""
import socket
import sys

server, port, cookie = sys.argv[1:]
body = f"Cookie: mstshash={cookie}\r\n".encode() + bytes.fromhex("0100080000000000")
x224 = bytes([6 + len(body), 0xE0, 0, 0, 0, 0, 0]) + body
with socket.create_connection((server, int(port)), timeout=10) as connection:
    connection.sendall(b"\x03\x00" + (4 + len(x224)).to_bytes(2, "big") + x224)
    print("state: PROBE cookie:", cookie)
    print("RequestedProtocols: 0")
    answer = b""
    while data := connection.recv(4096):
        answer += data
kind = answer[11] if len(answer) >= 19 else 0
value = int.from_bytes(answer[15:19], "little")
if kind == 3:
    print("RDP_NEG_FAILURE code:", value)
elif kind == 2:
    print("selected_protocol:", value)
else:
    print("no rdpNegData")

#!/usr/bin/env python3
"""Both ends of an NLA login that the server refuses with an error code, over real TLS: FreeRDP's server answers with an alert instead.

rdp_refusal.py server CERTIFICATE KEY PORT
rdp_refusal.py client HOST PORT KEYLOG
"""
import socket
import ssl
import struct
import sys

REQUEST = b"\x0e\xe0\0\0\0\0\0" + b"Cookie: mstshash=mallory\r\n"
NEGOTIATION = b"\x01\0\x08\0\x03\0\0\0"  # TLS, or CredSSP
CONFIRM = b"\x0e\xd0\0\0\x12\x34\0" + b"\x02\0\x08\0\x02\0\0\0"  # CredSSP
STATUS_LOGON_FAILURE = 0xC000006D


def tpkt(body):
    return struct.pack("!BBH", 3, 0, 4 + len(body)) + body


def der(tag, body):
    return bytes([tag, len(body)]) + body if len(body) < 128 else bytes([tag, 0x81, len(body)]) + body


def request(*fields):
    """[MS-CSSP] 2.2.1, version 6."""
    return der(0x30, der(0xA0, der(2, b"\x06")) + b"".join(fields))


def token(message):
    return der(0xA1, der(0x30, der(0x30, der(0xA0, der(4, message)))))


def authenticate(user, domain, workstation):
    """[MS-NLMP] 2.2.1.3, with empty responses."""
    texts = [text.encode("utf-16-le") for text in (domain, user, workstation)]
    at, fields = 64, b""
    for text in (b"", b"", *texts, b""):
        fields += struct.pack("<HHI", len(text), len(text), at)
        at += len(text)
    return b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", 1) + b"".join(texts)


def serve(certificate, key, port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("", port))
    connection, _ = listener.accept()
    connection.recv(1000)
    connection.sendall(tpkt(CONFIRM))
    with context.wrap_socket(connection, server_side=True) as inside:
        inside.recv(4000)
        inside.sendall(request(token(b"NTLMSSP\0" + struct.pack("<I", 2) + bytes(40))))
        inside.recv(4000)
        inside.sendall(request(der(0xA4, der(2, b"\0" + struct.pack("!I", STATUS_LOGON_FAILURE)))))
        inside.recv(4000)
    print("refused", flush=True)


def ask(host, port, keylog):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode, context.keylog_filename = False, ssl.CERT_NONE, keylog
    connection = socket.create_connection((host, port))
    connection.sendall(tpkt(bytes([len(REQUEST) + len(NEGOTIATION) - 1]) + REQUEST[1:] + NEGOTIATION))
    connection.recv(1000)
    with context.wrap_socket(connection) as inside:
        inside.sendall(request(token(b"NTLMSSP\0" + struct.pack("<II", 1, 1) + bytes(24))))
        inside.recv(4000)
        inside.sendall(request(token(authenticate("mallory", "EXAMPLE", "STATION"))))
        inside.recv(4000)


if sys.argv[1] == "server":
    serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else:
    ask(sys.argv[2], int(sys.argv[3]), sys.argv[4])

#!/usr/bin/env python3
"""Runs `wirescribe live` on lo while an SMTP session is spoken there. Meant for a network namespace of its own.

    live_session.py PROGRAM DATABASE

Checks that the session's rows can be read while the program still runs, that SIGINT ends it with status 0, and that it stops
by itself after --count packets. Prints what is wrong, exit status 1 then.
"""

import fcntl
import os
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time

DIALOGUE = (
    (None, '220 server.example.test ESMTP'),
    ('EHLO client.example.test', '250 server.example.test'),
    ('MAIL FROM:<alice@example.test>', '250 sender ok'),
    ('RCPT TO:<bob@example.test>', '250 recipient ok'),
    ('DATA', '354 go on'),
    ('Subject: live\r\n\r\nHello.\r\n.', '250 taken'),
    ('QUIT', '221 bye'),
)


def bring_up(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack('16sh14x', name.encode(), 0)
        flags = struct.unpack('16sh14x', fcntl.ioctl(sock, 0x8913, request))[1]  # SIOCGIFFLAGS
        fcntl.ioctl(sock, 0x8914, struct.pack('16sh14x', name.encode(), flags | 1))  # SIOCSIFFLAGS, IFF_UP


def speak():
    """One SMTP session between two sockets of our own."""
    with socket.create_server(('127.0.0.1', 25)) as listener:
        def serve():
            peer, _ = listener.accept()
            with peer:
                reader = peer.makefile('rb')
                for command, reply in DIALOGUE:
                    if command is not None:
                        for _ in command.split('\r\n'):
                            reader.readline()
                    peer.sendall(reply.encode() + b'\r\n')
        server = threading.Thread(target=serve)
        server.start()
        with socket.create_connection(('127.0.0.1', 25)) as client:
            reader = client.makefile('rb')
            for command, _ in DIALOGUE:
                if command is not None:
                    client.sendall(command.encode() + b'\r\n')
                reader.readline()
        server.join()


def rows(database):
    try:
        connection = sqlite3.connect('file:%s?mode=ro' % database, uri=True, timeout=5)
        try:
            return connection.execute('SELECT mail_from FROM smtp_mails').fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        return []


def wait_for(what, condition, process, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            sys.exit('the program ended with status %s while waiting for %s: %s' % (process.returncode, what, process.stderr.read()))
        if time.monotonic() > end:
            process.kill()
            sys.exit('%s did not come in time' % what)
        time.sleep(0.1)


def is_listening():
    """Whether somebody has a packet socket open in this namespace."""
    with open('/proc/net/packet', encoding='ascii') as file:
        return len(file.readlines()) > 1


def start(program, *arguments):
    process = subprocess.Popen([program, 'live', '-i', 'lo', *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for('the device', is_listening, process)
    time.sleep(0.3)
    return process


def main(program, database):
    bring_up('lo')
    process = start(program, '-o', database)
    speak()
    wait_for('the mail in the database', lambda: rows(database), process)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=20)
    if process.returncode != 0:
        sys.exit('after SIGINT, exit status %d: %s' % (process.returncode, messages))

    counted = database + '.counted'
    process = start(program, '-o', counted, '-c', '10', '-q')
    speak()
    _, messages = process.communicate(timeout=20)
    if process.returncode != 0 or messages:
        sys.exit('with -c, exit status %d: %s' % (process.returncode, messages))
    connection = sqlite3.connect(counted)
    packets, = connection.execute('SELECT packets FROM captures').fetchone()
    connection.close()
    os.unlink(counted)
    if packets != 10:
        sys.exit('with -c 10, %s packets' % packets)


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2])

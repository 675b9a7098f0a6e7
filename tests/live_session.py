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


def rows(database, sql='SELECT mail_from FROM smtp_mails'):
    try:
        connection = sqlite3.connect('file:%s?mode=ro' % database, uri=True, timeout=5)
        try:
            return connection.execute(sql).fetchall()
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


OPEN_SESSIONS = ('SELECT s.flow_id, s.start_time, s.%s, f.state, f.client_bytes FROM %s AS s JOIN flows AS f USING (flow_id) '
                 'WHERE s.start_time IS NOT NULL AND f.client_bytes > 0')


def check_open_sessions(process, database):
    """Sessions that stay open are in the database while they are, and once when they are over."""
    ssh = b'SSH-2.0-Test_1.0\r\n'
    with socket.create_server(('127.0.0.1', 2222)) as listener, socket.create_server(('127.0.0.1', 587)) as mail:
        with socket.create_connection(('127.0.0.1', 2222)) as client, socket.create_connection(('127.0.0.1', 587)) as sender:
            peer, _ = listener.accept()
            server, _ = mail.accept()
            client.sendall(ssh)
            peer.sendall(ssh)
            server.sendall(b'220 server.example.test ESMTP\r\n')
            sender.sendall(b'EHLO waiting.example.test\r\n')
            server.sendall(b'250 server.example.test\r\n')
            wait_for('the open SSH session', lambda: rows(database, OPEN_SESSIONS % ('client_version', 'ssh_sessions')), process)
            wait_for('the open SMTP session', lambda: rows(database, OPEN_SESSIONS % ('helo', 'smtp_sessions') + " AND s.helo = 'waiting.example.test'"), process)
            state = rows(database, "SELECT state, protocol FROM flows WHERE server_port = 2222")
            if state != [('S1', 'ssh')]:
                sys.exit('the open flow is %s' % state)
            sender.sendall(b'QUIT\r\n')
            server.sendall(b'221 bye\r\n')
            peer.close()
            server.close()


def main(program, database):
    bring_up('lo')
    process = start(program, '-o', database)
    speak()
    wait_for('the mail in the database', lambda: rows(database), process)
    check_open_sessions(process, database)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=20)
    if process.returncode != 0:
        sys.exit('after SIGINT, exit status %d: %s' % (process.returncode, messages))
    ended = rows(database, 'SELECT helo, last_reply FROM smtp_sessions ORDER BY flow_id')
    if ended != [('client.example.test', '221 bye'), ('waiting.example.test', '221 bye')]:
        sys.exit('in the end the SMTP sessions are %s' % ended)
    if rows(database, 'SELECT count(*), count(DISTINCT flow_id) FROM flows') != [(3, 3)]:
        sys.exit('in the end there are other flows: %s' % rows(database, 'SELECT * FROM flows'))

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

#!/usr/bin/env python3
"""Runs `wirescribe live` on lo with a TLS key log that grows. Meant for a network namespace of its own.

    live_keys.py PROGRAM FOLDER

Two SMTPS sessions stay open while their secrets come: the key log is not there at first; it gets the lines of the first one, with a pause in the
middle of a line; then another file has its name, with the lines of the second. Prints what is wrong, exit status 1 then.
"""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
import live_session as live

DIALOGUE = ((None, '220 server.example.test ESMTP'), ('EHLO %s.example.test', '250 server.example.test'))


class Session:
    """An SMTPS session between two sockets of our own, whose secrets go to a file that nobody looks at."""

    def __init__(self, folder, name, version):
        self.log = os.path.join(folder, name + '.secrets')
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(os.path.join(folder, 'certificate.pem'), os.path.join(folder, 'key.pem'))
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.minimum_version = client.maximum_version = version
        client.keylog_filename = self.log
        self.listener = socket.create_server(('127.0.0.1', 465))
        accepted = []
        waiting = threading.Thread(target=lambda: accepted.append(server.wrap_socket(self.listener.accept()[0], server_side=True)))
        waiting.start()
        self.client = client.wrap_socket(socket.create_connection(('127.0.0.1', 465)))
        waiting.join()
        self.server, = accepted
        for command, reply in DIALOGUE:
            if command is not None:
                self.client.sendall((command % name).encode() + b'\r\n')
                self.server.recv(1000)
            self.server.sendall(reply.encode() + b'\r\n')
            self.client.recv(1000)

    def lines(self):
        with open(self.log, encoding='ascii') as file:
            return file.read()

    def close(self):
        for end in (self.client, self.server, self.listener):
            end.close()


def append(path, text):
    with open(path, 'a', encoding='ascii') as file:
        file.write(text)


def main(program, folder):
    live.bring_up('lo')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=server.example.test',
                    '-keyout', os.path.join(folder, 'key.pem'), '-out', os.path.join(folder, 'certificate.pem')], check=True, stderr=subprocess.DEVNULL)
    database, log = os.path.join(folder, 'live.db'), os.path.join(folder, 'keys.log')
    process = live.start(program, '-o', database, '--keys', log)
    helo = 'SELECT helo, encrypted FROM smtp_sessions'
    first = Session(folder, 'first', ssl.TLSVersion.TLSv1_3)
    live.wait_for('the row of the first session', lambda: live.rows(database, 'SELECT version FROM tls_sessions'), process)
    if live.rows(database, helo):
        sys.exit('without secrets there is %s' % live.rows(database, helo))
    lines = first.lines()
    append(log, lines[:100])
    time.sleep(0.3)
    append(log, lines[100:])
    live.wait_for('the first session to be opened', lambda: live.rows(database, helo) == [('first.example.test', 1)], process)
    first.close()
    second = Session(folder, 'second', ssl.TLSVersion.TLSv1_2)
    os.rename(second.log, log)
    second.close()
    live.wait_for('the second session to be opened', lambda: live.rows(database, helo + ' ORDER BY flow_id') == [('first.example.test', 1), ('second.example.test', 1)],
                  process)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=20)
    if process.returncode != 0:
        sys.exit('after SIGINT, exit status %d: %s' % (process.returncode, messages))
    found = live.rows(database, 'SELECT version, decrypted, inner_protocol FROM tls_sessions ORDER BY flow_id')
    if found != [('TLSv1.3', 1, 'smtp'), ('TLSv1.2', 1, 'smtp')]:
        sys.exit('in the end the TLS sessions are %s' % found)
    if 'is not there yet' not in messages:
        sys.exit('it was not told that the key log is not there yet: %s' % messages)


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2])

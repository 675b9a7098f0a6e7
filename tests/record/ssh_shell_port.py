#!/usr/bin/env python3
"""ssh_shell_port.py PORT: offers a shell on a pseudo-terminal to whoever connects to that port of 127.0.0.1.
ssh_shell_port.py --connect PORT: connects to one, standard input and output being the person's."""
import os
import pty
import select
import socket
import sys
import time


def offer(port):
    listener = socket.create_server(("127.0.0.1", port))
    connection, _ = listener.accept()
    child, terminal = pty.fork()
    if child == 0:
        os.execve("/bin/bash", ["bash", "--norc", "-i"], {"PS1": "victim$ ", "TERM": "xterm", "PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"]})
    join(connection.fileno(), connection.fileno(), terminal, terminal)


def connect(port):
    """The forwarded port may take a moment to be there."""
    for _ in range(20):
        try:
            return socket.create_connection(("127.0.0.1", port), 10)
        except ConnectionRefusedError:
            time.sleep(0.3)
    sys.exit("nobody listens")


def join(read_a, write_a, read_b, write_b):
    """Carries bytes both ways until either ends."""
    while True:
        for ready in select.select([read_a, read_b], [], [])[0]:
            try:
                data = os.read(ready, 4096)
            except OSError:
                return
            if not data:
                return
            os.write(write_b if ready == read_a else write_a, data)


def main():
    if sys.argv[1] == "--connect":
        connection = connect(int(sys.argv[2]))
        os.system("stty raw -echo")
        join(0, 1, connection.fileno(), connection.fileno())
    else:
        offer(int(sys.argv[1]))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Plays FTP dialogues: ftp_client.py SCRIPT SERVER PORT PASSWORD FOLDER.

multiline, directories and odd_port use ftplib; pipelined writes its commands in groups.
FOLDER holds the file "upload" and takes what is downloaded. ftplib's dialogue is printed.
"""
import ftplib
import pathlib
import re
import socket
import sys


def login(server, port, password):
    session = ftplib.FTP()
    session.set_debuglevel(1)
    session.connect(server, port, timeout=10)
    session.login("alice", password)
    return session


def multiline(server, port, password, folder):
    session = login(server, port, password)
    session.sendcmd("FEAT")
    session.sendcmd("HELP")
    session.sendcmd("STAT")
    session.sendcmd("STAT /")
    session.retrlines("LIST", lambda line: None)
    session.quit()


def directories(server, port, password, folder):
    """Relative paths, a restart, a rename, an append, a file that is not there."""
    session = login(server, port, password)
    session.mkd("deep")
    session.cwd("deep")
    session.mkd('a "quoted" name')
    with open(folder / "upload", "rb") as source:
        session.storbinary("STOR first.bin", source)
    with open(folder / "upload", "rb") as source:
        session.storbinary("APPE first.bin", source)
    session.size("first.bin")
    session.retrbinary("RETR first.bin", lambda data: None, rest=1000)
    session.rename("first.bin", "second.bin")
    try:
        session.retrbinary("RETR first.bin", lambda data: None)
    except ftplib.error_perm:
        pass
    session.sendcmd("CDUP")
    session.retrbinary("RETR deep/second.bin", lambda data: None)
    session.retrlines("NLST deep", lambda line: None)
    session.delete("deep/second.bin")
    session.quit()


def odd_port(server, port, password, folder):
    session = login(server, port, password)
    with open(folder / "upload", "rb") as source:
        session.storbinary("STOR stored.bin", source)
    session.retrbinary("RETR stored.bin", lambda data: None)
    session.set_pasv(False)
    session.retrlines("MLSD", lambda line: None)
    session.quit()


class Control:
    """A control connection whose commands are written in groups."""

    def __init__(self, server, port):
        self.server = server
        self.socket = socket.create_connection((server, port), timeout=10)
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\r\n")
        self.reply()

    def reply(self):
        while True:
            line = self.lines.readline()
            if not line:
                raise SystemExit("the server closed the connection")
            print("<-", line.rstrip())
            if re.match(r"\d{3} ", line):
                return line

    def replies(self, count):
        for _ in range(count):
            self.reply()

    def send(self, *lines):
        print("->", lines)
        self.socket.sendall("".join(line + "\r\n" for line in lines).encode())

    def connect_data(self):
        """Where the reply to PASV says."""
        numbers = [int(part) for part in re.search(r"\(([\d,]+)\)", self.reply())[1].split(",")]
        return socket.create_connection((self.server, numbers[4] * 256 + numbers[5]), timeout=10)


def read_all(data):
    while data.recv(4096):
        pass


def pipelined(server, port, password, folder):
    control = Control(server, port)
    control.send("USER alice", f"PASS {password}", "TYPE I", "PWD", "NOOP")
    control.replies(5)
    # The transfer is asked for before the port is known.
    control.send("PASV", "RETR notes.txt")
    with control.connect_data() as data:
        control.reply()
        read_all(data)
    control.reply()
    control.send("PASV", "STOR pipelined.bin")
    with control.connect_data() as data:
        control.reply()
        data.sendall((folder / "upload").read_bytes())
    control.reply()
    control.send("SIZE pipelined.bin", "NOOP", "QUIT")
    control.replies(3)


def pipelined_directory(server, port, password, folder):
    """Where a transfer goes is decided by replies that have not come when it is asked for."""
    control = Control(server, port)
    control.send("USER alice", f"PASS {password}", "TYPE I", "PWD")
    control.replies(4)
    control.send("CWD deep", "PASV", "REST 4", "RETR inner.txt", "CWD missing")
    control.reply()
    with control.connect_data() as data:
        control.replies(2)
        read_all(data)
    control.replies(2)
    control.send("CDUP", "PASV", "RETR notes.txt", "QUIT")
    control.reply()
    with control.connect_data() as data:
        control.reply()
        read_all(data)
    control.replies(2)


if __name__ == "__main__":
    name, address, number, secret, place = sys.argv[1:]
    {"multiline": multiline, "directories": directories, "odd_port": odd_port,
     "pipelined": pipelined,
     "pipelined_directory": pipelined_directory}[name](address, int(number), secret, pathlib.Path(place))

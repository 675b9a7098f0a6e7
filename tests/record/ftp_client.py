#!/usr/bin/env python3
"""Plays FTP dialogues: ftp_client.py SCRIPT SERVER PORT PASSWORD FOLDER.

Most use ftplib; those named pipelined write their commands in groups.
FOLDER holds the file "upload" and takes what is downloaded. ftplib's dialogue is printed.
"""
import ftplib
import io
import pathlib
import re
import socket
import ssl
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


def modes(server, port, password, folder):
    """Active, passive, ASCII, resumed, appended; each file has a name of its own."""
    session = login(server, port, password)
    content = (folder / "upload").read_bytes()
    session.set_pasv(False)
    session.storbinary("STOR active.bin", io.BytesIO(content))
    session.retrbinary("RETR data.bin", lambda data: None)
    session.retrlines("LIST", lambda line: None)
    session.set_pasv(True)
    session.storlines("STOR lines.txt", io.BytesIO(b"one\r\ntwo\r\nthree\r\n"))
    session.retrlines("RETR notes.txt", lambda line: None)
    session.sendcmd("TYPE I")
    session.size("data.bin")
    session.sendcmd("MDTM data.bin")
    session.retrbinary("RETR data.bin", lambda data: None, rest=1234)
    session.storbinary("STOR begun.bin", io.BytesIO(content[:1000]))
    session.storbinary("APPE begun.bin", io.BytesIO(content[1000:]))
    session.storbinary("STOR grüße-日本.bin", io.BytesIO(b"named in UTF-8"))
    session.retrlines("NLST", lambda line: None)
    session.quit()


def abort(server, port, password, folder):
    session = login(server, port, password)
    session.voidcmd("TYPE I")
    address, number = session.makepasv()
    with socket.socket() as data:
        # The server cannot send more than the client's small window takes.
        data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        data.connect((address, number))
        session.sendcmd("RETR large.bin")
        data.recv(4000)
        # Telnet's IP and Synch, as BSD's ftp and lftp send them: ftplib's own abort() makes its line feed urgent, and loses it.
        session.sock.sendall(b"\xff\xf4\xff", socket.MSG_OOB)
        session.sock.sendall(b"\xf2ABOR\r\n")
    for _ in ("the end of RETR", "ABOR"):
        print(session.getmultiline())
    session.retrbinary("RETR data.bin", lambda data: None)
    session.quit()


def broken(server, port, password, folder):
    """The client closes the data connection in the middle of a download."""
    session = login(server, port, password)
    session.voidcmd("TYPE I")
    address, number = session.makepasv()
    with socket.socket() as data:
        data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        data.connect((address, number))
        session.sendcmd("RETR large.bin")
        data.recv(4000)
    try:
        session.voidresp()
    except ftplib.error_temp:
        pass
    session.retrbinary("RETR data.bin", lambda data: None)
    session.quit()


def logins(server, port, password, folder):
    """Two wrong passwords, then the right one; Pure-FTPd answers each wrong one later than the one before."""
    session = ftplib.FTP()
    session.connect(server, port, timeout=30)
    for attempt in ("first guess", "second guess", password):
        try:
            session.login("alice", attempt)
        except ftplib.error_perm:
            pass
    session.voidcmd("PWD")
    session.quit()


def features(server, port, password, folder):
    session = login(server, port, password)
    content = (folder / "upload").read_bytes()
    session.sendcmd("FEAT")
    for name in ("first.bin", "second.bin"):
        with passive(session) as data:
            session.sendcmd("STOR " + name)
            data.sendall(content)
        session.voidresp()
    session.af = socket.AF_INET6  # ftplib then says EPSV
    list(session.mlsd())
    session.af = socket.AF_INET
    with passive(session) as data:
        session.sendcmd("STOU")
        data.sendall(content[:500])
    session.voidresp()
    session.sendcmd("SITE CHMOD 600 first.bin")
    session.rename("first.bin", "renamed.bin")
    session.mkd("deep")
    session.cwd("deep")
    session.storbinary("STOR inner.bin", io.BytesIO(content[:700]))
    session.cwd("..")
    session.retrbinary("RETR deep/inner.bin", lambda data: None, rest=200)
    session.retrlines("LIST", lambda line: None)
    session.quit()


def passive(session):
    return socket.create_connection(session.makepasv(), timeout=10)


def tls_login(server, port, password):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session = ftplib.FTP_TLS(context=context)
    session.set_debuglevel(1)
    session.connect(server, port, timeout=10)
    session.login("alice", password)
    return session


def prot_clear(server, port, password, folder):
    session = tls_login(server, port, password)
    session.prot_c()
    session.retrbinary("RETR data.bin", lambda data: None)
    session.retrlines("LIST", lambda line: None)
    session.quit()


def tls_active(server, port, password, folder):
    """The server opens the data connections, and is the server of their TLS nevertheless; one passive transfer, in TLS 1.2."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session = ftplib.FTP_TLS(context=context)
    session.set_debuglevel(1)
    session.connect(server, port, timeout=10)
    session.login("alice", password)
    session.prot_p()
    session.set_pasv(False)
    session.retrlines("LIST", lambda line: None)
    with open(folder / "upload", "rb") as source:
        session.storbinary("STOR uploaded.bin", source)
    session.retrbinary("RETR notes.txt", lambda data: None)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session.set_pasv(True)
    session.retrbinary("RETR data.bin", lambda data: None)
    session.quit()


def ccc(server, port, password, folder):
    session = tls_login(server, port, password)
    session.ccc()
    session.retrbinary("RETR data.bin", lambda data: None)
    session.quit()


def host(server, port, password, folder):
    session = ftplib.FTP()
    session.set_debuglevel(1)
    session.connect(server, port, timeout=10)
    for name in ("missing.example.test", "other.example.test"):
        try:
            session.sendcmd("HOST " + name)
        except ftplib.error_perm:
            pass
    session.sendcmd("CLNT recorder 1.0")
    session.login("alice", password)
    session.retrbinary("RETR notes.txt", lambda data: None)
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
    scripts = (multiline, directories, odd_port, pipelined, pipelined_directory, modes, abort, broken, logins, features, prot_clear,
               ccc, host, tls_active)
    {script.__name__: script for script in scripts}[name](address, int(number), secret, pathlib.Path(place))

"""Reads the logs of vsftpd and of Pure-FTPd into sessions as truth_ftp.py tells them.

Both log each command and each line of the replies; the sessions of a case follow one another, for the process that a line names
changes with the login.
"""
import re

SERVERS = {4: "10.77.0.1", 6: "fd00:77::1"}
VSFTPD = re.compile(r'\[pid \d+\] (?:\[[^\]]*\] )?(?P<kind>[A-Za-z ]+): Client "(?P<ip>[^"]*)"(?:, (?P<rest>.*))?$')
PURE_FTPD = re.compile(r"pure-ftpd: \((?P<user>.*?)@(?P<ip>[^)]*)\) \[(?P<level>\w+)\] (?P<text>.*)$")


def opened(ip):
    return {"client_ip": ip.removeprefix("::ffff:"), "server_ip": SERVERS[6 if ":" in ip.removeprefix("::ffff:") else 4],
            "server_port": 21, "commands": []}


def asked(session, name, argument):
    session["commands"].append({"command": name.upper(), "argument": None if name.upper() == "PASS" else argument or None,
                                "reply_code": None, "reply": None, "bytes": None, "path": None})


def answered(session, text):
    """The first final reply after a command is its own."""
    if session["commands"] and re.match(r"[2-5]\d\d ", text) and session["commands"][-1]["reply_code"] is None:
        session["commands"][-1].update(reply_code=int(text[:3]), reply=text[4:])


def moved(session, path, size):
    session["commands"][-1].update(path=path, bytes=size)


def read_vsftpd(log):
    sessions = []
    for line in log.read_text(errors="replace").splitlines():
        match = VSFTPD.search(line)
        if not match:
            continue
        if match["kind"] == "CONNECT":
            sessions.append(opened(match["ip"]))
            continue
        session, rest = sessions[-1], match["rest"] or ""
        if match["kind"] == "FTP command":
            name, _, argument = rest[1:-1].partition(" ")
            asked(session, name, argument)
        elif match["kind"] == "FTP response":
            answered(session, rest[1:-1])
        elif match["kind"].endswith(("DOWNLOAD", "UPLOAD")):
            done = re.match(r'"(.*)", (\d+) bytes', rest)
            if done:
                moved(session, done[1], int(done[2]))
    return sessions


def read_pure_ftpd(log, roots):
    sessions = []
    for line in log.read_text(errors="replace").splitlines():
        match = PURE_FTPD.search(line)
        if not match:
            continue
        text = match["text"]
        if text.startswith("New connection from "):
            sessions.append(opened(match["ip"]))
            continue
        command = re.match(r"Command \[(.*?)\] \[(.*)\]$", text)
        done = re.match(r"(/.*) (?:up|down)loaded +\((\d+) bytes", text)
        if command and match["level"] == "DEBUG":
            asked(sessions[-1], command[1], command[2])
        elif done:
            path = done[1].replace("//", "/")
            for root in roots:
                path = path.removeprefix(root)
            moved(sessions[-1], path, int(done[2]))
        elif match["level"] == "DEBUG":
            answered(sessions[-1], text)
    return sessions


def check_clf(log, sessions):
    """Pure-FTPd's second log must name the same transfers."""
    said = [(match[1], int(match[2])) for match in re.finditer(r'"(GET|PUT) .*?" 200 (\d+)', log.read_text() if log.exists() else "")]
    told = [({"download": "GET", "upload": "PUT"}[entry["direction"]], entry["size"]) for session in sessions
            for entry in session["transfers"] if entry["direction"] != "list"]
    if sorted(said) != sorted(told):
        raise SystemExit(f"the log of transfers says {said}, the other {told}")

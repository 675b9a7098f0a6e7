#!/usr/bin/env python3
"""Reads ProFTPD's ExtendedLog and TransferLog, or the logs of others, into truth.json.

A session is its commands with the final reply code of each; a transfer is RETR, STOR, APPE, LIST,
NLST or MLSD that succeeded, with the bytes the server counted and the data port agreed before it.
A transfer of a file that lies on the server's disk in the size that travelled has the SHA-256 of what travelled.
Passwords are in no log. Paths are as the client sees them: the account's root is cut off.
"""
import argparse
import hashlib
import json
import pathlib
import re

import truth_ftp_logs

DIRECTIONS = {"RETR": "download", "STOR": "upload", "APPE": "upload", "STOU": "upload",
              "LIST": "list", "NLST": "list", "MLSD": "list"}


def cut_root(path, roots):
    for root in roots:
        if path == root or path.startswith(root + "/"):
            return path[len(root):].rstrip("/") or "/"
    return path


def read_proftpd(log, roots):
    sessions = {}
    for line in log.read_text(errors="replace").splitlines():
        process, client, server, port, name, argument, code, sent, path, reply = line.split("~", 9)
        session = sessions.setdefault(process, {
            "client_ip": client.removeprefix("::ffff:"), "server_ip": server.removeprefix("::ffff:"),
            "server_port": int(port), "commands": []})
        if name == "OPTS" and code == "-":
            continue  # ProFTPD logs OPTS twice: once as OPTS_UTF8 with its reply, once bare
        name, _, option = name.partition("_")
        argument = f"{option} {argument}".strip()
        session["commands"].append({
            "command": name, "argument": None if name == "PASS" else argument or None,
            "reply_code": int(code) if code.isdigit() else None, "reply": reply,
            "bytes": int(sent) if sent.isdigit() else None,
            "path": None if path in ("-", "") else cut_root(path, roots)})
    return list(sessions.values())


def read_pyftpdlib(log, roots):
    sessions = []
    for line in log.read_text(errors="replace").splitlines():
        match = re.match(r"([0-9a-f.:]+):(\d+)-\[\w*\] (.*)$", line)
        if not match:
            continue
        text = match[3]
        if text.startswith("FTP session opened"):
            sessions.append({"client_ip": match[1], "commands": []})
            continue
        commands = sessions[-1]["commands"]
        if text.startswith("<- "):
            name, _, argument = text[3:].partition(" ")
            commands.append({"command": name, "argument": None if name == "PASS" else argument or None,
                             "reply_code": None, "reply": None, "bytes": None, "path": None})
        elif text.startswith("-> ") and commands and re.match(r"\d{3} ", text[3:]):
            commands[-1].update(reply_code=int(text[3:6]), reply=text[7:])
        done = re.match(r"(?:STOR|RETR|APPE) (\S+) completed=1 bytes=(\d+)", text)
        if done:
            commands[-1].update(path=cut_root(done[1], roots), bytes=int(done[2]))
    return sessions


def data_address(command, session):
    """(mode, ip, port) that a command and its reply agree on, or None."""
    if command["reply_code"] is None or command["reply_code"] >= 400:
        return None
    name, argument, reply = command["command"], command["argument"], command["reply"]
    if name in ("PORT", "PASV"):
        numbers = [int(part) for part in re.search(r"(\d+(?:,\d+){5})",
                                                   argument if name == "PORT" else reply)[1].split(",")]
        return ("active" if name == "PORT" else "passive", ".".join(map(str, numbers[:4])),
                numbers[4] * 256 + numbers[5])
    if name == "EPRT":
        _, _, address, port, _ = argument.split("|")
        return "active", address, int(port)
    if name == "EPSV":
        return "passive", session.get("server_ip"), int(re.search(r"\|\|\|(\d+)\|", reply)[1])
    return None


def complete(session):
    """Adds what follows from the commands: user, login, where TLS begins, transfers."""
    session.update(user=None, auth_result=None, tls_after=None, clear_again=None, transfers=[], failed=[], mode="S")
    agreed, kind, offset = None, "A", 0
    for number, command in enumerate(session["commands"], 1):
        agreed = data_address(command, session) or agreed
        name, code = command["command"], command["reply_code"]
        if name == "TYPE" and code == 200:
            kind = command["argument"][0]
        if name == "REST" and code == 350:
            offset = int(command["argument"])
        if name == "USER":
            session["user"] = command["argument"]
        if name == "PASS":
            session["auth_result"] = "success" if code == 230 else "failure"
        if name == "AUTH" and code == 234:
            session["tls_after"] = number
        if name == "CCC" and code == 200:
            session["clear_again"] = number
        if name == "MODE" and code == 200:
            session["mode"] = command["argument"]
        if name in DIRECTIONS and code is not None and code >= 400:
            session["failed"].append({"command": name, "argument": command["argument"], "reply_code": code})
        if name in DIRECTIONS and code in (226, 250):
            mode, address, port = agreed
            session["transfers"].append({
                "command": name, "argument": command["argument"], "path": command["path"],
                "direction": DIRECTIONS[name], "mode": mode, "data_ip": address, "data_port": port,
                "size": command["bytes"], "reply_code": code, "type": kind, "offset": offset or None,
                "transmission": session["mode"]})
        if name in DIRECTIONS:
            offset = 0
    session["last_reply_code"] = session["commands"][-1]["reply_code"]


def digest(transfer, folders):
    """SHA-256 of what travelled, where the file lies on the disk as it travelled; else None."""
    if transfer["direction"] == "list" or not transfer["path"] or transfer["size"] is None:
        return None
    for folder in folders:
        path = folder / transfer["path"].lstrip("/")
        if not path.is_file():
            continue
        content = path.read_bytes()
        if transfer["type"] == "A":
            content = re.sub(rb"\r?\n", b"\r\n", content)
        elif transfer["command"] == "APPE":
            content = content[-transfer["size"]:]
        else:
            content = content[transfer["offset"] or 0:]
        if len(content) == transfer["size"] or (transfer["transmission"] == "Z" and not transfer["offset"]):
            transfer["file_size"] = len(content)
            return hashlib.sha256(content).hexdigest()
    return None


def check_transfer_log(log, sessions):
    """The second log of the same server must name the same sizes."""
    said = []
    for line in log.read_text().splitlines() if log.exists() else []:
        fields = line.split()
        direction = {"o": "download", "i": "upload"}.get(fields[-7])
        if direction and fields[-1] == "c":  # else a deleted file, or a transfer that failed
            said.append((direction, int(fields[7])))
    counted = [(transfer["direction"], transfer["size"]) for session in sessions
               for transfer in session["transfers"] if transfer["direction"] != "list"]
    if sorted(said) != sorted(counted):
        raise SystemExit(f"the transfer log says {said}, the command log {counted}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    parser.add_argument("--commands", type=pathlib.Path)
    parser.add_argument("--transfers", type=pathlib.Path)
    parser.add_argument("--pyftpdlib", type=pathlib.Path)
    parser.add_argument("--vsftpd", type=pathlib.Path)
    parser.add_argument("--pure-ftpd", type=pathlib.Path)
    parser.add_argument("--clf", type=pathlib.Path)
    parser.add_argument("--files", action="append", default=[], type=pathlib.Path)
    parser.add_argument("--between-servers", action="store_true", help="the files' data connections did not reach the client")
    parser.add_argument("--root", action="append", default=[])
    options = parser.parse_args()
    if options.pyftpdlib:
        sessions = read_pyftpdlib(options.pyftpdlib, options.root)
        sources = ["pyftpdlib log"]
    elif options.vsftpd:
        sessions = truth_ftp_logs.read_vsftpd(options.vsftpd)
        sources = ["vsftpd log", "vsftpd xferlog"]
    elif options.pure_ftpd:
        sessions = truth_ftp_logs.read_pure_ftpd(options.pure_ftpd, options.root)
        sources = ["Pure-FTPd log", "Pure-FTPd CLF log"]
    else:
        sessions = read_proftpd(options.commands, options.root)
        sources = ["proftpd ExtendedLog", "proftpd TransferLog"]
    if not sessions:
        raise SystemExit("the log holds no session")
    for session in sessions:
        complete(session)
        for transfer in session["transfers"]:
            transfer["sha256"] = digest(transfer, options.files)
            if options.between_servers and transfer["direction"] != "list":
                transfer["between_servers"] = True
    if options.clf:
        truth_ftp_logs.check_clf(options.clf, sessions)
    if options.transfers:
        check_transfer_log(options.transfers, sessions)
    print(json.dumps({"case": options.case, "protocol": "ftp", "sources": sources,
                      "sessions": sessions}, indent=2))


if __name__ == "__main__":
    main()

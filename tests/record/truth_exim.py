"""Reads Exim's main log (log_selector +all) into sessions as truth_smtp.py tells them.

Each line of a session names the client's address and port, which are the session's key; each line of a mail begins with
the mail's id.
"""
import re

LINE = re.compile(r"^\S+ \S+ \[\d+\] (?P<text>.*)$")
PEER = re.compile(r"\[(?P<ip>[0-9a-f.:]+)\]:(?P<port>\d+) I=")
MAIL_ID = r"(?P<id>\w{6}-\w{6,11}-\w{2,4})"


def read_sessions(log):
    sessions, by_peer, mails = [], {}, {}
    for line in log.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if not match:
            continue
        text = match["text"]
        peer = PEER.search(text)
        if peer and "TCP/IP connection count" in text:
            by_peer[peer["port"]] = {"client_ip": peer["ip"], "tls": None, "auth": [], "rejections": [],
                                     "transactions": [], "commands_logged": {}}
            sessions.append(by_peer[peer["port"]])
        elif peer and peer["port"] in by_peer:
            session_line(text, by_peer[peer["port"]], mails)
        else:
            delivery(text, mails)
    return sessions


def session_line(text, session, mails):
    failed = re.match(r"(\w+) authenticator failed for", text)
    if failed:
        session["auth"].append({"mechanism": mechanism(failed[1]), "result": "failure"})
    elif text.endswith("closed by QUIT"):
        session["commands_logged"]["quit"] = "1"
    elif " <= " in text:
        accepted(text, session, mails)
    elif " rejected RCPT " in text:
        session["rejections"].append({"stage": "RCPT", "code": 550, "from": re.search(r" F=<([^>]*)>", text)[1],
                                      "to": re.search(r"rejected RCPT <([^>]*)>", text)[1],
                                      "reply": text.rsplit(">: ", 1)[1]})
    elif " rejected after DATA" in text:
        session["transactions"].append({"queue_id": None, "from": re.search(r" F=<([^>]*)>", text)[1], "recipients": [],
                                        "outcome": "rejected", "message_id": None,
                                        "rejection": text.rsplit("rejected after DATA: ", 1)[1]})


def accepted(text, session, mails):
    match = re.match(MAIL_ID + r" <= (?P<sender>\S+) ", text)
    identity = re.search(r" id=(\S+)", text)
    mail = {"queue_id": match["id"], "from": "" if match["sender"] == "<>" else match["sender"], "recipients": [],
            "outcome": "delivered", "message_id": identity and identity[1]}
    mail["recipients"] = re.search(r" for ([^\"]+)$", text)[1].split()
    mails[match["id"]] = mail
    session["transactions"].append(mail)
    login = re.search(r" A=(\w+):(\S+)", text)
    if login and not any(entry["result"] == "success" for entry in session["auth"]):
        session["auth"].append({"mechanism": mechanism(login[1]), "user": login[2], "result": "success"})


def delivery(text, mails):
    """A recipient whom Exim accepted and could not deliver to is no truth to compare with."""
    match = re.match(MAIL_ID + r" (==|\*\*) ", text)
    if match and match["id"] in mails:
        raise SystemExit(f"Exim did not deliver: {text}")


def mechanism(driver):
    return driver.upper().replace("_", "-")

#!/usr/bin/env python3
"""Reads what Postfix (or others: truth_exim.py and its like) logged and delivered, and what the client printed, into truth.json.

Sessions come from the log (connect .. disconnect of one smtpd process) and are paired in order
with the dialogues of the client's transcript. Sizes are measured on the delivered files: what
stands after the Received header that the server put on top, each line end counted as CR LF.
"""
import argparse
import json
import pathlib
import re

import truth_dovecot
import truth_exim
import truth_mail
import truth_opensmtpd

LOG_LINE = re.compile(r"postfix/(?P<daemon>\w+)\[(?P<pid>\d+)\]: (?P<text>.*)")
CLIENT = re.compile(r"[\w.-]+\[(?P<ip>[0-9a-f.:]+)\]")
SPOKEN = re.compile(r"^(?:(?P<sent> [-~]>|>) |(?P<received><[-~]\s|<[*~]\*|<) )(?P<text>.*)$")


def read_sessions(log):
    """Every smtpd session of the log with its transactions, rejections, TLS and AUTH."""
    sessions, current, mails = [], {}, {}
    for line in log.read_text().splitlines():
        match = LOG_LINE.search(line)
        if not match:
            continue
        daemon, pid, text = match["daemon"], match["pid"], match["text"]
        if daemon == "smtpd":
            smtpd_line(text, pid, sessions, current, mails)
        elif ": " in text:
            mail_line(text, mails)
    return sessions


def smtpd_line(text, pid, sessions, current, mails):
    if text.startswith("connect from "):
        session = {"client_ip": CLIENT.search(text)["ip"], "tls": None, "auth": [],
                   "rejections": [], "transactions": []}
        sessions.append(session)
        current[pid] = session
        return
    session = current.get(pid)
    if session is None:
        return
    if text.startswith("disconnect from "):
        session["commands_logged"] = dict(pair.split("=") for pair in text.split("] ", 1)[1].split())
        del current[pid]
    elif "TLS connection established" in text:
        session["tls"] = text.split(": ", 1)[1]
    elif "authentication failed" in text:
        session["auth"].append({"mechanism": re.search(r"SASL (\S+) auth", text)[1],
                                "result": "failure"})
    elif ": reject: " in text:
        session["rejections"].append(rejection(text))
    elif ": client=" in text:
        queue_id = text.split(":", 1)[0]
        mail = {"queue_id": queue_id, "from": None, "recipients": [], "outcome": "aborted",
                "message_id": None}
        mails[queue_id] = mail
        session["transactions"].append(mail)
        sasl = re.search(r"sasl_method=(\S+), sasl_username=(\S+)", text)
        if sasl:
            session["auth"].append({"mechanism": sasl[1], "user": sasl[2].split("@")[0],
                                    "result": "success"})


def rejection(text):
    match = re.search(r"reject: (?P<stage>\w+) from \S+: (?P<code>\d{3}) (?P<reply>.*?); ", text)
    recipient = re.search(r" to=<([^>]*)>", text)
    sender = re.search(r" from=<([^>]*)>", text)
    return {"stage": match["stage"], "code": int(match["code"]), "reply": match["reply"],
            "from": sender and sender[1], "to": recipient and recipient[1]}


def mail_line(text, mails):
    queue_id, rest = text.split(": ", 1)
    mail = mails.get(queue_id)
    if mail is None:
        return
    if rest.startswith("message-id="):
        mail["message_id"] = rest.split("=", 1)[1].strip("<>") or None
    elif rest.startswith("from=<"):
        mail["from"] = re.match(r"from=<([^>]*)>", rest)[1]
        mail["outcome"] = "delivered"
    elif rest.startswith("reject: "):
        mail["outcome"] = "rejected"
        mail["from"] = re.search(r" from=<([^>]*)>", rest)[1]
        mail["rejection"] = rest.rsplit(": ", 1)[1]
    elif rest.startswith("to=<"):
        mail["recipients"].append(re.match(r"to=<([^>]*)>", rest)[1])


def read_delivered(folder):
    """Queue id -> size in CRLF form and a few headers of the mail as the client sent it."""
    found = {}
    for path in folder.rglob("new/*"):
        data = path.read_bytes()
        match = re.search(rb"^Received: .*\n(?:[ \t].*\n)*", data, re.MULTILINE)
        queue_id, _, _ = re.search(rb"\bid ([^\s;]+)", match[0])[1].decode().partition(":R")
        returned = re.search(rb"^Return-Path: <(.*)>$", data, re.MULTILINE)
        sent = data[match.end():]
        header = sent.split(b"\n\n", 1)[0].decode("utf-8", "replace")
        message_id = re.search(r"^Message-ID: <(.*)>$", header, re.MULTILINE | re.IGNORECASE)
        subject = re.search(r"^Subject: (.*(?:\n[ \t].*)*)$", header, re.MULTILINE)
        sent = truth_mail.as_sent(sent)
        found[queue_id] = {"size": len(sent), "subject": truth_mail.decoded_header(subject[1]) if subject else None,
                           "message_id": message_id and message_id[1], "parts": truth_mail.parts(sent)}
        if returned:
            found[queue_id]["from"] = returned[1].decode()
    return found


def read_dialogues(transcript):
    """What the client printed: for each connection the banner, EHLO and the replies in the clear."""
    dialogues, last_sent, under_tls = [], "", False
    for line in transcript.read_text(errors="replace").splitlines():
        match = SPOKEN.match(line)
        if not match:
            continue
        text = match["text"].strip()
        if match["sent"]:
            last_sent = text
            if dialogues and not under_tls and re.match(r"(EHLO|HELO|LHLO) ", text, re.IGNORECASE):
                dialogues[-1]["helo"] = text.split(" ", 1)[1]
            continue
        if not re.match(r"\d{3}[ -]", text + " "):
            continue
        if text.startswith("220") and last_sent.upper() != "STARTTLS" and (
                not dialogues or dialogues[-1]["replies"]):
            dialogues.append({"banner": text[4:], "helo": None, "extensions": [], "replies": [], "refused": []})
            under_tls, last_sent = False, ""
        if under_tls or not dialogues:
            continue
        dialogue_reply(dialogues[-1], text, last_sent)
        under_tls = last_sent.upper() == "STARTTLS" and text.startswith("220 ")
    return dialogues


def dialogue_reply(dialogue, text, last_sent):
    if last_sent[:4].upper() in ("EHLO", "LHLO") and text.startswith("250"):
        dialogue["extensions"].append(text[4:])
    if text[3:4] != "-":
        if last_sent[:4].upper() in ("RCPT", "DATA") and text.startswith("550"):
            dialogue["refused"].append(text)
        dialogue["replies"].append(int(text[:3]))
        dialogue["last_reply"] = text


READERS = {"postfix": read_sessions, "exim": truth_exim.read_sessions, "dovecot": truth_dovecot.read_sessions,
           "opensmtpd": truth_opensmtpd.read_sessions}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    parser.add_argument("--server", choices=READERS, default="postfix")
    parser.add_argument("--log", type=pathlib.Path, required=True)
    parser.add_argument("--mail", type=pathlib.Path, required=True)
    parser.add_argument("--transcript", type=pathlib.Path, required=True)
    parser.add_argument("--implicit-tls", action="store_true", help="TLS from the first byte")
    options = parser.parse_args()

    sessions = READERS[options.server](options.log)
    delivered = read_delivered(options.mail)
    dialogues = read_dialogues(options.transcript)
    if not sessions or len(sessions) != len(dialogues):
        raise SystemExit(f"{len(sessions)} sessions in the log, {len(dialogues)} in the transcript")
    for session, dialogue in zip(sessions, dialogues):
        # The first line of EHLO's reply names the server, it is no extension.
        dialogue["extensions"] = dialogue["extensions"][1:]
        session.update(dialogue)
        if options.implicit_tls:
            session["encryption"] = "implicit"
        if options.server == "dovecot":
            session["rejections"] = truth_dovecot.rejections(dialogue)
        # curl prints neither its QUIT nor the answer.
        if not session["tls"] and "quit" in session["commands_logged"] and session["replies"][-1] != 221:
            session["last_reply"] = None
        for mail in session["transactions"]:
            mail.update(delivered.get(mail["queue_id"], {}))
    print(json.dumps({"case": options.case, "protocol": "smtp",
                      "sources": [f"{options.server} log", "delivered mail", "client transcript"],
                      "sessions": sessions}, indent=2))


if __name__ == "__main__":
    main()

"""Reads Dovecot's log of LMTP deliveries into sessions as truth_smtp.py tells them.

The log names each mail that was saved, its mailbox and its transaction; refused recipients it does not name at this level, so
these come from what the client printed.
"""
import re

SAVED = re.compile(r"lmtp\((?P<user>\w+)\)<\d+><(?P<id>[^>]+)>: Info: msgid=<(?P<message_id>[^>]*)>: saved mail to INBOX")
CONNECTED = re.compile(r"lmtp\(\d+\): Info: Connect from (?P<ip>[0-9a-f.:]+)")


def read_sessions(log):
    sessions, mails = [], {}
    for line in log.read_text().splitlines():
        connected = CONNECTED.search(line)
        if connected:
            sessions.append({"client_ip": connected["ip"], "tls": None, "auth": [], "rejections": [], "transactions": [],
                             "commands_logged": {"quit": "1"}})
        saved = SAVED.search(line)
        if not saved:
            continue
        # "SESSION:T2:R3" is the third recipient of the second transaction.
        queue_id = saved["id"].partition(":R")[0]
        if queue_id not in mails:
            mails[queue_id] = {"queue_id": queue_id, "from": None, "recipients": [], "outcome": "delivered",
                               "message_id": saved["message_id"]}
            sessions[-1]["transactions"].append(mails[queue_id])
        mails[queue_id]["recipients"].append(f"{saved['user']}@example.test")
    return sessions


def rejections(dialogue):
    found = []
    for text in dialogue["refused"]:
        recipient = re.match(r"(\d{3}) \S+ <([^>]+)> (.*)", text)
        if recipient:
            found.append({"stage": "RCPT", "code": int(recipient[1]), "from": None, "to": recipient[2], "reply": recipient[3]})
    return found

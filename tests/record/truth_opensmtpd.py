"""Reads OpenSMTPD's log into sessions as truth_smtp.py tells them; each line of a session begins with the session's number."""
import re

LINE = re.compile(r"^(?P<session>[0-9a-f]{16}) smtp (?P<event>\S+) ?(?P<rest>.*)$")


def read_sessions(log):
    sessions, by_number, mails = [], {}, {}
    for line in log.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if not match:
            continue
        number, event, rest = match["session"], match["event"], match["rest"]
        if event == "connected":
            by_number[number] = {"client_ip": re.search(r"address=(\S+)", rest)[1], "tls": None, "auth": [], "rejections": [],
                                 "transactions": [], "commands_logged": {}}
            sessions.append(by_number[number])
        elif event == "failed-command":
            refused(by_number[number], rest)
        elif event == "message":
            mail = {"queue_id": re.search(r"msgid=(\w+)", rest)[1], "from": None, "recipients": [], "outcome": "delivered",
                    "message_id": None}
            mails[mail["queue_id"]] = mail
            by_number[number]["transactions"].append(mail)
        elif event == "envelope":
            mail = mails[re.search(r"evpid=(\w{8})", rest)[1]]
            mail["from"] = re.search(r" from=<([^>]*)>", rest)[1]
            mail["recipients"].append(re.search(r" to=<([^>]*)>", rest)[1])
        elif event == "disconnected" and rest == "reason=quit":
            by_number[number]["commands_logged"]["quit"] = "1"
    return sessions


def refused(session, rest):
    match = re.match(r'command="RCPT TO:<([^>]*)>.*?" result="(\d{3}) (.*)"$', rest)
    if match:
        session["rejections"].append({"stage": "RCPT", "code": int(match[2]), "from": None, "to": match[1], "reply": match[3]})

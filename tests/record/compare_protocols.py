"""What each protocol's views must say of a recorded case; used by compare.py.

A derived case carries the sessions of the recorded one; `operation` tells what was done to the
packets, and so what can still be known.
"""
import compare_http2
import compare_inner
import compare_rdp

import subprocess


def compare(check, database, truth):
    operation = truth.get("operation", {}).get("name", "whole")
    side = truth.get("operation", {}).get("side")
    PROTOCOLS[truth["protocol"]](check, database, truth, operation, side)


def sessions(check, database, truth, view):
    """The view's rows beside the truth's sessions, in order; None if the numbers differ."""
    rows = database.rows(f"SELECT * FROM {view} ORDER BY start_us, flow_id")
    if len(rows) != len(truth["sessions"]):
        check.fail(f"{len(rows)} rows in {view}, not {len(truth['sessions'])}")
        return []
    return list(zip(truth["sessions"], rows))


def single_row(check, database, view):
    rows = database.rows(f"SELECT * FROM {view} ORDER BY start_us, flow_id")
    if len(rows) != 1:
        check.fail(f"{len(rows)} rows in {view}, not 1")
        return None
    return rows[0]


# ------------------------------------------------------------------ SMTP

def smtp(check, database, truth, operation, side):
    if operation == "midstream":
        smtp_midstream(check, database, truth)
        return
    if operation == "one_side":
        smtp_one_side(check, database, truth["sessions"][0], side)
        return
    for session, row in sessions(check, database, truth, "smtp_sessions"):
        greeting_lost = operation == "gap" and side == "server"
        smtp_session(check, session, row, greeting_lost)
        mails = database.rows(f"SELECT * FROM smtp_mails WHERE flow_id = {row['flow_id']} ORDER BY number")
        if session["tls"] and row["encrypted"] != 1:
            smtp_under_tls(check, database, session, row, mails)
            continue
        check.equal("mails", len(mails), row["mails"])
        smtp_mails(check, database, session, mails, truth if operation == "gap" else None)
        smtp_rejections(check, database, session, row)


def smtp_session(check, session, row, greeting_lost):
    check.equal("banner", session["banner"], row["banner"])
    check.equal("helo", session["helo"], row["helo"])
    check.equal("encryption", session.get("encryption") or ("starttls" if session["tls"] else "none"), row["encryption"])
    if session.get("last_reply") and row["encrypted"] != 1:  # the log's is the last one in the clear
        check.equal("last_reply", session["last_reply"], row["last_reply"])
    if not greeting_lost:
        for extension in session["extensions"]:
            if extension == "STARTTLS" and row["encrypted"] == 1:
                continue  # not offered a second time, inside
            if extension not in (row["server_extensions"] or ""):
                check.fail(f"server_extensions lack {extension}: {row['server_extensions']!r}")
    tried = session["auth"][-1] if session["auth"] else {}
    if not session["tls"]:
        check.equal("auth_mechanism", tried.get("mechanism"), row["auth_mechanism"])
        check.equal("auth_result", tried.get("result"), row["auth_result"])
    if tried.get("user"):
        check.equal("auth_user", tried["user"], row["auth_user"])


def smtp_under_tls(check, database, session, row, mails):
    check.equal("mails in the clear", 0, len(mails))
    tls = database.rows(f"SELECT * FROM tls_sessions WHERE flow_id = {row['flow_id']}")
    check.equal("TLS sessions", 1, len(tls))
    if tls:
        check.equal("TLS version", session["tls"].split()[0].removeprefix("TLSv"),
                    (tls[0]["version"] or "").removeprefix("TLSv").removeprefix("TLS ").strip())


def smtp_mails(check, database, session, mails, gap):
    """Every mail that Postfix queued is there in order, with its size; and none besides."""
    queued = [mail for mail in session["transactions"] if mail["outcome"] == "delivered"]
    seen = [mail for mail in mails if mail["outcome"] == "delivered"]
    check.equal("mails delivered", len(queued), len(seen))
    for mail, row in zip(queued, seen):
        smtp_mail(check, database, mail, row, gap)
    refused = [mail for mail in session["transactions"] if mail["outcome"] == "rejected"]
    codes = [row["reply_code"] for row in mails if row["outcome"] == "rejected"]
    for mail in refused:
        if not any(code and code >= 500 for code in codes):
            check.fail(f"the mail that was refused with {mail['rejection']!r} is not told")


def smtp_mail(check, database, mail, row, gap):
    check.equal("mail_from", mail["from"] or "<>", row["mail_from"])
    check.equal("reply_code", 250, row["reply_code"])
    if gap and gap["operation"]["side"] == "client":
        # The lost segment holds the mail's headers and the beginning of its body.
        check.equal("mail's missing", gap["operation"]["lost_bytes"], row["missing"])
        check.right_or_unknown("subject beside a gap", mail["subject"], row["subject"])
    else:
        check.equal("mail's subject", mail["subject"], row["subject"])
        check.equal("mail's message_id", mail["message_id"] and f"<{mail['message_id']}>", row["message_id"])
        check.equal("mail's missing", 0, row["missing"] or 0)
    check.equal(f"size of mail {row['number']}", mail["size"], row["size"])
    check.equal("mail's recipients", ", ".join(mail["recipients"]), row["recipients"])
    accepted = database.rows("SELECT address FROM smtp_recipients WHERE accepted = 1 "
                             f"AND mail_id = {row['mail_id']}")
    check.equal("recipients", sorted(mail["recipients"]), sorted(entry["address"] for entry in accepted))
    if "parts" in mail and not gap:
        smtp_parts(check, database, mail, row)


def smtp_parts(check, database, mail, row):
    """Every leaf that Python's email package finds in the delivered mail: name, declared type, size and SHA-256. An attached
    message, which the package only takes apart, is one file more."""
    files = database.rows(f"SELECT * FROM files WHERE mail_id = {row['mail_id']} ORDER BY file_id")
    messages = [entry for entry in files if entry["declared_type"] == "message/rfc822"]
    files = [entry for entry in files if entry not in messages]
    told = [(entry["name"], entry["declared_type"], entry["size"], entry["sha256"], entry["complete"], entry["from_side"])
            for entry in files]
    said = [(part["name"], part["type"], part["size"], part["sha256"], 1, "client") for part in mail["parts"]]
    check.equal(f"number of parts of mail {row['number']}", len(said), len(told))
    for part in said:
        if part not in told:
            check.fail(f"part {part} of mail {row['number']} is not among {[entry for entry in told if entry not in said]}")
    check.equal("attachments", sum(part["attached"] for part in mail["parts"]) + len(messages), row["attachments"] or 0)


def smtp_rejections(check, database, session, row):
    told = [(entry["address"], entry["reply_code"]) for entry in database.rows(
        "SELECT r.address, r.reply_code FROM smtp_recipients r JOIN smtp_mails m ON m.mail_id = r.mail_id "
        f"WHERE r.accepted = 0 AND m.flow_id = {row['flow_id']}")]
    for rejection in session["rejections"]:
        if rejection["stage"] == "RCPT" and rejection["to"] and (rejection["to"], rejection["code"]) not in told:
            check.fail(f"recipient {rejection['to']} refused with {rejection['code']} is not among {told}")


def smtp_midstream(check, database, truth):
    last = truth["sessions"][0]["transactions"][-1]
    rows = database.rows(f"SELECT * FROM smtp_mails WHERE mail_from = '{last['from']}' AND outcome = 'delivered'")
    check.equal("rows of the last mail", 1, len(rows))
    for row in rows:
        check.equal("size of the last mail", last["size"], row["size"])
    session = single_row(check, database, "smtp_sessions")
    if session:
        check.equal("banner that was not captured", None, session["banner"])


def smtp_one_side(check, database, session, side):
    row = single_row(check, database, "smtp_sessions")
    if row is None:
        return
    mails = database.rows("SELECT * FROM smtp_mails ORDER BY number")
    if side == "server":
        check.equal("banner", session["banner"], row["banner"])
        check.equal("helo that was not captured", None, row["helo"])
        check.equal("senders that were not captured", [], [m["mail_from"] for m in mails if m["mail_from"]])
        return
    mail = session["transactions"][0]
    check.equal("helo", session["helo"], row["helo"])
    check.equal("banner that was not captured", None, row["banner"])
    check.equal("mails", 1, len(mails))
    if mails:
        check.equal("mail_from", mail["from"], mails[0]["mail_from"])
        check.equal("size", mail["size"], mails[0]["size"])
        check.equal("outcome without replies", "unknown", mails[0]["outcome"])
        check.equal("reply_code that was not captured", None, mails[0]["reply_code"])


# ------------------------------------------------------------------ SSH

SSH_CLIENT = ("client_version", "hassh")
SSH_SERVER = ("server_version", "hassh_server")
SSH_BOTH = ("kex", "client_cipher", "server_cipher", "client_mac", "server_mac",
            "client_compression", "server_compression")


def ssh(check, database, truth, operation, side):
    if truth.get("batch"):
        return  # guesses about encrypted sessions: ssh_confusion.py examines them all together
    if operation == "midstream":
        # Encrypted bytes alone: a row may say that it was SSH, and nothing more.
        for row in database.rows("SELECT * FROM ssh_sessions"):
            for column in SSH_CLIENT + SSH_SERVER + SSH_BOTH:
                check.equal(f"{column} that was not captured", None, row[column])
        return
    for session, row in sessions(check, database, truth, "ssh_sessions"):
        known = {name: session[name] for name in SSH_CLIENT + SSH_SERVER + SSH_BOTH}
        for direction in ("client_mac", "server_mac"):
            known[direction] = known[direction] or "<implicit>"
        known["strict_kex"] = int(session["strict_kex"])
        known["host_key_type"] = session["host_key_algorithm"]
        known["host_key_fingerprint"] = session["host_key"]["fingerprint"]
        if operation == "one_side":
            ssh_one_side(check, known, row, side)
            continue
        known["protocol_version"] = "2.0"
        for column, value in known.items():
            check.equal(column, value, row[column])
        login = session["authentication"]
        check.right_or_unknown("auth_result", login["result"], row["auth_result"])
        check.right_or_unknown("auth_method", login["method"], row["auth_method"])


def ssh_one_side(check, known, row, side):
    seen, unseen = (SSH_CLIENT, SSH_SERVER) if side == "client" else (SSH_SERVER, SSH_CLIENT)
    for column in seen:
        check.equal(column, known[column], row[column])
    for column in unseen + SSH_BOTH:
        check.equal(f"{column} that was not captured", None, row[column])
    if side == "server":
        check.equal("host_key_fingerprint", known["host_key_fingerprint"], row["host_key_fingerprint"])


# ------------------------------------------------------------------ HTTP

def http(check, database, truth, operation, side):
    """The server's log has every request; what it does not tell is None there and not compared."""
    flows = [row["flow_id"] for row in database.rows("SELECT flow_id FROM flows WHERE transport = 'tcp' ORDER BY start_us, flow_id")]
    check.equal("number of connections", len(truth["sessions"]), len(flows))
    for flow_id, session in zip(flows, truth["sessions"]):
        rows = database.rows(f"SELECT * FROM http_requests WHERE flow_id = {flow_id} ORDER BY number")
        check.equal(f"requests of flow {flow_id}", len(session["requests"]), len(rows))
        for request, row in zip(session["requests"], rows):
            for column, value in request.items():
                if value is not None or column not in ("request_size", "host"):
                    check.equal(f"{column} of request {row['number']} of flow {flow_id}", value, row[column])
            check.equal(f"completeness of request {row['number']} of flow {flow_id}", 1, row["complete"])


# ------------------------------------------------------------------ WebSocket

def websocket(check, database, truth, operation, side):
    if operation == "midstream":
        return  # without its handshake a WebSocket has no name; flows were compared
    if operation == "one_side":
        websocket_one_side(check, database, truth["sessions"][0], side)
        return
    for session, row in sessions(check, database, truth, "websocket_sessions"):
        for column in ("host", "uri", "status_code", "subprotocol", "extensions", "close_code",
                       "close_reason"):
            check.equal(column, session[column], row[column])
        # Behind a lost frame header nobody can tell which close frame came first.
        check.one_of("closed_by", [session["closed_by"]] + ([None] if operation == "gap" else []), row["closed_by"])
        accept = session["accept_valid"]
        check.equal("accept_valid", None if accept is None else int(accept), row["accept_valid"])
        for column, header in (("origin", "origin"), ("user_agent", "user-agent")):
            check.equal(column, session["request_headers"].get(header), row[column])
        lost = truth["operation"] if operation == "gap" else None
        for speaker in ("client", "server"):
            websocket_messages(check, database, row["flow_id"], speaker, session,
                               lost if lost and lost["side"] == speaker else None)


def data_then_control(messages):
    """The peers log a message at its end, we number it by its begin: a control frame between fragments changes the place."""
    return sorted(messages, key=lambda message: message["opcode"] in ("close", "ping", "pong"))


def messages_of(database, flow_id, speaker):
    return data_then_control(database.rows(f"SELECT * FROM websocket_messages WHERE flow_id = {flow_id} "
                                           f"AND from_side = '{speaker}' ORDER BY number"))


def websocket_messages(check, database, flow_id, speaker, session, lost):
    expected = data_then_control(session["messages"][speaker])
    rows = messages_of(database, flow_id, speaker)
    if lost:
        websocket_gap(check, expected, rows, lost)
        return
    check.equal(f"number of the {speaker}'s messages", len(expected), len(rows))
    for number, (message, row) in enumerate(zip(expected, rows), 1):
        name = f"{speaker}'s message {number}"
        check.equal(f"opcode of the {name}", message["opcode"], row["opcode"])
        check.equal(f"fragments of the {name}", message["fragments"], row["fragments"])
        check.equal(f"size of the {name}", message["size"], row["size"])
        if "sha256" in message:
            check.right_or_unknown(f"SHA-256 of the {name}", message["sha256"], row["sha256"])


def websocket_gap(check, expected, rows, lost):
    """A frame that lost payload is told with what is missing, and the frames after it stand.

    A lost frame header ends what can be known, unless a later header is found: then the messages
    told are a run at the beginning and a run at the end.
    """
    told = [(row["opcode"], row["size"]) for row in rows if not row["missing"]]
    said = [(message["opcode"], message["size"]) for message in expected]
    broken = max(range(len(said)), key=lambda index: said[index][1])
    if lost["header_lost"]:
        check.one_of("messages beside a lost header", [said[:broken], said[:broken] + said[broken + 1:]], told)
        return
    check.equal("whole messages beside lost payload", said[:broken] + said[broken + 1:], told)
    check.equal("missing bytes of the broken message", [lost["lost_bytes"]],
                [row["missing"] for row in rows if row["missing"]])


def websocket_one_side(check, database, session, side):
    """What is told of the side that was captured is right; of the other nothing is told."""
    rows = database.rows("SELECT * FROM websocket_sessions")
    other = "server" if side == "client" else "client"
    if len(rows) > 1:
        check.fail(f"{len(rows)} rows in websocket_sessions, not 1")
    for row in rows:
        check.equal("messages that were not captured", [], messages_of(database, row["flow_id"], other))
        seen = messages_of(database, row["flow_id"], side)
        if seen:
            check.equal(f"the {side}'s messages",
                        [(message["opcode"], message["size"]) for message in data_then_control(session["messages"][side])],
                        [(message["opcode"], message["size"]) for message in seen])
        # Who closed first cannot be told from one side; only the truth or nothing is right.
        check.right_or_unknown("closed_by", session["closed_by"], row["closed_by"])
        known = {"host": session["host"], "uri": session["uri"]}
        for column, value in known.items():
            check.equal(column, value if side == "client" else None, row[column])
        check.equal("status_code", None if side == "client" else session["status_code"], row["status_code"])


# ------------------------------------------------------------------ RDP

def rdp(check, database, truth, operation, side):
    if operation == "midstream":
        return  # what is left begins inside the connection sequence; flows were compared
    pairs = sessions(check, database, truth, "rdp_sessions")
    for session, row in pairs:
        if row["encrypted"] == 1:  # the keys of TLS opened it: all is to be read, but what standard RDP security has of its own
            if truth.get("login_only"):
                compare_rdp.login_alone(check, session, row, compare_rdp.seen_sides(truth, operation, side))
                continue
            session.update(clear=True, readable=["client", "server"], encryption_method=0, encryption_level=0, certificate_type="X.509")
            if session["selected_protocol"] != 1:  # NLA's names are those that the recording gave the client: /u:alice /d:EXAMPLE
                session.update(user=session["cookie"], domain="EXAMPLE")
        if truth.get("login_only"):
            compare_rdp.login_alone(check, session, row, compare_rdp.seen_sides(truth, operation, side))
            continue
        compare_rdp.connection(check, database, session, row, compare_rdp.seen_sides(truth, operation, side))
    if operation == "whole" and pairs and not truth.get("login_only"):
        compare_rdp.content(check, database, truth, pairs)


# ------------------------------------------------------------------ FTP

def ftp(check, database, truth, operation, side):
    if operation == "midstream":
        ftp_midstream(check, database, truth["sessions"][0])
        return
    if operation == "one_side":
        ftp_one_side(check, database, truth["sessions"][0], side)
        return
    if "sessions" not in truth:
        ftp_files(check, database, truth["files"])
        return
    is_implicit = all(session.get("server_port") == 990 for session in truth["sessions"])
    if is_implicit and not database.rows("SELECT * FROM tls_sessions WHERE decrypted = 1"):
        ftp_implicit(check, database, truth)
        return
    for session, row in by_what_moved(database, sessions(check, database, truth, "ftp_sessions")):
        check.equal("encryption", "implicit" if is_implicit else "explicit" if session["tls_after"] else "none", row["encryption"])
        if row["encrypted"] == 1:  # opened with keys: nothing is hidden
            session["tls_after"] = None
        in_clear = session["commands"][:session["tls_after"]]
        if session.get("clear_again"):
            in_clear = in_clear + session["commands"][session["clear_again"]:]
        if session["tls_after"] is None:
            check.equal("user", session["user"], row["user"])
            check.equal("auth_result", session["auth_result"], row["auth_result"])
        if session["user"] != "anonymous":
            check.equal("password without --passwords", None, row["password"])
        check.equal("commands", len(in_clear), row["commands"])
        ftp_commands(check, database, row["flow_id"], in_clear)
        if session["tls_after"] is None or session.get("clear_again"):
            ftp_transfers(check, database, row["flow_id"], session,
                          truth["operation"]["lost_bytes"] if operation == "gap" else 0)
            if "failed" in session:
                ftp_failures(check, database, row["flow_id"], session)


def by_what_moved(database, pairs):
    """Of connections that are opened side by side, a log may name another one first: then the files that they moved tell."""
    left = [row for _, row in pairs]
    found = []
    for session, _ in pairs:
        wanted = [entry["argument"] for entry in session["commands"] if entry["command"] in ("RETR", "STOR", "APPE")]
        same = [row for row in left if wanted == [told["argument"] for told in database.rows(
            f"SELECT argument FROM ftp_commands WHERE flow_id = {row['flow_id']} AND command IN ('RETR', 'STOR', 'APPE') ORDER BY number")]]
        row = (same or left)[0]
        left.remove(row)
        found.append((session, row))
    return found


def ftp_files(check, database, expected):
    """A hand-made case says just what its data connections carried."""
    told = [(row["name"], row["size"], row["sha256"]) for row in database.rows("SELECT * FROM files")]
    for file in expected:
        if (file["name"], file["size"], file["sha256"]) not in told:
            check.fail(f"file {file} is not among {told}")


def ftp_implicit(check, database, truth):
    """Without keys TLS is all that can be seen of FTP inside it: of the control connection, and of the data connections."""
    rows = database.rows("SELECT * FROM tls_sessions WHERE server_port = 990")
    check.equal("TLS sessions on port 990", len(truth["sessions"]), len(rows))
    for row in rows:
        check.right_or_unknown("TLS that was established", 1, row["established"])
    check.equal("commands in the clear", [], database.rows("SELECT * FROM ftp_commands"))


def ftp_commands(check, database, flow_id, expected):
    rows = database.rows(f"SELECT * FROM ftp_commands WHERE flow_id = {flow_id} ORDER BY number")
    check.equal("commands and replies",
                [(entry["command"], entry["reply_code"]) for entry in expected],
                [(row["command"].upper(), row["reply_code"]) for row in rows])
    for entry, row in zip(expected, rows):
        if entry["command"] in ("USER", "CWD", "RETR", "STOR", "APPE", "PORT", "EPRT", "RNFR", "SIZE"):
            check.equal(f"argument of {entry['command']}", entry["argument"], as_logged(row["argument"], entry["argument"]))


def as_logged(text, logged):
    """vsftpd writes a question mark for each byte of UTF-8 into its logs."""
    if text and logged and "?" in logged:
        return "".join(character if character.isascii() else "?" * len(character.encode()) for character in text)
    return text


def ftp_transfers(check, database, flow_id, session, lost):
    rows = database.rows("SELECT t.*, f.client_bytes + f.server_bytes AS flow_bytes FROM ftp_transfers t "
                         "LEFT JOIN flows f ON f.flow_id = t.data_flow_id "
                         f"WHERE t.flow_id = {flow_id} AND t.reply_code < 400 ORDER BY t.number")
    check.equal("transfers", [entry["command"] for entry in session["transfers"]],
                [row["command"].upper() for row in rows])
    for entry, row in zip(session["transfers"], rows):
        name = f"{entry['command']} {entry['argument'] or ''}".strip()
        for column in ("direction", "mode", "data_ip", "data_port", "reply_code"):
            if entry[column] is not None:
                check.equal(f"{column} of {name}", entry[column], row[column])
        if entry.get("between_servers"):
            check.equal(f"data_flow_id of {name}, which was not captured", None, row["data_flow_id"])
            continue
        if row["data_flow_id"] is None:
            check.fail(f"{name} has no data_flow_id")
            continue
        if entry["size"] is not None and entry.get("transmission", "S") == "S":
            sizes = [entry["size"]] if not lost else [entry["size"], entry["size"] - lost]
            check.one_of(f"size of {name}", sizes, row["size"])
            if not row["protected"]:  # else its bytes are those of TLS
                check.one_of(f"bytes of the data flow of {name}", sizes, row["flow_bytes"])
        if entry["path"] and entry["direction"] != "list":
            # A client that asked for no PWD does not show where it is.
            known = any(command["command"] in ("PWD", "XPWD") for command in session["commands"])
            check.one_of(f"path of {name}", [entry["path"]] if known else [entry["path"], entry["argument"]],
                         as_logged(row["path"], entry["path"]))
        if "type" in entry and not lost:
            ftp_content(check, database, entry, row, name)


def ftp_content(check, database, entry, row, name):
    """Where the transfer began, that it is complete, and the SHA-256 of the file on the server's disk."""
    check.equal(f"offset of {name}", entry["offset"], row["offset"] or None)
    check.equal(f"complete of {name}", 1, row["complete"])
    if entry["direction"] == "list":
        return
    check.equal(f"type of {name}", {"A": "ascii", "I": "binary"}[entry["type"]], row["type"])
    files = database.rows(f"SELECT * FROM files WHERE file_id = {row['file_id'] or -1}")
    check.equal(f"files of {name}", 1, len(files))
    for file in files:
        # What was resumed or appended is a part of a file; its hash would be that of no file.
        part = bool(entry["offset"]) or entry["command"] == "APPE"
        check.one_of(f"complete of the file of {name}", (0, None) if part else (1,), file["complete"])
        check.equal(f"from_side of {name}", "client" if entry["direction"] == "upload" else "server", file["from_side"])
        if entry["path"]:
            check.equal(f"name of {name}", entry["path"].rsplit("/", 1)[1], as_logged(file["name"], entry["path"]))
        if entry["sha256"]:
            check.one_of(f"sha256 of {name}", (None, entry["sha256"]) if part else (entry["sha256"],), file["sha256"])
            check.equal(f"size of the file of {name}", entry["file_size"], file["size"])


def ftp_failures(check, database, flow_id, session):
    """A transfer that the server refused or broke off is told so, and not as complete."""
    rows = database.rows(f"SELECT * FROM ftp_transfers WHERE flow_id = {flow_id} AND reply_code >= 400 ORDER BY number")
    check.equal("transfers that failed", [(entry["command"], entry["reply_code"]) for entry in session["failed"]],
                [(row["command"].upper(), row["reply_code"]) for row in rows])
    for row in rows:
        check.equal(f"complete of {row['command']} {row['path']}", 0, row["complete"])
        check.one_of(f"outcome of {row['command']} {row['path']}", ("refused", "aborted"), row["outcome"])



def ftp_midstream(check, database, session):
    """The commands told are the last ones of the session, in order, with their replies."""
    rows = database.rows("SELECT * FROM ftp_commands ORDER BY flow_id, number")
    told = [(row["command"].upper(), row["reply_code"]) for row in rows if row["reply_code"] is not None]
    said = [(entry["command"], entry["reply_code"]) for entry in session["commands"]]
    if not told:
        check.fail("no command of the rest of the session is told")
    elif told != said[len(said) - len(told):]:
        check.fail(f"commands {told} are not the end of the session")


def ftp_one_side(check, database, session, side):
    row = single_row(check, database, "ftp_sessions")
    if row is None:
        return
    rows = database.rows(f"SELECT * FROM ftp_commands WHERE flow_id = {row['flow_id']} ORDER BY number")
    if side == "server":
        check.equal("commands that were not captured", [], [entry["command"] for entry in rows if entry["command"]])
        check.equal("user that was not captured", None, row["user"])
        return
    check.equal("commands", [entry["command"] for entry in session["commands"]],
                [entry["command"].upper() for entry in rows])
    check.equal("replies that were not captured", [], [entry["reply_code"] for entry in rows if entry["reply_code"]])
    check.equal("user", session["user"], row["user"])
    check.equal("auth_result without replies", None, row["auth_result"])


# ------------------------------------------------------------------ TLS

def tls(check, database, truth, operation, side):
    rows = database.rows("SELECT * FROM tls_sessions ORDER BY start_us, flow_id")
    curls = len(truth["curl_answers"])
    check.equal("sessions with keys", truth["session_count"], sum(1 for row in rows if row["established"] == 1))
    keyless = truth["case"] in ("tls/wrong-key", "tls/no-keys", "tls/expired", "tls/dtls")
    for session, row in zip(truth["sessions"], rows[curls:]):  # curl comes first
        if session["openssl_cipher"] in (None, "(NONE)"):
            check.equal("established", 0, row["established"])
            continue
        # The server's private key opens what was encrypted for it.
        opened = not keyless and (truth["case"] != "tls/rsa-key" or not session["openssl_cipher"].startswith("ECDHE"))
        wrong = truth["case"] in ("tls/wrong-key", "tls/rsa-key")
        check.equal("version", {"TLSv1": "TLSv1.0", "DTLSv1": "DTLSv1.0"}.get(session["version"], session["version"]), row["version"])
        check.equal("cipher", tls_suite_names().get(session["openssl_cipher"]), row["cipher"])
        check.equal("resumed", int(session["resumed"]), row["resumed"])
        check.equal("early data", session["early_data"], row["early_data"] is not None)
        check.equal("established", 1, row["established"])
        check.equal("decrypted", 1 if opened else 0 if wrong else None, row["decrypted"])
        if truth["case"] != "tls/early-data" or session["early_data"]:  # the other one's request may come too late for its server
            check.equal("inner protocol", "http" if opened else None, row["inner_protocol"])
        if row["certificate_subject"] is not None and session["subject"] is not None:
            check.equal("certificate", session["subject"].replace(" ", ""), row["certificate_subject"])


def tls_suite_names():
    """The registry's name of each suite by OpenSSL's."""
    listed = subprocess.run(["openssl", "ciphers", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], capture_output=True, text=True, check=True)
    words = [line.split() for line in listed.stdout.splitlines()]
    return {line[2]: line[0] for line in words if len(line) > 2}


PROTOCOLS = {"smtp": smtp, "ssh": ssh, "http": http, "websocket": websocket, "websocket_inner": compare_inner.websocket_inner,
             "http2": compare_http2.compare, "rdp": rdp, "ftp": ftp, "tls": tls}

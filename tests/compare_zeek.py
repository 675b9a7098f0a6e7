#!/usr/bin/env python3
"""A third opinion: compares what wirescribe read with the logs that Zeek wrote of the same captures.

compare_zeek.py --wirescribe PROGRAM LOGS [--captures FOLDER] [--details] [--explanations FILE] [--jobs N] [--tests]

LOGS holds a folder for each run of Zeek: its logs (smtp.log, ftp.log, files.log, conn.log, ssh.log, rdp.log, websocket.log, ssl.log,
or columns cut out of one: files.log.cut) and a file TRACE that names the capture, relative to the folder of captures: else
the one that holds LOGS. Compared is each field that both have; times are not, for the logs do not have them. wirescribe
records SHA-256 alone: Zeek's MD5 and SHA-1 are compared with those of the contents that wirescribe stored (--store-files).

For each field a line of the table tells how many values agreed, differed, or were known to one program only. Each difference
is printed with its reason, if the explanations file (comparison.py describes it) knows one, else as UNEXPLAINED (without
--details, only those). With --tests each run of Zeek is a test, and the last line counts them in place of the table.
Exit status: 0, 1 there are unexplained differences, 2 cannot be run.
"""
import argparse
import collections
import concurrent.futures
import difflib
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from comparison import Tally, canonical, explain, give_up, print_table, read_explanations

READ_SECONDS = 120
LOG_NAME = re.compile(r"(smtp|ftp|files|conn|ssh|rdp|websocket|ssl)(\.log)?(\.cut)?$")
UNSET = ("-", "(empty)", "")
NOT_FILLED = re.compile(r"^--   (\S+) .*\(not filled yet\)$")
WHOLE_MAIL = "message/rfc822"
NO_USER = "<unknown>"
HIDDEN = "<hidden>"
GREETING = "<init>"
FIELDS = {
    "smtp": "rows helo mailfrom rcptto date from to cc reply_to msg_id in_reply_to subject x_originating_ip last_reply path "
            "user_agent tls fuids",
    "ftp": "rows user password arg mime_type file_size reply_code reply_msg data_channel.passive data_channel.resp_h "
           "data_channel.resp_p",
    "files": "rows mime_type filename seen_bytes total_bytes missing_bytes md5 sha1 sha256",
    "conn": "rows proto service orig_bytes resp_bytes conn_state missed_bytes history orig_pkts resp_pkts",
    "ssh": "rows client server cipher_alg mac_alg compression_alg kex_alg host_key_alg auth_success auth_attempts",
    "rdp": "rows cookie result security_protocol client_channels keyboard_layout client_build client_name client_dig_product_id "
           "desktop_width desktop_height requested_color_depth cert_type cert_count cert_permanent encryption_level "
           "encryption_method",
    "websocket": "rows host uri user_agent subprotocol server_extensions",
    "ssl": "rows version cipher server_name resumed last_alert next_protocol established cert_chain_fps client_cert_chain_fps subject issuer "
           "sni_matches_cert",
}
FILLED_FROM = {  # columns that may still be empty everywhere
    "conn history": ("zeek_conn", "history"),
    "ssh auth_success": ("ssh_sessions", "auth_result"),
    "ssh auth_attempts": ("ssh_sessions", "auth_attempts"),
}
DISSECTED = ("smtp", "ftp", "ftp-data", "ssh", "rdp", "ssl", "http", "websocket")  # services, by Zeek's names
CHECKS = [f"{log} {field}" for log, fields in FIELDS.items() for field in fields.split()]


# ---- Zeek's logs -----------------------------------------------------------------------------------------------------


def unescape(text):
    """\\xNN of the log, and doubled backslashes."""
    return re.sub(r"\\(x[0-9a-fA-F]{2}|\\)", lambda match: "\\" if match[1] == "\\" else chr(int(match[1][1:], 16)), text)


def read_log(path):
    """The rows of a log: dictionaries of the columns that are set."""
    names = None
    rows = []
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            line = line.rstrip("\n")
            if line.startswith("#fields\t"):
                names = line.split("\t")[1:]
            elif line.startswith("#") or not line:
                continue
            elif names is None:  # cut out: the names stand in the first line
                names = line.split("\t")
            else:
                row = dict(zip(names, line.split("\t")))
                rows.append({name: value for name, value in row.items() if value != "-"})
                rows[-1]["columns"] = names
    return rows


def elements(text):
    """The elements of a set or vector."""
    return [] if text is None or text in UNSET else [unescape(part) for part in text.split(",")]


def whole(text):
    """A text column. An empty one is unknown, as everywhere in wirescribe."""
    return None if text is None or text in UNSET else unescape(text)


def ends_of(row):
    names = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
    if any(name not in row for name in names):
        return None
    return canonical(row[names[0]]), int(row[names[1]]), canonical(row[names[2]]), int(row[names[3]])


# ---- wirescribe's database -------------------------------------------------------------------------------------------


def columns_without_value(program):
    """(view, column) of those that `wirescribe schema` says are not filled yet."""
    view = None
    found = set()
    for line in subprocess.run([program, "schema"], capture_output=True, text=True, check=False).stdout.splitlines():
        if line.startswith("CREATE VIEW"):
            view = line.split()[2]
        elif NOT_FILLED.match(line):
            found.add((view, NOT_FILLED.match(line)[1]))
    return found


class Database:
    """The public views of what wirescribe read in one capture."""

    def __init__(self, program, capture, scratch):
        path = os.path.join(scratch, "compare.db")
        self.stored = None
        command = [program, "read", "-q", "--passwords", capture, "-o", path]
        if "--store-files" in subprocess.run([program, "read", "--help"], capture_output=True, text=True, check=False).stdout:
            self.stored = os.path.join(scratch, "files")
            os.mkdir(self.stored)
            command += ["--store-files", self.stored]
        subprocess.run(command, capture_output=True, timeout=READ_SECONDS, check=False, stdin=subprocess.DEVNULL)
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.connection.row_factory = sqlite3.Row

    def rows(self, query, *parameters):
        return [dict(row) for row in self.connection.execute(query, parameters)]

    def of_ends(self, view, ends):
        """Rows of a session view between two ends, whoever is the client."""
        columns = ("client_ip", "client_port", "server_ip", "server_port")
        found = []
        for row in self.rows(f"SELECT * FROM {view}"):
            ours = tuple(row[column] for column in columns)
            if ends is None or ours in (ends, ends[2:] + ends[:2]):
                found.append(row)
        return found

    def digest(self, file, name):
        """A digest that wirescribe does not record, of the contents it stored; None: it stored none."""
        if name == "sha256":
            return file["sha256"]
        stored = file["stored_path"]
        if stored is None or self.stored is None or not file["complete"]:
            return None
        path = stored if os.path.isabs(stored) else os.path.join(self.stored, stored)
        if not os.path.exists(path):
            return None
        with open(path, "rb") as contents:
            return hashlib.new(name, contents.read()).hexdigest()


# ---- the comparison --------------------------------------------------------------------------------------------------


class Result:
    """The comparison of one run of Zeek."""

    def __init__(self, folder, without_value):
        self.folder = folder
        self.without_value = without_value  # (view, column) that are not filled yet
        self.tallies = {check: Tally() for check in CHECKS}
        self.differences = []  # (check, text, reason or None)
        self.complaint = None

    def compare(self, log, field, where, zeek, wirescribe, reason=None):
        """Values are texts, or None where unknown. `reason`: why they may differ."""
        tally = self.tallies[f"{log} {field}"]
        if zeek is None and wirescribe is None:
            return
        if zeek == wirescribe:
            tally.agreed += 1
            return
        if zeek is None:
            tally.only_wirescribe += 1
        elif wirescribe is None:
            tally.only_other += 1
        else:
            tally.differed += 1
        if wirescribe is None and FILLED_FROM.get(f"{log} {field}") in self.without_value:
            reason = "the column is not filled yet"
        self.differences.append((f"{log} {field}", f"{where}: zeek {short(zeek)}, wirescribe {short(wirescribe)}", reason))

    def row(self, log, where, zeek, wirescribe, reason=None):
        """A row that both have, or one of them."""
        self.compare(log, "rows", where, zeek, wirescribe, reason)


def short(value):
    return "nothing" if value is None else repr(value if len(value) < 160 else value[:160] + "...")


def text_of(value):
    return None if value is None else str(value)


def align(theirs, ours):
    """Pairs two lists of (key, row) in their order: equal keys first, then what stands between them. None: no partner."""
    pairs = []
    matcher = difflib.SequenceMatcher(None, [key for key, _ in theirs], [key for key, _ in ours], autojunk=False)
    for _, i, j, k, l in matcher.get_opcodes():
        for step in range(max(j - i, l - k)):
            pairs.append((theirs[i + step][1] if i + step < j else None, ours[k + step][1] if k + step < l else None))
    return pairs


def by_ends(rows):
    groups = collections.OrderedDict()
    for row in rows:
        groups.setdefault(ends_of(row), []).append(row)
    return groups.items()


def place(ends):
    return "the capture" if ends is None else f"{ends[0]}:{ends[1]} -> {ends[2]}:{ends[3]}"


# SMTP


def in_set(values):
    return ", ".join(sorted(values)) if values else None


def addresses(field):
    """A header field with addresses, as Zeek takes it apart: at the commas."""
    return None if field is None else in_set(re.split(r"\s*,\s*", field.strip()))


def last_line(code, reply):
    """Zeek keeps the last line of a reply."""
    if code is None:
        return None
    return f"{code} {(reply or '').splitlines()[-1].strip() if (reply or '').strip() else ''}".strip()


def compare_smtp(result, database, rows):
    for ends, group in by_ends(rows):
        sessions = database.of_ends("smtp_sessions", ends)
        mails = database.of_ends("smtp_mails", ends)
        recipients = collections.defaultdict(list)
        for row in database.rows("SELECT * FROM smtp_recipients"):
            recipients[row["mail_id"]].append(row["address"])
        ours = [((mail["mail_from"], in_set(recipients[mail["mail_id"]])), mail) for mail in mails]
        theirs = [((whole(row.get("mailfrom")), in_set(elements(row.get("rcptto")))), row) for row in group]
        for row, mail in align([item for item in theirs if item[0] != (None, None)], ours):
            result.row("smtp", place(ends), row and "a mail", mail and "a mail")
            if row is not None and mail is not None:
                compare_mail(result, database, place(ends), row, mail, recipients[mail["mail_id"]])
        for row in group:
            if sessions:
                compare_smtp_session(result, place(ends), row, sessions[0])


def compare_smtp_session(result, where, row, session):
    result.compare("smtp", "helo", where, whole(row.get("helo")), session["helo"])
    tls = None if session["encryption"] is None else "F" if session["encryption"] == "none" else "T"
    result.compare("smtp", "tls", where, row.get("tls"), tls)
    if "mailfrom" not in row and "rcptto" not in row:
        result.compare("smtp", "last_reply", where, whole(row.get("last_reply")), session["last_reply"])


def compare_mail(result, database, where, row, mail, recipients):
    def check(field, ours, theirs=None):
        result.compare("smtp", field, where, whole(row.get(field)) if theirs is None else theirs, ours)

    def check_set(field, ours):
        result.compare("smtp", field, where, in_set(elements(row.get(field))), ours)

    check("mailfrom", mail["mail_from"])
    check_set("rcptto", in_set(recipients))
    check("date", mail["header_date"])
    check("from", mail["header_from"])
    check_set("to", addresses(mail["header_to"]))
    check_set("cc", addresses(mail["header_cc"]))
    check("reply_to", mail["header_reply_to"])
    check("msg_id", mail["message_id"])
    check("in_reply_to", mail["in_reply_to"])
    check("subject", mail["subject"])
    check("x_originating_ip", mail["originating_ip"])
    check("user_agent", mail["user_agent"])
    check("last_reply", last_line(mail["reply_code"], mail["reply"]))
    if "path" in row:
        hops = elements(row["path"])
        ours = [mail["server_ip"], mail["client_ip"]]
        result.compare("smtp", "path", where, ", ".join(hops[:2]), ", ".join(ours))
    if "fuids" in row or "fuids" in row["columns"]:
        parts = database.rows("SELECT file_id FROM files WHERE mail_id = ?", mail["mail_id"])
        theirs = len(elements(row.get("fuids")))
        result.compare("smtp", "fuids", where, str(theirs) if theirs else None, str(len(parts)) if parts else None)


# FTP


def compare_ftp(result, database, rows):
    for ends, group in by_ends(rows):
        sessions = database.of_ends("ftp_sessions", ends)
        if not sessions:
            for row in group:
                result.row("ftp", place(ends), row["command"], None)
            continue
        session = sessions[0]
        commands = database.rows("SELECT * FROM ftp_commands WHERE flow_id = ? ORDER BY number", session["flow_id"])
        transfers = database.rows("SELECT * FROM ftp_transfers WHERE flow_id = ? ORDER BY number", session["flow_id"])
        logged = {row["command"] for row in group}
        ours = [(command["command"], command) for command in commands if command["command"] in logged]
        theirs = [(row["command"], row) for row in group if row["command"] != GREETING]
        for row in group:
            if row["command"] == GREETING:
                greeting = text_of(session["banner"])
                result.compare("ftp", "reply_msg", place(ends), whole(row.get("reply_msg")),
                               greeting and (greeting.splitlines() or [""])[-1].strip())
        for row, command in align(theirs, ours):
            if row is not None:  # which commands Zeek logs is a matter of its configuration
                result.row("ftp", place(ends), row["command"], command and command["command"])
            if row is not None and command is not None:
                compare_ftp_command(result, database, place(ends), row, session, command, transfers)


def compare_ftp_command(result, database, where, row, session, command, transfers):
    where = f"{where} {command['number']} {command['command']}"
    reply = (command["reply"] or "").splitlines()
    own = [transfer for transfer in transfers if transfer["time_us"] == command["time_us"]]
    result.compare("ftp", "user", where, None if row.get("user") == NO_USER else whole(row.get("user")), session["user"])
    if row.get("password", HIDDEN) != HIDDEN:  # a row from before PASS has none
        result.compare("ftp", "password", where, whole(row.get("password")), session["password"])
    result.compare("ftp", "reply_code", where, row.get("reply_code"), text_of(command["reply_code"]))
    result.compare("ftp", "reply_msg", where, whole(row.get("reply_msg")), reply[-1].strip() if reply else None)
    argument = whole(row.get("arg"))
    if argument is not None and argument.startswith("ftp://"):
        paths = [transfer["path"] for transfer in own] + [command.get("path"), command["argument"]]
        result.compare("ftp", "arg", where, re.sub(r"^ftp://(\[[^]]*\]|[^/]*)", "", argument),
                       next((path for path in paths if path is not None), None))
    else:
        result.compare("ftp", "arg", where, argument, command["argument"])
    if own and own[0]["file_id"] is not None:
        file = database.rows("SELECT * FROM files WHERE file_id = ?", own[0]["file_id"])[0]
        if "mime_type" in row:
            result.compare("ftp", "mime_type", where, row["mime_type"], file["mime_type"])
        if "file_size" in row:
            result.compare("ftp", "file_size", where, row["file_size"], text_of(file["size"]))
    compare_data_channel(result, where, row, command, transfers)


def compare_data_channel(result, where, row, command, transfers):
    """wirescribe tells of a data connection with the transfer that uses it."""
    if "data_channel.resp_p" not in row:
        return
    users = [transfer for transfer in transfers if transfer["data_port"] == int(row["data_channel.resp_p"]) and
             transfer["time_us"] >= command["time_us"]]
    if not users:
        return
    result.compare("ftp", "data_channel.passive", where, row["data_channel.passive"], "T" if users[0]["mode"] == "passive" else "F")
    result.compare("ftp", "data_channel.resp_h", where, canonical(row["data_channel.resp_h"]), users[0]["data_ip"])
    result.compare("ftp", "data_channel.resp_p", where, row["data_channel.resp_p"], text_of(users[0]["data_port"]))


# Files


def files_of(database, ends):
    """The files of the flow with these ends: a data connection's file stands with its control connection."""
    files = database.rows("SELECT * FROM files WHERE source IN ('smtp', 'ftp') ORDER BY file_id")
    if ends is None:
        return files
    flows = {flow["flow_id"] for flow in database.of_ends("flows", ends)}
    of_data = {transfer["file_id"] for transfer in database.rows("SELECT file_id, data_flow_id FROM ftp_transfers")
               if transfer["data_flow_id"] in flows and transfer["file_id"] is not None}
    return [file for file in files if file["file_id"] in of_data or file["flow_id"] in flows]


def listings_of(database, ends):
    """Directory listings are files of Zeek's: wirescribe has them as transfers."""
    flows = {flow["flow_id"] for flow in database.of_ends("flows", ends)} if ends is not None else set()
    return [dict(mime_type=None, name=None, size=row["size"], missing=None, sha256=None, stored_path=None, complete=0, is_listing=True)
            for row in database.rows("SELECT * FROM ftp_transfers WHERE direction = 'list'") if row["data_flow_id"] in flows]


def compare_files(result, database, rows):
    if not database.rows("SELECT flow_id FROM smtp_sessions UNION SELECT flow_id FROM ftp_sessions"):
        return  # of another protocol, where the column source was cut out
    mails = [row for row in rows if row.get("mime_type") == WHOLE_MAIL and "parent_fuid" not in row]
    for row, mail in zip(mails, database.rows("SELECT * FROM smtp_mails ORDER BY mail_id")):
        result.compare("files", "seen_bytes", f"the mail {row.get('fuid')}", row.get("seen_bytes"), text_of(seen_bytes(mail)))
    rows = [row for row in rows if row not in mails]
    for ends, group in by_ends([row for row in rows if row.get("source", "SMTP") in ("SMTP", "FTP_DATA")]):
        ours = files_of(database, ends) or listings_of(database, ends)
        chosen = pair_files(database, group, ours)
        for row, file in chosen:
            where = f"{place(ends)} {row and row.get('fuid')}"
            result.row("files", where, row and "a file", file and "a file")
            if row is not None and file is not None:
                compare_file(result, database, where, row, file)


def pair_files(database, group, ours):
    """
    By digest and name where they are the same, the rest in the order of appearance. An attached message is a file of
    wirescribe's; Zeek tells only what is in it.
    """
    pairs = []
    left = [file for file in ours if file.get("declared_type") != "message/rfc822"]
    rest = []
    for row in group:
        same = [file for file in left if is_same(database, row, file)]
        if same:
            left.remove(same[0])
            pairs.append((row, same[0]))
        else:
            rest.append(row)
    for row in rest:
        pairs.append((row, left.pop(0) if left else None))
    return pairs + [(None, file) for file in left]


def is_same(database, row, file):
    digests = [name for name in ("sha256", "sha1", "md5") if name in row]
    if digests:
        return any(database.digest(file, name) == row[name] for name in digests)
    if "filename" in row:
        return row["filename"] == file["name"]
    if "seen_bytes" in row:
        return row["seen_bytes"] == text_of(file["size"])
    return False


def seen_bytes(file):
    return None if file["size"] is None else file["size"] - (file["missing"] or 0)


def compare_file(result, database, where, row, file):
    def check(field, ours, reason=None):
        if field in row["columns"]:
            result.compare("files", field, where, whole(row.get(field)), text_of(ours), reason)

    if not file.get("is_listing"):
        check("mime_type", file["mime_type"])
        check("filename", file["name"], "Zeek names no file that FTP moves" if row.get("source") == "FTP_DATA" else None)
        check("missing_bytes", file["missing"])
    check("seen_bytes", seen_bytes(file))
    if "total_bytes" in row:
        check("total_bytes", file["size"])
    for name in ("md5", "sha1", "sha256"):
        if name in row and database.digest(file, name) is not None:
            check(name, database.digest(file, name))


# Connections and the other protocols


def compare_connections(result, database, rows):
    parents = {uid for row in rows for uid in elements(row.get("tunnel_parents"))}
    for ends, group in by_ends([row for row in rows if "id.orig_h" in row]):
        ours = [row for row in database.rows("SELECT * FROM zeek_conn ORDER BY ts") if is_between(row, ends)]
        for number, row in enumerate(group):
            mine = ours[number] if number < len(ours) else None
            result.row("conn", place(ends), "a connection", mine and "a connection",
                       "the outside of a tunnel: wirescribe's flows are those inside" if row.get("uid") in parents else None)
            if mine is not None:
                compare_connection(result, ends, row, mine)


def compare_connection(result, ends, row, mine):
    is_turned = (mine["id.orig_h"], mine["id.orig_p"]) != ends[:2] and mine["id.orig_p"] != mine["id.resp_p"]
    for field in FIELDS["conn"].split()[1:]:
        if field not in row["columns"]:
            continue
        value = text_of(mine[turn(field) if is_turned else field])
        reason = None
        if field.endswith("_bytes") and "duration" in row["columns"] and "duration" not in row:
            reason = "Zeek gives no bytes of a single packet"
        if field == "service":
            result.compare("conn", field, place(ends), in_set(elements(row.get(field))), value, why_not_service(row.get(field), value))
        else:
            result.compare("conn", field, place(ends), row.get(field), value, reason)


def why_not_service(theirs, ours):
    names = elements(theirs)
    if ours in names:
        return "one service: what was read innermost"
    if ours is None and not set(names) & set(DISSECTED):
        return "no dissector of wirescribe's reads it; see flows.ndpi_protocol"
    return None


def turn(field):
    return {"orig": "resp", "resp": "orig"}.get(field[:4], field[:4]) + field[4:]


def is_between(row, ends):
    ours = row["id.orig_h"], row["id.orig_p"] or 0, row["id.resp_h"], row["id.resp_p"] or 0
    return ours in (ends, ends[2:] + ends[:2])


def compare_sessions(log, view, columns):
    """A comparison of one row a session, by (Zeek's field, function of our row)."""
    def compare(result, database, rows):
        for ends, group in by_ends([row for row in rows if "id.orig_h" in row]):
            ours = database.of_ends(view, ends)
            for number, row in enumerate(group):
                mine = ours[number] if number < len(ours) else None
                result.row(log, place(ends), "a session", mine and "a session")
                for field, value in columns.items():
                    if mine is not None and field in row["columns"]:
                        result.compare(log, field, place(ends), whole(row.get(field)), text_of(value(mine)))
                if mine is not None and log == "ssl":
                    compare_certificates(result, database, place(ends), row, mine)
    return compare


def column(name):
    return lambda row: row[name]


def software(name):
    def identification(row):
        return row[name] if row[name] is None or row[name].startswith("SSH-") else f"SSH-{row['protocol_version'] or '2.0'}-{row[name]}"
    return identification


def rdp_result(row):
    """Zeek says 'encrypted' when TLS begins, and 'Success' when the server answers the MCS connect."""
    if row["negotiation_failure"]:
        return row["negotiation_failure"]
    if row["selected_protocol"] not in (None, "RDP"):
        return "encrypted"
    return "Success" if row["connect_result"] == "rt-successful" else None


def rdp_layout(row):
    """Zeek shows a layout that it has no name of by its number, as its language's."""
    return row["keyboard_layout"] and re.sub(r" \(0x([0-9a-f]{8})\)$", lambda match: f" (Best Guess for {int(match[1], 16)})", row["keyboard_layout"])


def rdp_build(row):
    return (re.findall(r"\((RDP [0-9.]+)\)", row["client_build_name"] or "") + [None])[0]


def rdp_depth(row):
    return row["color_depth"] and f"{row['color_depth']}bit"


def of_rdp_security(function):
    """Zeek's certificates are those of standard RDP security, not those of TLS."""
    return lambda row: function(row) if row["selected_protocol"] in (None, "RDP") else None


def rdp_certificate(row):
    return {"proprietary": "RSA", "X.509": "X.509"}.get(row["certificate_type"])


def rdp_permanent(row):
    return {1: "T", 0: "F"}.get(row["certificate_permanent"])


def success(row):
    return {"success": "T", "failure": "F"}.get(row["auth_result"])


def compare_certificates(result, database, where, row, session):
    for field, side in (("cert_chain_fps", "server"), ("client_cert_chain_fps", "client")):
        chain = database.rows("SELECT sha256 FROM certificates WHERE flow_id = ? AND from_side = ? ORDER BY time_us, number", session["flow_id"], side)
        result.compare("ssl", field, where, whole(row.get(field)), ",".join(certificate["sha256"] for certificate in chain) or None)
    if session["server_name"] is not None and session["certificate_sha256"] is not None:
        found = database.rows("SELECT 1 FROM findings WHERE flow_id = ? AND name = 'tls_certificate_name_mismatch'", session["flow_id"])
        result.compare("ssl", "sni_matches_cert", where, whole(row.get("sni_matches_cert")), "F" if found else "T")


def tls_version(row):
    """Zeek writes TLS 1.2 as 'TLSv12', and its drafts as we do."""
    return row["version"] and re.sub(r"^TLSv(\d)\.(\d)", r"TLSv\1\2", row["version"])


def flag(name):
    return lambda row: {1: "T", 0: "F"}.get(row[name])


COMPARISONS = {
    "smtp": compare_smtp,
    "ftp": compare_ftp,
    "files": compare_files,
    "conn": compare_connections,
    "ssh": compare_sessions("ssh", "ssh_sessions", {
        "client": software("client_version"), "server": software("server_version"), "cipher_alg": column("server_cipher"),
        "mac_alg": column("server_mac"), "compression_alg": column("server_compression"), "kex_alg": column("kex"),
        "host_key_alg": column("host_key_type"), "auth_success": success, "auth_attempts": column("auth_attempts")}),
    "rdp": compare_sessions("rdp", "rdp_sessions", {
        "cookie": column("cookie"), "result": rdp_result, "security_protocol": column("selected_protocol"),
        "keyboard_layout": rdp_layout, "client_build": rdp_build, "requested_color_depth": rdp_depth,
        "cert_type": of_rdp_security(rdp_certificate), "cert_count": lambda row: of_rdp_security(column("certificate_count"))(row) or 0,
        "cert_permanent": of_rdp_security(rdp_permanent), "encryption_method": column("encryption_method"),
        "encryption_level": lambda row: row["encryption_level"] and row["encryption_level"].capitalize(),
        "client_name": column("client_name"), "client_dig_product_id": column("product_id"),
        "desktop_width": column("desktop_width"), "desktop_height": column("desktop_height"), "client_channels": column("channels")}),
    "websocket": compare_sessions("websocket", "websocket_sessions", {
        "host": column("host"), "uri": column("uri"), "user_agent": column("user_agent"), "subprotocol": column("subprotocol"),
        "server_extensions": lambda row: row["extensions"] and re.sub(r",\s*", ",", row["extensions"])}),
    "ssl": compare_sessions("ssl", "tls_sessions", {
        "version": tls_version, "cipher": column("cipher"), "server_name": column("server_name"), "resumed": flag("resumed"),
        "last_alert": column("alert"), "next_protocol": column("alpn"), "established": flag("established"),
        "subject": column("certificate_subject"), "issuer": column("certificate_issuer")}),
}


# ---- all runs --------------------------------------------------------------------------------------------------------


def compare_run(program, folder, captures, without_value):
    result = Result(folder, without_value)
    with open(os.path.join(folder, "TRACE"), encoding="utf-8") as file:
        capture = os.path.join(captures, file.read().strip())
    if not os.path.exists(capture):
        result.complaint = f"there is no capture {capture}"
        return result
    with tempfile.TemporaryDirectory(prefix="compare-") as scratch:
        database = Database(program, capture, scratch)
        for name in sorted(os.listdir(folder)):
            match = LOG_NAME.match(name)
            if match:
                COMPARISONS[match[1]](result, database, read_log(os.path.join(folder, name)))
        database.connection.close()
    return result


def main():
    default = os.path.splitext(os.path.abspath(__file__))[0] + ".explanations"
    parser = argparse.ArgumentParser(description="compares wirescribe's reading of captures with Zeek's logs")
    parser.add_argument("--wirescribe", required=True)
    parser.add_argument("--captures", help="the folder that the TRACE files are relative to (default: the one above LOGS)")
    parser.add_argument("--details", action="store_true", help="print the explained differences too")
    parser.add_argument("--explanations", default=default)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--tests", action="store_true", help="each run of Zeek is a test; end with their count")
    parser.add_argument("logs")
    arguments = parser.parse_args()
    program = shutil.which(arguments.wirescribe)
    if program is None:
        give_up(f"{arguments.wirescribe} cannot be run")
    explanations = read_explanations(arguments.explanations, CHECKS)
    captures = arguments.captures or os.path.dirname(os.path.abspath(arguments.logs))
    folders = [path for name in sorted(os.listdir(arguments.logs))
               if os.path.exists(os.path.join(path := os.path.join(arguments.logs, name), "TRACE"))]
    if not folders:
        give_up(f"no logs in {arguments.logs}")

    without_value = columns_without_value(program)
    totals = {check: Tally() for check in CHECKS}
    outcomes = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(lambda folder: compare_run(program, folder, captures, without_value), folders):
            outcomes[count_differences(result, explanations, arguments.details)] += 1
            for check in CHECKS:
                totals[check].add(result.tallies[check])
    if arguments.tests:
        print(f"{outcomes['passed']} passed, {outcomes['failed']} failed, {outcomes['skipped']} skipped")
    else:
        print(f"\n{len(folders)} runs of Zeek")
        print_table("zeek", totals)
    sys.exit(1 if outcomes["failed"] else 0)


def count_differences(result, explanations, with_explained):
    """Counts and prints the differences of one run. Answers how it went as a test."""
    if result.complaint:
        print(f"{result.folder}: {result.complaint}")
        return "skipped"
    has_failed = False
    for check, text, reason in result.differences:
        reason = reason or explain(explanations, result.folder, check)
        has_failed = has_failed or reason is None
        if reason is None:
            result.tallies[check].unexplained += 1
        else:
            result.tallies[check].explained += 1
        if reason is None or with_explained:
            print(f"{os.path.basename(result.folder)}: {check}: {text}: {reason or 'UNEXPLAINED'}", flush=True)
    return "failed" if has_failed else "passed"


if __name__ == "__main__":
    main()

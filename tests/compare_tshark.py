#!/usr/bin/env python3
"""A second opinion: compares what wirescribe read with what tshark reads in the same captures.

compare_tshark.py --wirescribe PROGRAM CAPTURE_OR_DIRECTORY... [--details] [--explanations FILE] [--jobs N] [--tests]

Both programs read every capture, with the keys that stand beside it (--keys and --rsa-key in a case's file `options`). Compared
are, for each TCP flow: that it exists, the bytes of each side's stream (each byte once, bytes that were not captured left out),
which of SMTP, SSH, WebSocket, RDP, FTP, TLS and HTTP it carries; and where both see the same protocol, what was said in it, of
TLS what it carried, too, where PROGRAM is tests/plaintext/wirescribe, which writes that. wirescribe's side is read from the
public views of its database. With --tests each capture is a test, and the last line counts them in place of the table.

For each check a line of the table tells how many items agreed, differed, or were seen by one program only. Each difference
is printed with its reason, if the explanations file knows one, else as UNEXPLAINED (without --details, only those). The
explanations file is described in comparison.py. Reasons that can be told from the packets are found here, for any
capture: bytes that no receiver takes (a wrong checksum, no ACK flag, behind a FIN), which tshark counts and wirescribe does
not; a protocol on a port where tshark does not look for it; a session of tshark's that rests on its port alone; an upgrade
to WebSocket without a frame.

tshark dissects FTP by the line only at the begin of a segment, the others it prints as text: these are taken apart here.
Exit status: 0, 1 there are unexplained differences, 2 cannot be run.
"""
import argparse
import concurrent.futures
import difflib
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import rdp_fields
import tls_fields
import web_fields
from comparison import Tally, canonical, explain, give_up, print_table, read_explanations, shorten

PROTOCOLS = ("smtp", "ssh", "websocket", "rdp", "ftp", "tls", "http")
PORTS = {"smtp": (25, 465, 587), "ssh": (22,), "websocket": (), "rdp": (3389,), "ftp": (21,), "tls": (), "http": ()}  # tshark's
LAYERS = "frame wlan_aggregate ip ipv6 tcp tls smtp ftp ssh http http2 websocket rdp"
NESTING_LAYERS = ("wlan_aggregate", "wlan_aggregate.a_mdsu.subframe")
PREFERENCES = ("tcp.desegment_tcp_streams:TRUE", "tcp.reassemble_out_of_order:TRUE", "tcp.check_checksum:TRUE",
               "ip.defragment:TRUE", "ipv6.defragment:TRUE", "http.desegment_body:FALSE")
MAGIC_NUMBERS = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")
GZIP_MAGIC = b"\x1f\x8b"
READ_SECONDS = 120
MOST_FOLLOWED = 100
CHECKS = ("streams", "bytes", "smtp sessions", "ssh sessions", "websocket sessions", "rdp sessions", "ftp sessions", "tls sessions", "http sessions",
          "ftp commands", "ftp replies", "smtp helo", "smtp mails", "smtp recipients", "smtp starttls", "smtp auth",
          "smtp last reply", "ssh versions", "ssh algorithms", "ssh kexinits", "websocket messages", "rdp cookie", "rdp client name",
          *rdp_fields.CHECKS, *tls_fields.CHECKS, *web_fields.CHECKS)
ALGORITHMS = (  # our column, tshark's field
    ("kex", "ssh.kex_algorithms"),
    ("host_key_type", "ssh.server_host_key_algorithms"),
    ("client_cipher", "ssh.encryption_algorithms_client_to_server"),
    ("server_cipher", "ssh.encryption_algorithms_server_to_client"),
    ("client_mac", "ssh.mac_algorithms_client_to_server"),
    ("server_mac", "ssh.mac_algorithms_server_to_client"),
    ("client_compression", "ssh.compression_algorithms_client_to_server"),
    ("server_compression", "ssh.compression_algorithms_server_to_client"),
)
KEXINIT = (  # of ssh_kexinits, tshark's field
    ("cookie", "ssh.cookie"),
    ("kex_algorithms", "ssh.kex_algorithms"),
    ("host_key_algorithms", "ssh.server_host_key_algorithms"),
    ("ciphers_to_server", "ssh.encryption_algorithms_client_to_server"),
    ("ciphers_to_client", "ssh.encryption_algorithms_server_to_client"),
    ("macs_to_server", "ssh.mac_algorithms_client_to_server"),
    ("macs_to_client", "ssh.mac_algorithms_server_to_client"),
    ("compressions_to_server", "ssh.compression_algorithms_client_to_server"),
    ("compressions_to_client", "ssh.compression_algorithms_server_to_client"),
    ("languages_to_server", "ssh.languages_client_to_server"),
    ("languages_to_client", "ssh.languages_server_to_client"),
    ("first_kex_packet_follows", "ssh.first_kex_packet_follows"),
)
FLAG_FIN, FLAG_SYN, FLAG_RST, FLAG_ACK = 0x01, 0x02, 0x04, 0x10
OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
PORTS_OF_OTHERS = (80, 445)
NO_TLS_IN_RDP = "tshark does not look for TLS behind RDP's negotiation"
FIRST_COMMANDS = ("USER", "PASS", "AUTH", "QUIT", "FEAT", "SYST", "HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "STARTTLS")
AEAD_CIPHER = re.compile(r"gcm|poly1305")


class Flow:
    """One TCP flow, as either program sees it. An end is (address, port)."""

    def __init__(self, ends):
        self.ends = tuple(ends)
        self.payload = {end: 0 for end in ends}
        self.other_counts = {end: [] for end in ends}  # (bytes, reason), where some segments can be left out for a reason
        self.protocols = set()
        self.by_port_alone = set()
        self.items = {}  # check -> list of texts
        self.has_wrong_checksums = False
        self.has_tls_handshake = False
        self.has_unshown_text = False
        self.has_http2 = False

    @property
    def key(self):
        return tuple(sorted(self.ends))

    def __str__(self):
        return " <-> ".join(f"{address}:{port}" for address, port in self.key)


class Side:
    """The bytes that one end of a tshark stream sent: intervals of sequence numbers, unwrapped."""

    REFUSALS = {
        "checksum": "with a wrong checksum",
        "ack": "without an ACK flag",
    }

    def __init__(self):
        self.last = None
        self.begin = None
        self.end = None  # of the first FIN
        self.intervals = []  # (begin, end, what makes a receiver refuse them)

    def unwrap(self, sequence):
        if self.last is None:
            self.last = sequence
            return sequence
        distance = (sequence - self.last + 0x80000000) % 0x100000000 - 0x80000000
        return self.last + distance

    def add(self, sequence, captured, flags, has_wrong_checksum):
        begin = self.unwrap(sequence)
        self.last = begin
        if flags & FLAG_SYN:
            begin += 1
            self.begin = begin
        if flags & FLAG_FIN and self.end is None and not has_wrong_checksum:
            self.end = begin + captured
        if captured > 0 and not flags & FLAG_RST:
            refusals = {"checksum"} if has_wrong_checksum else set()
            if not flags & (FLAG_ACK | FLAG_SYN):
                refusals.add("ack")
            self.intervals.append((begin, begin + captured, refusals))

    def unique_bytes(self, without=frozenset(), end_of_stream=None):
        total = 0
        reached = self.begin
        for begin, end, refusals in sorted(self.intervals, key=lambda interval: interval[:2]):
            if refusals & without:
                continue
            if reached is not None and begin < reached:
                begin = reached
            if end_of_stream is not None and end > end_of_stream:
                end = end_of_stream
            if end > begin:
                total += end - begin
                reached = end
        return total

    def other_counts(self):
        """(bytes, reason) where segments are left out that no receiver takes."""
        counts = []
        for refusal, text in self.REFUSALS.items():
            counts.append((self.unique_bytes({refusal}), f"segments {text} are not taken; tshark counts them"))
        counts.append((self.unique_bytes(set(self.REFUSALS)), "segments that no receiver takes; tshark counts them"))
        if self.end is not None:
            counts.append((self.unique_bytes(end_of_stream=self.end), "what is sent behind a FIN is no part of the stream"))
            counts.append((self.unique_bytes(set(self.REFUSALS), self.end),
                           "segments that no receiver takes, and what is sent behind a FIN; tshark counts them"))
        return counts


def plain(text):
    """The text without what the programs write in different ways: bytes that are not ASCII, escapes, outer blanks."""
    if text is None:
        return ""
    text = re.sub(r"\\x[0-9a-fA-F]{2}|\\[0-7]{3}|\\[abefnrtv0\\]|[^\x21-\x7e ]", "?", str(text))
    return re.sub(r"\?+", "?", text).rstrip("?").strip()


class Keys:
    """The keys that the case of a capture gives (its file `options`), for either program."""

    def __init__(self, capture):
        folder = os.path.dirname(os.path.abspath(capture))
        self.logs, self.private_keys = [], []
        if os.path.exists(os.path.join(folder, "options")):
            with open(os.path.join(folder, "options"), encoding="utf-8") as file:
                words = shlex.split(file.read(), comments=True)
            self.logs = [os.path.join(folder, value) for name, value in zip(words, words[1:]) if name == "--keys"]
            self.private_keys = [os.path.join(folder, value) for name, value in zip(words, words[1:]) if name == "--rsa-key"]

    def __bool__(self):
        return bool(self.logs or self.private_keys)

    def tshark_preferences(self):
        return tuple(f"tls.keylog_file:{path}" for path in self.logs[:1]) + tuple(f'uat:rsa_keys:"{path}",""' for path in self.private_keys)

    def wirescribe_options(self):
        return [word for path in self.logs for word in ("--keys", path)] + [word for path in self.private_keys for word in ("--rsa-key", path)]


# ---- tshark ----------------------------------------------------------------------------------------------------------


def protocol_layers(pairs):
    """The layers of a packet, with those that lie inside another (the subframes of an aggregated wireless frame)."""
    for name, value in pairs:
        yield name, value
        if name in NESTING_LAYERS and isinstance(value, list):
            yield from protocol_layers([item for item in value if isinstance(item, tuple)])


def leaves(pairs):
    """All (name, value) of a tree of tshark's JSON, in order."""
    for name, value in pairs:
        if isinstance(value, list):
            yield name, None
            yield from leaves([item for item in value if isinstance(item, tuple)])
        else:
            yield name, value


class TsharkStream:
    """Gathers what tshark tells of one tcp.stream."""

    def __init__(self, ends):
        self.flow = Flow(ends)
        self.sides = {end: Side() for end in ends}
        self.opener = None
        self.ftp = []       # ("command", text) and ("reply", code)
        self.ftp_multiline = {}
        self.smtp = []      # ("command", word, parameter) and ("reply", code)
        self.ssh_versions = {}
        self.ssh_lists = {}
        self.ssh_client = None
        self.frames = {end: [] for end in ends}
        self.cookie = None
        self.client_name = None
        self.rdp = {}       # by check
        self.tls = tls_fields.Session()
        self.http = web_fields.Http(leaves)
        self.websocket = web_fields.Frames()

    def on_segment(self, sender, fields, is_cut):
        flags = int(fields.get("tcp.flags", "0"), 16)
        if flags & FLAG_SYN and self.opener is None:
            other = [end for end in self.flow.ends if end != sender] or [sender]
            self.opener = other[0] if flags & FLAG_ACK else sender
        if "tcp.seq_raw" in fields and "tcp.len" in fields:
            captured = int(fields["tcp.len"])
            if is_cut:
                captured = min(captured, (len(fields.get("tcp.payload") or "") + 1) // 3)  # "aa:bb:cc"
            self.sides[sender].add(int(fields["tcp.seq_raw"]), captured, flags, fields.get("tcp.checksum.status") == "0")

    def on_layer(self, name, pairs, sender):
        self.flow.protocols.add("http" if name == "http2" else name)
        getattr(self, "on_" + name)(pairs, sender)

    def on_ftp(self, pairs, sender):
        is_request = dict(leaves(pairs)).get("ftp.request") == "1"
        lines = [(name, value) for name, value in pairs if not name.startswith(("ftp.", "_ws."))]
        for label, children in lines:
            fields = dict(leaves(children)) if isinstance(children, list) else {}
            text = re.sub(r"(\\r)?\\n$|\\r$", "", label)
            if is_request:
                command, _, argument = text.partition(" ")
                command = fields.get("ftp.request.command", command)
                argument = fields.get("ftp.request.arg", argument)
                self.ftp.append(("command", ftp_command(command, argument)))
            else:
                self.on_ftp_reply_line(text, sender)

    def on_ftp_reply_line(self, text, sender):
        match = re.match(r"(\d{3})([ -]|$)", text)
        inside = self.ftp_multiline.get(sender)
        if match is None or (inside is not None and (match[1] != inside or match[2] == "-")):
            return
        if match[2] == "-":
            self.ftp_multiline[sender] = match[1]
            return
        self.ftp_multiline[sender] = None
        self.ftp.append(("reply", match[1]))

    def on_smtp(self, pairs, _sender):
        for name, value in leaves(pairs):
            if name == "smtp.command_line":  # smtp.req.command is cut after four letters
                word, _, parameter = value.strip().partition(" ")
                self.smtp.append(["command", word.upper(), parameter])
            elif name == "smtp.response.code":
                self.smtp.append(["reply", value, ""])

    def on_ssh(self, pairs, sender):
        fields = dict(reversed(list(leaves(pairs))))
        if fields.get("ssh.direction") == "0":
            self.ssh_client = self.ssh_client or sender
        if "ssh.protocol" in fields:
            self.ssh_versions.setdefault(sender, fields["ssh.protocol"])
        if "ssh.kex_algorithms" in fields:
            self.ssh_lists.setdefault(sender, fields)

    def on_websocket(self, pairs, sender):
        fields = dict(leaves(pairs))
        if "websocket.opcode" not in fields or "websocket.payload_length" not in fields:
            return
        length = int(fields["websocket.payload_length"])
        length = int(fields.get("websocket.payload_length_ext_16", length))
        length = int(fields.get("websocket.payload_length_ext_64", length))
        is_final = fields.get("websocket.fin") in ("1", "True")
        self.websocket.gather(fields, sender)
        self.frames[sender].append((int(fields["websocket.opcode"]), is_final, length))

    def on_rdp(self, pairs, _sender):
        fields = dict(leaves(pairs))
        self.cookie = self.cookie or fields.get("rdp.rt_cookie")
        self.client_name = self.client_name or fields.get("rdp.client.name")
        rdp_fields.gather(self.rdp, pairs, leaves)

    def on_http(self, pairs, _sender):
        self.http.gather(pairs)

    def on_http2(self, pairs, _sender):
        self.http.gather_2(pairs)

    def on_tls(self, pairs, sender):
        self.tls.gather(pairs, sender)

    def finish(self, plaintext):
        """`plaintext`: what TLS carried, by the end that sent it; None: the other end."""
        flow = self.flow
        for end in flow.ends:
            flow.payload[end] = self.sides[end].unique_bytes()
            flow.other_counts[end] = self.sides[end].other_counts()
        self.leave_out_empty_sessions()
        flow.has_wrong_checksums = any("checksum" in refusals for side in self.sides.values() for _, _, refusals in side.intervals)
        flow.has_tls_handshake = self.tls.has_handshake
        flow.has_unshown_text = self.websocket.has_unshown
        flow.has_http2 = bool(self.http.streams)
        flow.items.update(self.tls.items() | self.http.items() | self.websocket.items())
        flow.items["tls plaintext"] = sorted(tls_fields.plaintext_item(self.named_end(end, plaintext), content)
                                             for end, content in plaintext.items() if content)
        flow.items["ftp commands"] = [text for kind, text in self.ftp if kind == "command"]
        flow.items["ftp replies"] = self.ftp_final_replies()
        flow.items.update(self.smtp_items())
        flow.items["ssh versions"] = [ssh_version(end, self.ssh_versions[end]) for end in sorted(self.ssh_versions)]
        flow.items["ssh algorithms"] = self.ssh_negotiated()
        flow.items["ssh kexinits"] = [f"{end} {name}={plain(kexinit_value(name, self.ssh_lists[end].get(field)))}"
                                      for end in sorted(self.ssh_lists) for name, field in KEXINIT]
        flow.items["websocket messages"] = self.websocket_messages()
        flow.items["rdp cookie"] = rdp_cookie(self.cookie)
        flow.items["rdp client name"] = [plain(self.client_name)] if self.client_name else []
        flow.items["rdp channels"] = [plain(name) for name in self.rdp.pop("rdp channels", [])]
        flow.items.update({check: [plain(self.rdp[check])] if check in self.rdp else [] for check in rdp_fields.COLUMNS})
        return flow

    def named_end(self, end, plaintext):
        return end or next((other for other in self.flow.ends if other not in plaintext), self.flow.ends[0])

    def leave_out_empty_sessions(self):
        """tshark goes by the port. What has neither a command nor a reply is no session."""
        for protocol, dialogue in (("ftp", self.ftp), ("smtp", self.smtp)):
            is_known = any(kind == "reply" or (text.split() or [""])[0] in FIRST_COMMANDS for kind, text, *_ in dialogue)
            if protocol in self.flow.protocols and not is_known:
                self.flow.protocols.remove(protocol)
                self.flow.by_port_alone.add(protocol)
        if not self.tls.has_record:
            self.flow.protocols.discard("tls")
        if not self.http.exchanges:
            self.flow.protocols.discard("http")

    def ftp_final_replies(self):
        """The replies that answer a command: neither the greeting nor the preliminary ones."""
        kinds = [kind for kind, _ in self.ftp]
        first = kinds.index("command") if "command" in kinds else 0
        codes = [code for kind, code in self.ftp[first:] if kind == "reply" and not code.startswith("1")]
        if first == 0 and codes[:1] == ["220"]:
            codes = codes[1:]
        return codes

    def smtp_items(self):
        commands = [(word, parameter) for kind, word, parameter in self.smtp if kind == "command"]
        replies = [word for kind, word, _ in self.smtp if kind == "reply"]
        starttls = any(line[:2] == ["command", "STARTTLS"] and following[:2] == ["reply", "220"]
                       for line, following in zip(self.smtp, self.smtp[1:]))
        return {
            "smtp helo": [plain(parameter) for word, parameter in commands if word in ("EHLO", "HELO", "LHLO")][-1:],
            "smtp mails": [mailbox(parameter) for word, parameter in commands if word == "MAIL"],
            "smtp recipients": sorted(mailbox(parameter) for word, parameter in commands if word == "RCPT"),
            "smtp starttls": ["starttls"] if starttls else [],
            "smtp auth": [parameter.split()[0].upper() for word, parameter in commands if word == "AUTH" and parameter][-1:],
            "smtp last reply": replies[-1:],
        }

    def ssh_negotiated(self):
        """RFC 4253 7.1: of each list, the first of the client's names that the server's list has too."""
        client = self.opener or self.ssh_client
        servers = [end for end in self.flow.ends if end != client]
        if client not in self.ssh_lists or not servers or servers[0] not in self.ssh_lists:
            return []
        result = []
        for column, field in ALGORITHMS:
            theirs = self.ssh_lists[servers[0]].get(field, "").split(",")
            common = [name for name in self.ssh_lists[client].get(field, "").split(",") if name and name in theirs]
            result.append(f"{column}={common[0] if common else ''}")
        return without_idle_macs(result)

    def websocket_messages(self):
        """Side by side, in the order of their beginnings: a control frame may stand inside a message."""
        messages = []
        for end in sorted(self.frames):
            begun = None
            for opcode, is_final, length in self.frames[end]:
                if opcode >= 8:
                    messages.append([end, OPCODES.get(opcode, opcode), length, 1, True])
                    continue
                if opcode != 0 or begun is None:
                    begun = [end, OPCODES.get(opcode, opcode), 0, 0, False]
                    messages.append(begun)
                begun[2] += length
                begun[3] += 1
                begun[4] = is_final
                if is_final:
                    begun = None
        return [websocket_message(*message[:4]) for message in messages if message[4]]


def ftp_command(command, argument):
    command = plain(command).upper()
    return command if command == "PASS" else f"{command} {plain(argument)}".strip()


def mailbox(parameter):
    match = re.match(r"(?i)\s*(?:(?:FROM|TO)\s*:)?\s*(?:<([^>]*)>|(\S*))", parameter or "")
    return plain(match[1] if match[1] is not None else match[2])


def kexinit_value(name, value):
    """As both write it: a cookie without colons, a flag as a digit, nothing where a list is empty."""
    if name == "cookie":
        return str(value or "").replace(":", "").lower()
    if name == "first_kex_packet_follows":
        return str(int(str(value).lower() in ("1", "true")))
    return "" if value is None else str(value)


def ssh_version(end, version):
    return f"{end[0]}:{end[1]} {re.sub(r'^SSH-[^-]*-', '', plain(version))}"


def without_idle_macs(algorithms):
    """With an AEAD cipher the negotiated MAC is not used, and need not be named."""
    chosen = dict(text.split("=", 1) for text in algorithms)
    for side in ("client", "server"):
        if AEAD_CIPHER.search(chosen[f"{side}_cipher"]):
            chosen[f"{side}_mac"] = "(of the cipher)"
    return [f"{name}={value}" for name, value in chosen.items()]


def websocket_message(end, opcode, length, fragments):
    return f"{end[0]}:{end[1]} {opcode} {length} in {fragments}"


def rdp_cookie(cookie):
    if not cookie:
        return []
    return [plain(re.sub(r"^(Cookie:\s*)?(mstshash=|msts=)?", "", cookie))]


def tshark_packets(path, scratch, keys, streams):
    """Runs tshark; returns its packets, what TLS carried in the first `streams`, and a complaint or None."""
    command = ["tshark", "-n", "-r", path, "-T", "json", "-J", LAYERS]
    for preference in PREFERENCES + keys.tshark_preferences():
        command += ["-o", preference]
    command += tls_fields.follow_options(streams)
    environment = dict(os.environ, LC_ALL="C.UTF-8", WIRESHARK_CONFIG_DIR=scratch, HOME=scratch)
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=READ_SECONDS, check=False,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return [], {}, f"tshark did not end within {READ_SECONDS} s"
    text, _, follows = done.stdout.decode("utf-8", "replace").partition("\n]\n")
    text = text.strip()
    for ending in ("]", "", "}]"):
        try:
            packets = json.loads(text + ending, strict=False, object_pairs_hook=as_tuples) if text else []
            break
        except json.JSONDecodeError:
            continue
    else:
        return [], {}, "tshark's JSON cannot be parsed"
    complaints = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if "Running as user" not in line]
    return packets, tls_fields.followed(follows), (complaints[0] if done.returncode != 0 and complaints else None)


def as_tuples(pairs):
    """JSON objects become lists of (name, value), for tshark repeats names."""
    return [tuple(pair) for pair in pairs]


def tshark_flows(path, scratch, keys, count):
    """The TCP flows that tshark sees, in the order of their first packets, and a complaint or None. `count`: of how many TLS is followed."""
    packets, plaintexts, complaint = tshark_packets(path, scratch, keys, min(count, MOST_FOLLOWED))
    streams = {}
    for packet in packets:
        layers = dict(dict(packet)["_source"])["layers"]
        frame = dict(dict(layers).get("frame", []))
        is_cut = frame.get("frame.len") != frame.get("frame.cap_len")
        addresses = None
        stream = sender = None
        for name, pairs in protocol_layers(layers):
            if name in ("icmp", "icmpv6"):
                break
            if not isinstance(pairs, list):
                continue
            if name in ("ip", "ipv6"):
                fields = dict(reversed(list(leaves(pairs))))
                if f"{name}.src" in fields and f"{name}.dst" in fields:
                    addresses = canonical(fields[f"{name}.src"]), canonical(fields[f"{name}.dst"])
            elif name == "tcp":
                fields = dict(reversed(list(leaves(pairs))))
                if addresses is None or "tcp.stream" not in fields:
                    continue
                sender = addresses[0], int(fields["tcp.srcport"])
                receiver = addresses[1], int(fields["tcp.dstport"])
                stream = streams.setdefault(fields["tcp.stream"], None) or TsharkStream((sender, receiver))
                streams[fields["tcp.stream"]] = stream
                if sender not in stream.sides:
                    stream = None
                    continue
                stream.on_segment(sender, fields, is_cut)
            elif name in PROTOCOLS + ("http2",) and stream is not None:
                stream.on_layer(name, pairs, sender)
    return [stream.finish(plaintexts.get(number, {})) for number, stream in streams.items() if stream is not None], complaint


# ---- wirescribe ------------------------------------------------------------------------------------------------------


def wirescribe_flows(program, path, scratch, keys):
    """The TCP flows of the database that wirescribe makes of the capture, and a complaint or None."""
    database, plaintext = os.path.join(scratch, "compare.db"), os.path.join(scratch, "plaintext")
    try:
        done = subprocess.run([program, "read", "-q", "--threads", "1", "--no-ndpi", *keys.wirescribe_options(), path, "-o", database], capture_output=True,
                              timeout=READ_SECONDS, check=False, stdin=subprocess.DEVNULL, env=dict(os.environ, PLAINTEXT_FILE=plaintext))
    except subprocess.TimeoutExpired:
        return [], f"wirescribe did not end within {READ_SECONDS} s"
    complaint = None
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        complaint = f"wirescribe ended with status {done.returncode}: {lines[0] if lines else ''}"
    if not os.path.exists(database):
        return [], complaint or "wirescribe left no database"
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        flows = {}
        for row in connection.execute("SELECT * FROM flows WHERE transport = 'tcp' ORDER BY start_us, flow_id"):
            client = canonical(row["client_ip"]), row["client_port"]
            server = canonical(row["server_ip"]), row["server_port"]
            flow = flows[row["flow_id"]] = Flow((client, server))
            flow.payload[client] += row["client_bytes"] or 0
            flow.payload[server] += row["server_bytes"] or 0
        for row in connection.execute("SELECT flow_id, protocol FROM sessions"):
            if row["flow_id"] in flows:
                flows[row["flow_id"]].protocols.add(row["protocol"])
        for row in connection.execute("SELECT DISTINCT flow_id FROM http_requests"):
            if row["flow_id"] in flows:
                flows[row["flow_id"]].protocols.add("http")
        for row in connection.execute("SELECT * FROM tls_sessions"):
            if row["flow_id"] in flows:
                add_tls_items(connection, row, flows[row["flow_id"]])
        for flow_id, flow in flows.items():
            if flow.protocols:
                add_wirescribe_items(connection, flow_id, flow)
    finally:
        connection.close()
    for (flow_id, side), content in tls_fields.opened(plaintext).items():
        if flow_id in flows:
            end = flows[flow_id].ends[0 if side == "client" else 1]
            flows[flow_id].items["tls plaintext"] = sorted(flows[flow_id].items.get("tls plaintext", []) + [tls_fields.plaintext_item(end, content)])
    return list(flows.values()), complaint


def add_tls_items(connection, session, flow):
    certificates = connection.execute("SELECT * FROM certificates WHERE flow_id = ?", (session["flow_id"],)).fetchall()
    flow.protocols.add("tls")
    flow.items.update(tls_fields.of_rows(session, certificates, *flow.ends))


def add_wirescribe_items(connection, flow_id, flow):
    client, server = flow.ends

    def rows(query):
        return connection.execute(query, (flow_id,)).fetchall()

    def column(query):
        return [row[0] for row in rows(query) if row[0] is not None]

    commands = rows("SELECT command, argument, reply_code FROM ftp_commands WHERE flow_id = ? ORDER BY number")
    flow.items["ftp commands"] = [ftp_command(row["command"], row["argument"]) for row in commands if row["command"]]
    flow.items["ftp replies"] = [str(row["reply_code"]) for row in commands if row["reply_code"] is not None]
    flow.items["smtp helo"] = [plain(text) for text in column("SELECT helo FROM smtp_sessions WHERE flow_id = ?")]
    flow.items["smtp mails"] = [plain(row[0]).strip("<>") for row in
                                rows("SELECT mail_from FROM smtp_mails WHERE flow_id = ? AND mail_from IS NOT NULL ORDER BY number")]
    flow.items["smtp recipients"] = sorted(plain(text).strip("<>") for text in column(
        "SELECT address FROM smtp_recipients WHERE mail_id IN (SELECT mail_id FROM smtp_mails WHERE flow_id = ?)"))
    flow.items["smtp starttls"] = column(
        "SELECT encryption FROM smtp_sessions WHERE encryption = 'starttls' AND flow_id = ?")
    flow.items["smtp auth"] = [text.upper() for text in
                               column("SELECT auth_mechanism FROM smtp_sessions WHERE flow_id = ?")]
    flow.items["smtp last reply"] = [str(text)[:3] for text in
                                     column("SELECT last_reply FROM smtp_sessions WHERE flow_id = ?")]
    flow.items["ssh versions"] = []
    flow.items["ssh algorithms"] = []
    for row in rows("SELECT * FROM ssh_sessions WHERE flow_id = ?"):
        versions = {client: row["client_version"], server: row["server_version"]}
        flow.items["ssh versions"] = [ssh_version(end, versions[end]) for end in sorted(versions) if versions[end]]
        # Of SSH 1, tshark does not read what is chosen.
        if row["kex"] is not None or (row["client_cipher"] is not None and row["ssh1_server_key_bits"] is None and row["host_key_kind"] != "rsa1"
                                      and not str(row["client_version"]).startswith("SSH-1.5")):
            flow.items["ssh algorithms"] = without_idle_macs([f"{name}={plain(row[name])}" for name, _ in ALGORITHMS])
    flow.items["ssh kexinits"] = [f"{end} {name}={plain(kexinit_value(name, row[name]))}" for end in sorted(flow.ends)
                                  for row in rows("SELECT * FROM ssh_kexinits WHERE flow_id = ?")
                                  if (client if row["from_side"] == "client" else server) == end for name, _ in KEXINIT]
    messages = rows("SELECT from_side, opcode, wire_size, fragments FROM websocket_messages WHERE flow_id = ? ORDER BY number")
    flow.items["websocket messages"] = [
        websocket_message(end, row["opcode"], row["wire_size"], row["fragments"])
        for end in sorted(flow.ends) for row in messages if (client if row["from_side"] == "client" else server) == end]
    flow.items.update(web_fields.websocket_items_of_rows(rows("SELECT * FROM websocket_sessions WHERE flow_id = ?"),
                                                         rows("SELECT * FROM websocket_messages WHERE flow_id = ?"), client, server))
    flow.items.update(web_fields.http_items_of_rows(rows("SELECT * FROM http_requests WHERE flow_id = ? ORDER BY number")))
    flow.items["rdp cookie"] = [text for cookie in column("SELECT cookie FROM rdp_sessions WHERE flow_id = ?")
                                for text in rdp_cookie(cookie)]
    flow.items["rdp client name"] = [plain(text) for text in
                                     column("SELECT client_name FROM rdp_sessions WHERE flow_id = ?")]
    for row in rows("SELECT * FROM rdp_sessions WHERE flow_id = ?"):
        flow.items.update({check: [plain(value)] if value is not None else [] for check, value in rdp_fields.of_row(row).items()})
    flow.items["rdp channels"] = [plain(text) for text in column("SELECT name FROM rdp_channels WHERE flow_id = ? AND kind = 'static'")]


# ---- the comparison --------------------------------------------------------------------------------------------------


class Result:
    """The comparison of one capture."""

    def __init__(self, path):
        self.path = path
        self.tallies = {check: Tally() for check in CHECKS}
        self.differences = []  # (check, text, reason or None)
        self.complaints = []

    def differ(self, check, flow, text, reason=None):
        self.differences.append((check, f"{flow}: {text}", reason))


def pair_flows(tshark, wirescribe, result):
    """Pairs flows of the same two ends, in the order of their appearance."""
    ours = {}
    for flow in wirescribe:
        ours.setdefault(flow.key, []).append(flow)
    pairs = []
    for flow in tshark:
        candidates = ours.get(flow.key)
        if candidates:
            pairs.append((flow, candidates.pop(0)))
            result.tallies["streams"].agreed += 1
        else:
            result.tallies["streams"].only_other += 1
            result.differ("streams", flow, "only tshark")
    for flow in wirescribe:
        if flow in ours[flow.key]:
            result.tallies["streams"].only_wirescribe += 1
            result.differ("streams", flow, "only wirescribe")
    return pairs


def compare_bytes(theirs, ours, result):
    tally = result.tallies["bytes"]
    for end in sorted(set(theirs.ends)):
        if theirs.payload[end] == ours.payload[end]:
            tally.agreed += 1
        else:
            tally.differed += 1
            reasons = [reason for count, reason in theirs.other_counts[end] if count == ours.payload[end]]
            result.differ("bytes", theirs, f"from {end[0]}:{end[1]} tshark {theirs.payload[end]}, wirescribe {ours.payload[end]}",
                          reasons[0] if reasons else None)


def compare_sessions(protocol, theirs, ours, result):
    """Returns true where both saw the protocol."""
    check = f"{protocol} sessions"
    tally = result.tallies[check]
    if protocol in theirs.protocols and protocol in ours.protocols:
        tally.agreed += 1
        return True
    if protocol in theirs.protocols:
        tally.only_other += 1
        result.differ(check, theirs, f"only tshark (wirescribe: {' '.join(sorted(ours.protocols)) or 'none'})",
                      "begun in the middle: records that no handshake goes before, too few to be told from anything else"
                      if protocol == "tls" and not theirs.has_tls_handshake else None)
    elif protocol in ours.protocols:
        tally.only_wirescribe += 1
        result.differ(check, theirs, f"only wirescribe (tshark: {' '.join(sorted(theirs.protocols)) or 'none'})",
                      why_not_tshark(protocol, theirs, ours))
    return False


def why_not_tshark(protocol, theirs, ours):
    if protocol == "tls" and "rdp" in ours.protocols:
        return NO_TLS_IN_RDP
    if "tls" in ours.protocols - theirs.protocols and any(port in PORTS_OF_OTHERS for _, port in theirs.ends):
        return "tshark goes by the port, and reads something else there"
    if protocol in theirs.by_port_alone:
        return "tshark goes by the port, and reads neither a command nor a reply"
    if PORTS[protocol] and not any(port in PORTS[protocol] for _, port in theirs.ends):
        return f"tshark looks for {protocol.upper()} on port {' and '.join(map(str, PORTS[protocol]))} only"
    if protocol == "websocket" and theirs.has_http2:
        return "tshark does not read the WebSockets that streams of HTTP/2 carry"
    if protocol == "websocket" and not ours.items.get("websocket messages"):
        return "an upgrade without a frame behind it: tshark sees HTTP alone"
    return None


def why_items_differ(check, theirs, ours):
    if check.startswith("rdp ") and "tls" in ours.protocols and "tls" not in theirs.protocols:
        return NO_TLS_IN_RDP
    if check.startswith("http ") and "websocket" in ours.protocols and len(ours.items[check]) > len(theirs.items.get(check, [])):
        return "wirescribe reads the HTTP that a WebSocket carries, too"
    if check in ("websocket texts", "websocket digests") and theirs.has_unshown_text:
        return "a compressed message that tshark shows no text of"
    if check.startswith(("tls ", "http ", "websocket ")) and theirs.has_wrong_checksums:
        return "tshark puts no segments together whose checksums are wrong; wirescribe does where it may be the capturing host's own"
    return None


def compare_items(check, theirs, ours, result):
    one, other = theirs.items.get(check, []), ours.items.get(check, [])
    tally = result.tallies[check]
    shown = []
    for kind, i, j, k, l in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            tally.agreed += j - i
            continue
        both = min(j - i, l - k)
        tally.differed += both
        tally.only_other += j - i - both
        tally.only_wirescribe += l - k - both
        shown.append(f"tshark {shorten(one[i:j])}, wirescribe {shorten(other[k:l])}")
    if shown:
        result.differ(check, theirs, "; ".join(shown[:3]) + (f"; and {len(shown) - 3} more" if len(shown) > 3 else ""),
                      why_items_differ(check, theirs, ours))


def compare_capture(program, path):
    result = Result(path)
    with tempfile.TemporaryDirectory(prefix="compare-") as scratch:
        keys = Keys(path)
        wirescribe, our_complaint = wirescribe_flows(program, path, scratch, keys)
        is_opened = keys or any(flow.items.get("tls plaintext") for flow in wirescribe)
        tshark, complaint = tshark_flows(path, scratch, keys, len(wirescribe) if is_opened else 0)
    result.complaints = [text for text in (complaint, our_complaint) if text]
    for theirs, ours in pair_flows(tshark, wirescribe, result):
        compare_bytes(theirs, ours, result)
        sizes = ours.items.get("http sizes", [])
        ours.items["http sizes"] = web_fields.with_known_sizes(sizes, theirs.items["http sizes"])
        theirs.items["http sizes"] = web_fields.with_known_sizes(theirs.items["http sizes"], sizes)
        for protocol in PROTOCOLS:
            if compare_sessions(protocol, theirs, ours, result):
                for check in CHECKS:
                    if check.startswith(protocol + " ") and not check.endswith(" sessions"):
                        compare_items(check, theirs, ours, result)
    return result


# ---- captures, explanations, output ----------------------------------------------------------------------------------


def is_capture(path):
    try:
        with open(path, "rb") as file:
            begin = file.read(4)
    except OSError:
        return False
    return begin in MAGIC_NUMBERS or (begin[:2] == GZIP_MAGIC and ".pcap" in os.path.basename(path))


def find_captures(arguments):
    captures = []
    for argument in arguments:
        if not os.path.isdir(argument):
            captures.append(argument)
            continue
        for directory, _, names in sorted(os.walk(argument)):
            captures += [path for name in sorted(names) if is_capture(path := os.path.join(directory, name))]
    return captures


def main():
    default = os.path.splitext(os.path.abspath(__file__))[0] + ".explanations"
    parser = argparse.ArgumentParser(description="compares wirescribe's reading of captures with tshark's")
    parser.add_argument("--wirescribe", required=True)
    parser.add_argument("--details", action="store_true", help="print the explained differences too")
    parser.add_argument("--explanations", default=default)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--tests", action="store_true", help="each capture is a test; end with their count")
    parser.add_argument("captures", nargs="+")
    arguments = parser.parse_args()
    if shutil.which("tshark") is None:
        give_up("tshark is not installed")
    program = shutil.which(arguments.wirescribe)
    if program is None:
        give_up(f"{arguments.wirescribe} cannot be run")
    explanations = read_explanations(arguments.explanations, CHECKS)
    captures = find_captures(arguments.captures)
    if not captures:
        give_up("no captures")

    tls_fields.read_names()
    totals = {check: Tally() for check in CHECKS}
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(lambda path: compare_capture(program, path), captures):
            has_failed = count_differences(result, explanations, arguments.details)
            failed += has_failed
            if has_failed and arguments.tests:
                print(f"FAIL tshark: {result.path}")
            for check in CHECKS:
                totals[check].add(result.tallies[check])
    if arguments.tests:
        print(f"{len(captures) - failed} passed, {failed} failed, 0 skipped")
    else:
        print(f"\n{len(captures)} captures")
        print_table("tshark", totals)
    sys.exit(1 if failed else 0)


def count_differences(result, explanations, with_explained):
    """Counts and prints the differences of one capture. True where one has no reason."""
    for complaint in result.complaints:
        print(f"{result.path}: {complaint}")
    has_failed = False
    for check, text, reason in result.differences:
        reason = reason or explain(explanations, result.path, check)
        has_failed = has_failed or reason is None
        if reason is None:
            result.tallies[check].unexplained += 1
        else:
            result.tallies[check].explained += 1
        if reason is None or with_explained:
            print(f"{result.path}: {check}: {text}: {reason or 'UNEXPLAINED'}", flush=True)
    return has_failed


if __name__ == "__main__":
    main()

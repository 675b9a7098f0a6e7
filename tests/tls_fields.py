"""TLS as tshark tells it, in the words of wirescribe's tls_sessions and certificates: for compare_tshark.py."""
import datetime
import hashlib
import os
import re
import subprocess

from comparison import canonical

# Checks of compare_tshark.py, and the column of tls_sessions that each compares.
COLUMNS = {
    "tls version": "version", "tls cipher": "cipher", "tls server name": "server_name", "tls alpn": "alpn", "tls ja3": "ja3",
    "tls ja3s": "ja3s", "tls versions offered": "versions_offered", "tls protocols offered": "protocols_offered",
    "tls hello retry": "hello_retry", "tls resumed": "resumed", "tls client certificate asked": "client_certificate_asked",
}
CHECKS = (*COLUMNS, "tls alerts", "tls certificates", "tls certificate fields", "tls plaintext")

CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS, CERTIFICATE, CERTIFICATE_REQUEST, FINISHED = 1, 2, 8, 11, 13, 20
SUPPORTED_VERSIONS, PRE_SHARED_KEY = 43, 41
TLS_1_3 = 0x0304
RETRY_RANDOM = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"  # RFC 8446, 4.1.3
VERSIONS = {0x0002: "SSLv2", 0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
EPOCH = datetime.datetime(1970, 1, 1)
COMMON_NAME, ALTERNATIVE_NAME = "2.5.4.3", "2.5.29.17"
STRING_KINDS = ("uTF8String", "printableString", "teletexString", "universalString", "bmpString")
NAME_KINDS = ("dNSName", "rfc822Name", "uniformResourceIdentifier", "IPAddress.ipv4", "IPAddress.ipv6")
FOLLOWED = re.compile(r"^Follow: tls,raw\nFilter: tcp\.stream eq (\d+)\nNode 0: (.*):(\d+)\nNode 1: .*\n((?:\t?[0-9a-f]+\n)*)", re.M)


NAMES = {}  # (field, value) -> tshark's name


def read_names():
    """tshark's names of cipher suites and alerts; once, before all else."""
    listed = subprocess.run(["tshark", "-G", "values"], capture_output=True, text=True, check=False, errors="replace").stdout
    for line in listed.splitlines():
        words = line.split("\t")
        if words[0] == "V" and words[1] in ("tls.handshake.ciphersuite", "tls.alert_message.desc") and len(words) == 4:
            NAMES[words[1], int(words[2], 0)] = words[3]


def cipher_name(value):
    return NAMES.get(("tls.handshake.ciphersuite", value)) or f"0x{value:04x}"


def alert_name(value):
    name = NAMES.get(("tls.alert_message.desc", value))
    return name.lower().replace(" ", "_") if name else str(value)


def version_name(value):
    return VERSIONS.get(value) or (f"TLSv1.3-draft{value & 0xff}" if value >> 8 == 0x7F else f"0x{value:04x}")


def is_grease(value):
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF  # RFC 8701


def below(pairs, wanted):
    """The trees of that name, in order."""
    for name, value in pairs:
        if isinstance(value, list):
            inner = [item for item in value if isinstance(item, tuple)]
            if name == wanted:
                yield inner
            else:
                yield from below(inner, wanted)


def all_of(pairs, wanted):
    """The values of that name, in order."""
    for name, value in pairs:
        if name == wanted and not isinstance(value, list):
            yield value
        if isinstance(value, list):
            yield from all_of([item for item in value if isinstance(item, tuple)], wanted)


def first(pairs, wanted):
    return next(iter(all_of(pairs, wanted)), None)


class Session:
    """What the TLS records of one stream say."""

    def __init__(self):
        self.has_record = False
        self.has_handshake = False
        self.client_hello = None  # the first
        self.old_hello = None     # the version in one of SSL 2.0's form
        self.server_hello = None  # the last that is no request for another hello
        self.is_retried = False
        self.alpn = None
        self.asks_certificate = False
        self.certificates = []    # (sender, bytes, fields)
        self.has_server_certificate = False
        self.alerts = []          # (level, name)
        self.hello_from = None

    def gather(self, pairs, sender):
        if first(pairs, "tls.record.content_type") is not None or first(pairs, "tls.handshake.type") is not None:
            self.has_record = True
        for record in below(pairs, "tls.record"):
            if any(name == "tls.handshake.challenge_length" for name, _ in record):
                self.has_handshake = True
                self.old_hello = first(record, "tls.handshake.version")
        for message in below(pairs, "tls.handshake"):
            kind = first(message, "tls.handshake.type")
            if kind is not None:
                self.has_handshake = True
                self.on_message(int(kind), message, sender)
        for alert in below(pairs, "tls.alert_message"):
            level, description = first(alert, "tls.alert_message.level"), first(alert, "tls.alert_message.desc")
            if level is not None and description is not None:
                self.alerts.append((int(level), alert_name(int(description))))

    def on_message(self, kind, message, sender):
        if kind == CLIENT_HELLO and first(message, "tls.handshake.version") is not None:
            if self.client_hello is None:
                self.client_hello = message
                self.hello_from = sender
        elif kind == SERVER_HELLO and first(message, "tls.handshake.ciphersuite") is not None:
            if str(first(message, "tls.handshake.random")).replace(":", "") == RETRY_RANDOM:
                self.is_retried = True
            else:
                self.server_hello = self.server_hello or message
        elif kind == CERTIFICATE:
            self.on_certificates(message, sender)
        elif kind == CERTIFICATE_REQUEST:
            self.asks_certificate = True
        if kind in (SERVER_HELLO, ENCRYPTED_EXTENSIONS) and self.alpn is None:
            self.alpn = first(message, "tls.handshake.extensions_alpn_str")

    def on_certificates(self, message, sender):
        encoded = list(all_of(message, "tls.handshake.certificate"))
        trees = list(below(message, "tls.handshake.certificate_tree"))
        trees += [[]] * (len(encoded) - len(trees))
        for text, tree in zip(encoded, trees):
            self.certificates.append((sender, bytes.fromhex(text.replace(":", "")), certificate_fields(tree)))
        self.has_server_certificate = self.has_server_certificate or (bool(encoded) and sender != self.hello_from)

    def extensions(self, hello):
        return [int(value) for value in all_of(hello, "tls.handshake.extension.type")]

    def version(self):
        chosen = first(self.server_hello, "tls.handshake.extensions.supported_version") or first(self.server_hello, "tls.handshake.version")
        return int(chosen, 0)

    def is_resumed(self):
        """RFC 8446, 4.1.3 and 4.2.11: a key that was shared before; RFC 5246, 7.4.1.3: the session id that the client named, and no certificate."""
        version = self.version()
        if version == TLS_1_3 or version >> 8 == 0x7F:
            return PRE_SHARED_KEY in self.extensions(self.server_hello)
        mine, named = (first(hello, "tls.handshake.session_id") for hello in (self.server_hello, self.client_hello or []))
        return bool(mine) and mine == named and not self.has_server_certificate

    def items(self):
        """check -> list of texts."""
        found = {check: [] for check in CHECKS}

        def put(check, value):
            if value is not None and value != "":
                found[check] = [str(value)]

        if self.old_hello is not None:
            put("tls versions offered", version_name(int(self.old_hello, 0)))
        if self.client_hello is not None:
            hello = self.client_hello
            put("tls server name", first(hello, "tls.handshake.extensions_server_name"))
            put("tls ja3", first(hello, "tls.handshake.ja3"))
            put("tls versions offered", ",".join(version_name(int(value, 0)) for value in all_of(hello, "tls.handshake.extensions.supported_version")
                                                 if not is_grease(int(value, 0))) or version_name(int(first(hello, "tls.handshake.version"), 0)))
            put("tls protocols offered", ",".join(all_of(hello, "tls.handshake.extensions_alpn_str")))
        if self.server_hello is not None:
            put("tls version", version_name(self.version()))
            put("tls cipher", cipher_name(int(first(self.server_hello, "tls.handshake.ciphersuite"), 0)))
            put("tls ja3s", first(self.server_hello, "tls.handshake.ja3s"))
            put("tls hello retry", int(self.is_retried))
            put("tls resumed", int(self.is_resumed()))
        put("tls alpn", self.alpn)
        put("tls client certificate asked", "1" if self.asks_certificate else None)
        fatal = [name for level, name in self.alerts if level == 2]
        put("tls alerts", (fatal or [name for _, name in self.alerts] or [None])[0])
        for sender, encoded, fields in self.certificates:
            digest = hashlib.sha256(encoded).hexdigest()
            found["tls certificates"].append(f"{sender[0]}:{sender[1]} {digest}")
            found["tls certificate fields"] += [f"{digest[:8]} {field}" for field in fields]
        for check in ("tls certificates", "tls certificate fields"):
            found[check].sort()
        return found


def certificate_fields(tree):
    fields = []
    if first(tree, "x509af.serialNumber") is not None:
        fields.append("serial " + first(tree, "x509af.serialNumber").replace(":", "").lstrip("0"))
    times = [utc(value) for name in ("x509af.notBefore_tree", "x509af.notAfter_tree") for part in below(tree, name)
             for field in ("x509af.utcTime", "x509af.generalizedTime") for value in all_of(part, field)]
    if len(times) == 2:
        fields += [f"from {times[0]}", f"until {times[1]}"]
    for subject in below(tree, "x509af.subject_tree"):
        for item in below(subject, "x509if.RelativeDistinguishedName_item_element"):
            if first(item, "x509if.oid") == COMMON_NAME:
                fields += [f"common name {value}" for kind in STRING_KINDS for value in all_of(item, f"x509sat.{kind}")]
    for extension in below(tree, "x509af.Extension_element"):
        if first(extension, "x509af.extension.id") == ALTERNATIVE_NAME:
            fields += [f"name {canonical(value) if 'Address' in kind else value}" for kind in NAME_KINDS
                       for value in all_of(extension, f"x509ce.{kind}")]
    return fields


def utc(text):
    """tshark writes 'Mar  3, 2009 12:54:25.000000000 UTC' and '2026-11-25 23:18:52 (UTC)'."""
    text = re.sub(r"(\.\d+)? \(?UTC\)?$", "", text)
    return str(datetime.datetime.strptime(text, "%b %d, %Y %H:%M:%S")) if "," in text else text


# ---- what was decrypted ----------------------------------------------------------------------------------------------


def follow_options(count):
    """Options that make tshark print what TLS carried in the first `count` streams."""
    return [option for number in range(count) for option in ("-z", f"follow,tls,raw,{number}")]


def followed(text):
    """{stream: {(address, port): bytes}}; the other end, which tshark does not always name, is None."""
    streams = {}
    for stream, address, port, lines in FOLLOWED.findall(text):
        sides = {True: bytearray(), False: bytearray()}
        for line in lines.splitlines():
            sides[not line.startswith("\t")] += bytes.fromhex(line.strip())
        if sides[True] or sides[False]:
            streams[stream] = {(address, int(port)): bytes(sides[True]), None: bytes(sides[False])}
    return streams


def opened(path):
    """{(flow_id, 'client' or 'server'): bytes} of what wirescribe opened, as tests/plaintext writes it."""
    sides = {}
    if os.path.exists(path):
        with open(path, encoding="ascii") as file:
            for line in file:
                flow_id, side, content = line.rstrip("\n").split(" ")
                sides.setdefault((int(flow_id), side), bytearray()).extend(bytes.fromhex(content))
    return {key: bytes(content) for key, content in sides.items() if content}


def plaintext_item(end, content):
    return f"{end[0]}:{end[1]} {len(content)} bytes {hashlib.sha256(content).hexdigest()}"


# ---- wirescribe's rows -----------------------------------------------------------------------------------------------


def of_rows(session, certificates, client, server):
    """check -> list of texts, of a row of tls_sessions and the rows of certificates."""
    found = {check: [] if session[column] is None else [str(session[column])] for check, column in COLUMNS.items()}
    found["tls client certificate asked"] = [text for text in found["tls client certificate asked"] if text == "1"]
    found["tls alerts"] = [session["alert"]] if session["alert"] else []
    found["tls certificates"] = sorted(f"{end[0]}:{end[1]} {row['sha256']}" for row in certificates
                                       for end in [client if row["from_side"] == "client" else server])
    fields = []
    for row in certificates:
        texts = [f"serial {(row['serial'] or '').lower().lstrip('0')}", f"from {at(row['not_before_us'])}", f"until {at(row['not_after_us'])}"]
        texts += [f"common name {name}" for name in common_names(row["subject"] or "")]
        texts += [f"name {name}" for name in (row["names"] or "").split(",") if name]
        fields += [f"{row['sha256'][:8]} {text}" for text in texts]
    found["tls certificate fields"] = sorted(fields)
    return found


def at(microseconds):
    return None if microseconds is None else str(EPOCH + datetime.timedelta(microseconds=microseconds))


def common_names(subject):
    """RFC 2253: the last name comes first, and a comma within one is escaped."""
    return [re.sub(r"\\(.)", r"\1", part[3:]) for part in re.split(r"(?<!\\)[,+]", subject) if part.startswith("CN=")]

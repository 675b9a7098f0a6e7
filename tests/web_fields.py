"""HTTP and what WebSockets carry as tshark tells it, in the words of wirescribe's views: for compare_tshark.py."""
import hashlib
import re

CHECKS = ("http requests", "http statuses", "http user agents", "http sizes", "websocket texts", "websocket digests",
          "websocket compressed", "websocket close")
DATA_OPCODES = {1: "text", 2: "binary"}
CONTROL_OPCODES = {9: "ping", 10: "pong"}
HTTP2_HEADERS, HTTP2_CONTINUATION = 1, 9
TEXT_SHOWN = 100


def plain(text):
    """Without what the programs write in different ways: what is not printable ASCII, and escapes of it."""
    text = re.sub(r"\\x[0-9a-fA-F]{2}|\\[0-7]{3}|\\[abefnrtv0\\]|[^\x21-\x7e ]", "?", text or "")
    return re.sub(r" +", " ", re.sub(r"\?+", "?", text)).strip("? ")


def trees(pairs, wanted):
    for name, value in pairs:
        if isinstance(value, list):
            inner = [item for item in value if isinstance(item, tuple)]
            if name == wanted:
                yield inner
            else:
                yield from trees(inner, wanted)


# ---- HTTP ------------------------------------------------------------------------------------------------------------


class Exchange:
    """One request, and what is known of its answer."""

    def __init__(self, request=None, user_agent=None):
        self.request = request
        self.user_agent = user_agent
        self.status = None
        self.length = None


class Http:
    """The requests of one stream of either version. `leaves` gives all (name, value) of a tree."""

    def __init__(self, leaves):
        self.leaves = leaves
        self.exchanges = []
        self.answered = 0
        self.streams = {}  # HTTP/2: by stream
        self.stray = []    # answers without a request

    def gather(self, pairs):
        fields = dict(reversed(list(self.leaves(pairs))))
        if "http.request.method" in fields:
            text = f"{fields['http.request.method']} {fields.get('http.host', '')} {fields.get('http.request.uri', '')}"
            self.exchanges.append(Exchange(plain(text), fields.get("http.user_agent")))
        elif "http.response.code" in fields:
            self.on_answer(int(fields["http.response.code"]), fields.get("http.content_length_header"))

    def on_answer(self, status, length):
        if status < 200 and status != 101:
            return
        if self.answered == len(self.exchanges):
            self.exchanges.append(Exchange())
        exchange = self.exchanges[self.answered]
        self.answered += 1
        exchange.status = status
        exchange.length = length if not re.match("HEAD|CONNECT", exchange.request or "") and status not in (101, 204, 304) else None

    def gather_2(self, pairs):
        for frame in trees(pairs, "http2.stream"):
            fields = dict(self.leaves(frame))
            number = fields.get("http2.streamid")
            if "http2.headers.method" in fields:
                authority = fields.get("http2.headers.authority", "")
                text = f"{fields['http2.headers.method']} {authority} {fields.get('http2.headers.path', authority)}"  # CONNECT has no path
                self.streams[number] = Exchange(plain(text), fields.get("http2.headers.user_agent"))
                self.exchanges.append(self.streams[number])
            elif "http2.headers.status" in fields and int(fields["http2.headers.status"]) >= 200:
                if number == "1" and number not in self.streams and self.exchanges and self.exchanges[0].status == 101:
                    self.streams[number] = self.exchanges[0]  # RFC 7540, 3.2: the request that asked for the upgrade
                if number not in self.streams:
                    self.streams[number] = Exchange()
                    self.exchanges.append(self.streams[number])
                self.streams[number].status = int(fields["http2.headers.status"])

    def items(self):
        return {
            "http requests": [exchange.request for exchange in self.exchanges if exchange.request],
            "http statuses": [str(exchange.status) for exchange in self.exchanges if exchange.status],
            "http user agents": [plain(exchange.user_agent) for exchange in self.exchanges if exchange.user_agent],
            "http sizes": [f"{number} {exchange.length}" for number, exchange in enumerate(self.exchanges) if exchange.length],
        }


def http_items_of_rows(rows):
    return {
        "http requests": [plain(f"{row['method']} {row['host'] or ''} {row['uri'] or ''}") for row in rows if row["method"]],
        "http statuses": [str(row["status"]) for row in rows if row["status"]],
        "http user agents": [plain(row["user_agent"]) for row in rows if row["user_agent"]],
        "http sizes": [f"{number} {row['response_size']}" for number, row in enumerate(rows)
                       if row["response_size"] is not None and row["complete"] == 1],
    }


def with_known_sizes(one, other):
    """Those of `one` that the other side tells, too: tshark has those that the answer announced, wirescribe those of whole answers."""
    known = {text.split()[0] for text in other}
    return [text for text in one if text.split()[0] in known]


# ---- WebSocket -------------------------------------------------------------------------------------------------------


class Frames:
    """The contents of one stream's frames, as far as tshark shows them: not those of fragments, nor binary ones."""

    def __init__(self):
        self.found = {check: [] for check in CHECKS if check.startswith("websocket ")}
        self.has_unshown = False  # a compressed message whose text tshark does not show

    def gather(self, fields, end):
        """One frame; called for those of either end in their order."""
        where = f"{end[0]}:{end[1]}"
        opcode, is_final = int(fields["websocket.opcode"]), fields.get("websocket.fin") in ("1", "True")
        if opcode in DATA_OPCODES:
            self.found["websocket compressed"].append(f"{where} {DATA_OPCODES[opcode]} {int(fields.get('websocket.pmc') in ('1', 'True'))}")
        if opcode == 1 and fields.get("websocket.pmc") in ("1", "True") and not fields.get("websocket.payload.text"):
            self.has_unshown = True
        if opcode == 1 and is_final and fields.get("websocket.payload.text"):
            self.add(where, "text", fields["websocket.payload.text"].encode("utf-8", "surrogateescape"))
            self.found["websocket texts"].append(f"{where} {shown(fields['websocket.payload.text'])}")
        for number, name in CONTROL_OPCODES.items():
            if opcode == number and f"websocket.payload.{name}" in fields:
                self.add(where, name, bytes.fromhex(fields[f"websocket.payload.{name}"].replace(":", "")))
        if opcode == 8 and not self.found["websocket close"] and "websocket.payload.close.status_code" in fields:
            text = f"{where} {fields['websocket.payload.close.status_code']} {plain(fields.get('websocket.payload.close.reason'))}"
            self.found["websocket close"] = [text.strip()]

    def add(self, where, kind, content):
        self.found["websocket digests"].append(f"{where} {kind} {len(content)} {hashlib.sha256(content).hexdigest()}")

    def items(self):
        return {check: sorted(items) for check, items in self.found.items()}


def shown(text):
    return plain(text[:TEXT_SHOWN])


def websocket_items_of_rows(sessions, messages, client, server):
    """Of the rows of websocket_sessions and websocket_messages of one flow."""
    found = {check: [] for check in CHECKS if check.startswith("websocket ")}
    for row in messages:
        end = client if row["from_side"] == "client" else server
        where = f"{end[0]}:{end[1]}"
        if row["opcode"] in DATA_OPCODES.values():
            found["websocket compressed"].append(f"{where} {row['opcode']} {row['compressed'] or 0}")
        if row["fragments"] == 1 and row["opcode"] == "text" and row["text"]:
            found["websocket texts"].append(f"{where} {shown(row['text'])}")
        if row["fragments"] == 1 and row["opcode"] in ("text", "ping", "pong") and row["size"] and row["sha256"]:
            found["websocket digests"].append(f"{where} {row['opcode']} {row['size']} {row['sha256']}")
    for row in sessions:
        if row["close_code"] is not None:
            end = client if row["closed_by"] == "client" else server
            found["websocket close"].append(f"{end[0]}:{end[1]} {row['close_code']} {plain(row['close_reason'])}".strip())
    return {check: sorted(items) for check, items in found.items()}

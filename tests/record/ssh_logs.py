"""What the logs of an SSH session's two ends say of it, packet by packet: the truth of ssh_sessions.py.

A request is [method, answer]: method as on the wire (none, password, keyboard-interactive, publickey), answer one of
  success, failure, partial, offer_accepted (PK_OK), offer_refused, disconnected, unanswered.
"""
import re


class Requests:
    """Gathers user authentication requests and their answers, from either end's log."""

    def __init__(self):
        self.list = []
        self.is_offer = False
        self.certificate = False
        self.kexinits = 0
        self.newkeys = 0
        self.data_packets = 0

    def request(self, method):
        method = "publickey" if method.startswith("publickey") else method  # publickey-hostbound is the same with the host key in it
        self.list.append([method, "unanswered"])
        self.is_offer = False

    def answer(self, answer):
        if self.list and self.list[-1][1] == "unanswered":
            if self.is_offer and answer == "failure":
                answer = "offer_refused"
            self.list[-1][1] = answer

    def on_packet(self, kind, is_server_message):
        if is_server_message and kind == 51:
            self.answer("failure")
        elif is_server_message and kind == 52:
            self.answer("success")
        elif is_server_message and kind == 60 and self.list and self.list[-1][0] == "publickey":
            self.answer("offer_accepted")


def from_sshd(text):
    """sshd at DEBUG3."""
    found = Requests()
    for line in text.splitlines():
        match = re.search(r"userauth-request for user (\S*) service \S+ method (\S+)", line)
        if match:
            found.request(match[2])
        match = re.search(r"user \S* (querying|attempting) public key (\S+)", line)
        if match:
            found.is_offer = match[1] == "querying"
            found.certificate = "-cert-v01" in match[2]
        if "userauth_finish: failure partial=1" in line:
            found.answer("partial")
        if "Too many authentication failures" in line:
            found.answer("disconnected")
        match = re.search(r"debug3: (send|receive) packet: type (\d+)", line)
        if match:
            kind = int(match[2])
            found.on_packet(kind, match[1] == "send")
            count(found, match[1] == "receive", kind)
    return found


def count(found, is_from_client, kind):
    if is_from_client and kind == 20:
        found.kexinits += 1
    if is_from_client and kind == 21:
        found.newkeys += 1
    if is_from_client and kind == 94:
        found.data_packets += 1


def from_openssh(text):
    """OpenSSH's client with -vvv."""
    found = Requests()
    method, signing = "none", False
    for line in text.splitlines():
        match = re.search(r"Next authentication method: (\S+)", line)
        if match:
            method = match[1]
        if "Offering public key:" in line or "Trying private key" in line:
            signing = False
        if re.search(r"sign_and_send_pubkey: (using|signing|RSA|ECDSA|ED25519)", line):
            signing = True
            found.certificate = "-CERT" in line or "-cert-v01" in line
        if re.search(r"Authenticated using .* with partial success|partial success", line):
            found.answer("partial")
        if "Too many authentication failures" in line:
            found.answer("disconnected")
        match = re.search(r"debug3: (send|receive) packet: type (\d+)", line)
        if match:
            kind = int(match[2])
            if match[1] == "send" and kind == 50:
                found.request(method)
                found.is_offer = method == "publickey" and not signing
                signing = False
            found.on_packet(kind, match[1] == "receive")
            count(found, match[1] == "send", kind)
    return found


def from_putty(text):
    """PuTTY's -sshlog: each packet with its bytes, passwords blanked."""
    found = Requests()
    parts = re.split(r"^(?=(?:Incoming|Outgoing) packet )", text, flags=re.M)
    for part in parts:
        match = re.match(r"(Incoming|Outgoing) packet #\S+ type (\d+)", part)
        if not match:
            continue
        kind = int(match[2])
        if match[1] == "Outgoing" and kind == 50:
            strings = putty_strings(part)
            found.request(strings[2].decode(errors="replace"))
            found.is_offer = strings[2] == b"publickey" and strings[3] == b"\0"
        if match[1] == "Incoming" and kind == 1:
            found.answer("disconnected")
        found.on_packet(kind, match[1] == "Incoming")
        count(found, match[1] == "Outgoing", kind)
    return found


def putty_strings(part):
    """User, service, method and the octet behind them, out of the hex dump."""
    dump = bytearray()
    for line in part.splitlines()[1:]:
        match = re.match(r"  [0-9a-f]{8}  ((?:(?:[0-9a-f]{2}|XX|   ?) ?)+)  ", line)
        if match:
            dump += bytes(int(byte, 16) if byte != "XX" else 0 for byte in match[1].split())
    strings, place = [], 0
    for _ in range(3):
        size = int.from_bytes(dump[place:place + 4], "big")
        strings.append(bytes(dump[place + 4:place + 4 + size]))
        place += 4 + size
    return strings + [bytes(dump[place:place + 1])]


def from_python(done, method_names=()):
    """What a Python client noted itself: paramiko signs at once, it asks for no offer."""
    found = Requests()
    for method, outcome in done.get("attempts", []):
        found.request(method)
        found.answer(outcome)
    return found


def from_dropbear(text):
    """Dropbear's server says how each try ended, not what else was asked: [[method, answer]] of those it names."""
    tries = []
    for line in text.splitlines():
        if "Bad password attempt for" in line or "Login attempt for nonexistent user" in line:
            tries.append(["password", "failure"])
        match = re.search(r"(Password|Pubkey) auth succeeded for", line)
        if match:
            tries.append([{"Password": "password", "Pubkey": "publickey"}[match[1]], "success"])
    return tries


def comparable(requests):
    """What both ends can know: a partial success looks like a failure to the client, a disconnection may come unheard."""
    return [[method, "failure" if answer == "partial" else answer] for method, answer in requests if answer not in ("unanswered", "disconnected")]


def summary(requests):
    """The columns of the truth that speak of the login. A request answered by 'too many failures' was refused, too."""
    answered = [one for one in requests if one[1] != "unanswered"]
    ended = [one for one in answered if one[1] != "offer_accepted"]
    attempts = [one for one in ended if one[0] != "none"]
    result = None
    if ended:
        result = "success" if ended[-1][1] == "success" else "failure"
    return {"auth_result": result, "auth_method": ended[-1][0] if ended else None, "auth_attempts": len(attempts) if ended else None,
            "auth_none": sum(one[0] == "none" for one in requests), "auth_offers_refused": sum(one[1] == "offer_refused" for one in requests),
            "auth_offers_accepted": sum(one[1] == "offer_accepted" for one in requests), "methods": requests}


REQUESTS = {"shell": "request shell", "command": "request exec", "sftp": "request subsystem|request exec", "scp": "request exec|request subsystem",
            "tunnel": "ctype direct-tcpip|rtype tcpip-forward", "none": ""}


def contradiction(text, activity):
    """Why sshd's log does not bear out the activity, or None."""
    pattern = REQUESTS.get(activity, "")
    if pattern and not re.search(pattern, text):
        return f"the server's log has no {pattern} for {activity}"
    if activity == "none" and re.search("request (shell|exec|subsystem)", text):
        return "the server's log has a session for none"
    return None

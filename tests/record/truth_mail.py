"""The leaves of a delivered mail as Python's email package takes it apart; used by truth_smtp.py.

A mail lies on the server's disk with LF line ends and came with CR LF: it is read in the form that was on the wire.
"""
import binascii
import email
import email.header
import email.policy
import hashlib
import re


def as_sent(data):
    return re.sub(rb"\r?\n", b"\r\n", data)


def decoded_header(text):
    """RFC 2047 words decoded as header.decode_header does, which is not the parser of the policies."""
    if text is None:
        return None
    text = re.sub(r"\r?\n(?=[ \t])", "", text)
    words = email.header.decode_header(text)
    return "".join(part if isinstance(part, str) else part.decode(charset or "ascii", "replace")
                   for part, charset in words).strip()


def parts(sent):
    """Every leaf: its name, declared type, decoded size and SHA-256; uuencoded files in bodies after their leaf."""
    return leaves(email.message_from_bytes(sent, policy=email.policy.compat32))


def leaves(message):
    found = []
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        name = file_name(part)
        kind = part.get_content_type() if part["Content-Type"] else None
        attached = bool(name) or part.get_content_disposition() == "attachment" or (
            part.get_content_maintype() not in ("text", "message"))
        found.append(told(name, kind, content, attached))
        found.extend(uuencoded(content))
    return found


def file_name(part):
    """As the email package finds it; a name in UTF-8 that stands there undecoded it does not tell, so it is cut out."""
    for header, value in part.raw_items():
        if header.lower() == "content-disposition" and any("\udc80" <= character <= "\udcff" for character in value):
            return re.search('filename="([^"]*)"', value.encode("ascii", "surrogateescape").decode("utf-8"))[1]
    return decoded_header(part.get_filename())


def told(name, kind, content, attached):
    return {"name": name, "type": kind, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(),
            "attached": attached}


def uuencoded(content):
    found = []
    for block in re.finditer(rb"^begin [0-7]{3,4} (.*?)\r?\n(.*?)^end\r?$", content, re.MULTILINE | re.DOTALL):
        data = b"".join(binascii.a2b_uu(line) for line in block[2].splitlines() if line)
        found.append(told(block[1].decode("utf-8"), None, data, True))
    return found

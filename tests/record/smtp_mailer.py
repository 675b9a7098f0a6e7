#!/usr/bin/env python3
"""Sends mails of many shapes with smtplib and the email package: smtp_mailer.py SCRIPT SERVER PORT [PASSWORD].

SCRIPT is shapes, utf8, big or scram. What smtplib says and hears is printed as swaks does (' -> ' sent, '<-  ' received), for
truth_smtp.py.
"""
import base64
import binascii
import email.generator
import email.message
import email.policy
import hashlib
import hmac
import io
import random
import smtplib
import sys

NOISE = random.Random(5321)  # the same bytes in every run


class Session(smtplib.SMTP):
    """smtplib's dialogue, printed."""

    def send(self, data):
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        for line in text.splitlines():
            print(" ->", line)
        super().send(data)

    def getreply(self):
        code, text = super().getreply()
        lines = text.decode("utf-8", "replace").split("\n")
        for number, line in enumerate(lines, 1):
            print(f"<-  {code}{' ' if number == len(lines) else '-'}{line}")
        return code, text


def wrapped(data):
    return base64.encodebytes(data).decode().replace("\n", "\r\n")


def headed(subject):
    message = email.message.EmailMessage()
    message["From"] = "Carol Sender <carol@sender.test>"
    message["To"] = "alice@example.test"
    message["Subject"] = subject
    message["Date"] = "Tue, 05 Mar 2024 10:00:00 +0000"
    message["Message-ID"] = f"<{hashlib.sha256(subject.encode()).hexdigest()[:12]}@sender.test>"
    return message


def page():
    """Text and HTML as alternatives, a picture that the HTML shows, files with names in all encodings."""
    message = headed("a page with a picture")
    message.set_content("See https://www.example.test/text?a=1&b=2 and mind the dot.\n.\nThe end\n")
    message.add_alternative('<p>See <a href="https://www.example.test/html?a=1&amp;b=2">this</a> caf\xe9'
                            '<img src="cid:picture@sender.test"></p>\n' + "<p>long " + "lines " * 60 + "</p>\n",
                            subtype="html", charset="iso-8859-1", cte="quoted-printable")
    message.get_payload()[1].add_related(b"\x89PNG\r\n\x1a\n" + NOISE.randbytes(900), "image", "png", cid="<picture@sender.test>",
                                         filename="picture.png", disposition="inline")
    message.add_attachment(NOISE.randbytes(2000), "application", "octet-stream", filename="gr\xfc\xdfe \u65e5\u672c\u8a9e.bin")
    message.add_attachment(bytes(range(256)) * 3, "application", "pdf", filename="a" * 90 + ".pdf")
    message.add_attachment("one\ntwo\n", filename="notes.txt")
    return message.as_bytes(policy=email.policy.SMTP)


def forward():
    """A forwarded mail that has an attachment of its own."""
    inner = headed("the mail inside")
    inner.set_content("inner text\n")
    inner.add_attachment(NOISE.randbytes(700), "image", "gif", filename="inner.gif")
    message = headed("Fwd: the mail inside")
    message.set_content("see below\n")
    message.add_attachment(inner)
    return message.as_bytes(policy=email.policy.SMTP)


def by_hand():
    """What the email package does not write: RFC 2047 words in a parameter, charsets of old, uuencode in the text."""
    data = NOISE.randbytes(600)
    coded = "".join(binascii.b2a_uu(data[start:start + 45]).decode().rstrip("\n") + "\r\n" for start in range(0, len(data), 45))
    quoted = "=?iso-8859-1?Q?pr=FCfung=2Edoc?="
    japanese = base64.b64encode("日本語の件名".encode("shift_jis")).decode()
    return "\r\n".join((
        "From: Carol Sender <carol@sender.test>", "To: alice@example.test",
        f"Subject: =?Shift_JIS?B?{japanese}?= =?iso-8859-1?Q?_und_Gr=FC=DFe?=", "Message-ID: <by.hand@sender.test>",
        "MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="=_outer_="', "", "a preamble", "--=_outer_=",
        "Content-Type: text/plain; charset=us-ascii", "", "a file in the text:", "", "begin 644 old.bin",
        coded + "`", "end", "", "--=_outer_=",
        f'Content-Type: application/msword; name="{quoted}"', "Content-Transfer-Encoding: base64",
        f'Content-Disposition: attachment; filename="{quoted}"', "", wrapped(NOISE.randbytes(500)) + "--=_outer_=--",
        "an epilogue", "")).encode()


def shapes(session):
    session.ehlo("client.example.test")
    for text in (page(), forward(), by_hand()):
        session.sendmail("carol@sender.test", ["alice@example.test", "bob@example.test"], text)
        session.rset()
    session.quit()


def utf8(session):
    session.ehlo("client.example.test")
    message = headed("Gr\xfc\xdfe, undecoded")
    message.replace_header("From", "J\xfcrgen <j\xfcrgen@sender.test>")
    message.set_content("na\xefve\n", cte="8bit")
    message.add_attachment(NOISE.randbytes(300), "application", "octet-stream", filename="r\xe9sum\xe9.bin")
    flat = io.BytesIO()
    email.generator.BytesGenerator(flat, policy=email.policy.SMTPUTF8).flatten(message)
    session.sendmail("j\xfcrgen@sender.test", ["alice@example.test"], flat.getvalue(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    session.quit()


def big(session):
    session.ehlo("client.example.test")
    message = headed("a big one")
    message.set_content("it is attached\n")
    message.add_attachment(NOISE.randbytes(140000), "application", "octet-stream", filename="big.bin")
    session.sendmail("carol@sender.test", ["alice@example.test"], message.as_bytes(policy=email.policy.SMTP))
    session.quit()


class Scram:
    """RFC 5802 with SHA-256, for smtplib's auth()."""

    def __init__(self, user, password):
        self.first, self.password = f"n={user},r=fyko+d2lbbFgONRv9qkxdawL", password

    def answer(self, challenge=None):
        if not challenge:
            return "n,," + self.first
        if challenge.startswith(b"v="):
            return ""
        server = challenge.decode()
        fields = dict(field.split("=", 1) for field in server.split(","))
        last = f"c=biws,r={fields['r']}"
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client_key).digest(), ",".join((self.first, server, last)).encode(), "sha256")
        proof = bytes(one ^ other for one, other in zip(client_key, signature))
        return f"{last},p={base64.b64encode(proof).decode()}"


def scram(session, password):
    session.ehlo("client.example.test")
    try:
        session.auth("SCRAM-SHA-256", Scram("alice", "wrong").answer)
    except smtplib.SMTPAuthenticationError:
        pass
    session.auth("SCRAM-SHA-256", Scram("alice", password).answer)
    message = headed("after SCRAM")
    message.set_content("sent by one who is known\n")
    session.sendmail("alice@example.test", ["bob@example.test"], message.as_bytes(policy=email.policy.SMTP))
    session.quit()


if __name__ == "__main__":
    script, address, number, *rest = sys.argv[1:]
    {"shapes": shapes, "utf8": utf8, "big": big, "scram": scram}[script](Session(address, int(number), timeout=10), *rest)

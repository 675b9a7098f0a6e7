#!/usr/bin/env python3
"""Writes hand-made SMTP and LMTP dialogues: what the recorded servers and clients here never say.

smtp_dialogues.py --out DIR [CASE...]   writes DIR/smtp/CASE/ (all of them by default)

Valid Ethernet, IPv4 and TCP with right checksums and handshakes, by the means of hostile.py.
"""
import argparse
import base64
import pathlib
import struct

import hostile
import packets as tcp

CLIENT_HELLO = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"


def coded(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def begin(case, name, extensions=(), port=None):
    lines = ["mail.example.test", *extensions, "HELP"]
    answer = "".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}\r\n"
    return (case.start(name, port).server("220 mail.example.test ESMTP\r\n").client("EHLO client.example.test\r\n").server(answer))


def envelope(talk):
    talk.client("MAIL FROM:<a@sender.test>\r\n").server("250 2.1.0 ok\r\n")
    return talk.client("RCPT TO:<b@example.test>\r\n").server("250 2.1.5 ok\r\n")


def mail(talk, message="Subject: hello\r\n\r\nbody\r\n.\r\n"):
    return envelope(talk).client("DATA\r\n").server("354 go on\r\n").client(message).server("250 2.0.0 queued\r\n")


def finish(talk):
    return talk.client("QUIT\r\n").server("221 bye\r\n")


def ntlm_authenticate(domain, user, workstation):
    names = [name.encode("utf-16-le") for name in (domain, user, workstation)]
    fields, payload = b"", b""
    for name in names:
        fields += struct.pack("<HHI", len(name), len(name), 64 + len(payload))
        payload += name
    end = struct.pack("<HHI", 0, 0, 64 + len(payload))
    return b"NTLMSSP\0" + struct.pack("<I", 3) + end + end + fields + end + struct.pack("<I", 1) + payload


EXCHANGES = [
    ("PLAIN", ["boss\0alice\0s3cret"]),
    ("LOGIN", ["alice", "s3cret"]),
    ("CRAM-MD5", ["alice b913a602c7eda7a495b4e6e7334d3890"]),
    ("DIGEST-MD5", ['username="alice",realm="example.test",nonce="OA6MG9",cnonce="x",nc=00000001,qop=auth,response=d388dad9']),
    ("SCRAM-SHA-1", ["n,,n=alice,r=fyko", "c=biws,r=fyko3rfc,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="]),
    ("SCRAM-SHA-256-PLUS", ["p=tls-unique,a=boss,n=al=2Cice,r=rOpr", "c=cD10,r=rOpr%hvYD,p=dHzbZapWIk4jUhN+Ute9ytag9zjf"]),
    ("XOAUTH2", ["user=alice@example.test\1auth=Bearer ya29.token\1\1"]),
    ("OAUTHBEARER", ["n,a=alice@example.test,\1host=mail.example.test\1port=587\1auth=Bearer ya29.token\1\1"]),
    ("EXTERNAL", ["alice"]),
    ("NTLM", [b"NTLMSSP\0\1\0\0\0\7\x82\x08\0" + bytes(16), ntlm_authenticate("OFFICE", "b\u00f3b", "LAPTOP7")]),
    ("GSSAPI", [b"\x60\x82\x05\x06\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"]),
]


def logins(case):
    """Every mechanism that shows who logs in; an attempt that is cancelled, a second one behind a success, a server that repeats
    what was sent, and passwords guessed until one fits. No row may hold a password."""
    for mechanism, responses in EXCHANGES:
        talk = begin(case, mechanism, [f"AUTH {mechanism}"], 587).client(f"AUTH {mechanism}\r\n")
        for number, response in enumerate(responses):
            prompt = coded(("Username:", "Password:")[number]) if mechanism == "LOGIN" else "" if number == 0 else coded("challenge")
            talk.server(f"334 {prompt}\r\n").client(coded(response) + "\r\n")
        finish(talk.server("235 2.7.0 welcome\r\n"))
    talk = begin(case, "cancelled", ["AUTH PLAIN LOGIN"], 587).client("AUTH LOGIN\r\n").server("334 VXNlcm5hbWU6\r\n").client("*\r\n")
    talk.server("501 5.7.0 cancelled\r\n").client("AUTH PLAIN " + coded("\0bob\0s3cret") + "\r\n").server("235 2.7.0 welcome\r\n")
    finish(talk.client("AUTH PLAIN " + coded("\0eve\0s3cret") + "\r\n").server("503 5.5.1 already\r\n"))
    blob = coded("\0alice\0s3cret")
    talk = begin(case, "repeated", ["AUTH PLAIN"], 587).client(f"AUTH PLAIN {blob}\r\n").server(f"535 5.7.8 {blob} means s3cret, which is wrong\r\n")
    talk = begin(case, "guessed", ["AUTH PLAIN"], 587)
    for number in range(6):
        talk.client("AUTH PLAIN " + coded(f"\0root\0guess{number}") + "\r\n").server("535 5.7.8 no\r\n")
    talk.client("AUTH PLAIN " + coded("\0root\0toor") + "\r\n").server("235 2.7.0 welcome\r\n")


def passwords(case):
    """Logins read with --passwords: PLAIN, LOGIN and a bearer token."""
    for mechanism, responses in EXCHANGES[:2] + EXCHANGES[6:7]:
        talk = begin(case, mechanism, [f"AUTH {mechanism}"], 587).client(f"AUTH {mechanism} {coded(responses[0])}\r\n")
        if len(responses) > 1:
            talk.server("334 UGFzc3dvcmQ6\r\n").client(coded(responses[1]) + "\r\n")
        finish(talk.server("235 2.7.0 welcome\r\n"))


def smuggling(case):
    """Ends of data that only some servers take, with commands behind them; then a dot in a text, and one in binary data."""
    hidden = "MAIL FROM:<admin@example.test>\r\nRCPT TO:<victim@other.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nhi\r\n.\r\n"
    for end in ("\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\n", "\r\n\0.\r\n"):
        finish(mail(begin(case, repr(end)), "Subject: carrier\r\n\r\nbody" + end + hidden))
    mail(begin(case, "a dot in a text"), "Subject: a list\n\nbody\n.\nmore of the body\r\n.\r\n")
    mail(begin(case, "a dot in binary data"), b"Subject: binary\r\n\r\n\x80\n.\n\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\r\n.\r\n")
    taken = envelope(begin(case, "a server that takes it")).client("DATA\r\n").server("354 go on\r\n").client("Subject: carrier\r\n\r\nbody\n.\r\n")
    taken.server("250 2.0.0 queued\r\n").client(hidden[:hidden.index("Subject")])
    taken.server("250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n").client("Subject: smuggled\r\n\r\nhi\r\n.\r\n").server("250 2.0.0 queued\r\n")


def starttls_tampering(case):
    """STARTTLS: commands in one breath with it (CVE-2011-0411), replies in one breath with the 220, an extension masked by a
    firewall, a refusal of what was offered, and an offer that the client passes over."""
    offer = ["STARTTLS", "AUTH PLAIN"]
    begin(case, "injected commands", offer).client("STARTTLS\r\nRSET\r\nMAIL FROM:<evil@sender.test>\r\n").server("220 go ahead\r\n").client(CLIENT_HELLO)
    begin(case, "injected replies", offer).client("STARTTLS\r\n").server("220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n").client(CLIENT_HELLO)
    finish(mail(begin(case, "masked", ["PIPELINING", "XXXXXXXA"])))
    finish(mail(begin(case, "refused", offer).client("STARTTLS\r\n").server("502 5.5.1 unknown command\r\n")))
    finish(mail(begin(case, "unavailable", offer).client("STARTTLS\r\n").server("454 4.7.0 no TLS now\r\n")))
    finish(begin(case, "passed over", offer).client("AUTH PLAIN " + coded("\0alice\0s3cret") + "\r\n").server("235 2.7.0 welcome\r\n"))
    envelope(begin(case, "a mail on its way", offer)).client("STARTTLS\r\n").server("220 go ahead\r\n").client(CLIENT_HELLO)


def lmtp(case):
    """LMTP (RFC 2033): each accepted recipient has its own reply behind the message, by DATA and by BDAT; XFORWARD and parameters."""
    def deliver(name, message):
        talk = case.start(name, 24).server("220 mail.example.test LMTP\r\n").client("LHLO relay.example.test\r\n")
        talk.server("250-mail.example.test\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-DSN\r\n250 XFORWARD NAME ADDR\r\n")
        talk.client("XFORWARD NAME=client.sender.test ADDR=192.0.2.25\r\n").server("250 2.0.0 ok\r\n")
        talk.client("MAIL FROM:<a@sender.test> SIZE=25 BODY=8BITMIME RET=HDRS ENVID=x1\r\nRCPT TO:<full@example.test> NOTIFY=FAILURE\r\n"
                    "RCPT TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test> ORCPT=rfc822;bob@sender.test\r\nRCPT TO:<carol@example.test>\r\n")
        talk.server("250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 unknown\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n")
        message(talk)
        finish(talk.server("452 4.2.2 full@example.test is full\r\n250 2.0.0 bob has it\r\n250 2.0.0 carol has it\r\n"))

    deliver("by DATA", lambda talk: talk.client("DATA\r\n").server("354 go on\r\n").client("Subject: local\r\n\r\nbody\r\n.\r\n"))
    deliver("by BDAT", lambda talk: talk.client("BDAT 24\r\nSubject: local\r\n\r\nbody\r\nBDAT 0 LAST\r\n").server("250 2.0.0 24 octets\r\n"))


def searches(case):
    """Addresses tried until some exist; VRFY and EXPN; mail for elsewhere refused and, written user%host, taken; XCLIENT; a
    client that does not wait for the greeting; TURN."""
    talk = begin(case, "recipients").client("MAIL FROM:<>\r\n").server("250 2.1.0 ok\r\n")
    for number in range(14):
        talk.client(f"RCPT TO:<name{number}@example.test>\r\n").server("250 2.1.5 ok\r\n" if number == 7 else "550 5.1.1 user unknown\r\n")
    finish(talk.client("RSET\r\n").server("250 2.0.0 ok\r\n"))
    talk = begin(case, "lists")
    for number in range(12):
        talk.client(f"{('VRFY', 'EXPN')[number % 2]} list{number}\r\n").server("252 2.0.0 try it\r\n" if number % 2 == 0 else "550 5.1.1 no list\r\n")
    talk = begin(case, "relaying").client("MAIL FROM:<a@sender.test>\r\n").server("250 2.1.0 ok\r\n")
    talk.client("RCPT TO:<x@elsewhere.test>\r\n").server("554 5.7.1 <x@elsewhere.test>: Relay access denied\r\n")
    finish(talk.client("RCPT TO:<x%elsewhere.test@mail.example.test>\r\n").server("250 2.1.5 ok\r\n"))
    talk = envelope(begin(case, "speaks for another", ["XCLIENT NAME ADDR"])).client("XCLIENT NAME=spike.sender.test ADDR=192.0.2.7\r\n")
    talk.server("220 mail.example.test ESMTP\r\n").client("EHLO spike.sender.test\r\n").server("250 mail.example.test\r\n")
    finish(mail(talk))
    case.start("early").client("EHLO hurry.sender.test\r\nMAIL FROM:<spam@sender.test>\r\n").server(
        "220 mail.example.test ESMTP\r\n", "250 mail.example.test\r\n250 2.1.0 ok\r\n").server("421 4.7.0 not so fast\r\n")
    begin(case, "changed parts").client("TURN\r\n").server("250 ok\r\n").client("220 now a server\r\n").server("EHLO mail.example.test\r\n")


CASES = {"logins": (logins, ""), "passwords": (passwords, "--passwords\n"), "smuggling": (smuggling, ""),
         "starttls-tampering": (starttls_tampering, ""), "lmtp-replies": (lmtp, ""), "searches": (searches, "")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    for name in options.cases or CASES:
        if name not in CASES:
            parser.error(f"no such case: {name}; known: {' '.join(CASES)}")
        function, arguments = CASES[name]
        folder = options.out / "smtp" / name
        folder.mkdir(parents=True, exist_ok=True)
        case = hostile.Case(25)
        function(case)
        frames = []
        for conversation in case.conversations:
            conversation.finish()
            frames += conversation.frames
        tcp.write(folder / "capture.pcap", frames)
        if arguments:
            (folder / "options").write_text(arguments)
        purpose = " ".join(function.__doc__.split())
        (folder / "README.md").write_text(f"# smtp/{name}\n\nPurpose: {purpose}\n\nOrigin: hand-made packets with right checksums.\n\n"
                                          f"Made by: `tests/record/smtp_dialogues.py --out tests {name}`\n")


if __name__ == "__main__":
    main()

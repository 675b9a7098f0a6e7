"""Hand-made mails for handmade.py: MIME as mail programs write it, MIME that deceives, MIME with bytes missing."""
import base64

# the first bytes of a Windows program, as the loader takes it (no code in it)
PROGRAM = b"MZ" + bytes(58) + b"\x80\0\0\0" + bytes(64) + b"PE\0\0\x4c\x01\x01\0" + bytes(300)
PICTURE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")


def base64_lines(data, rubbish=""):
    lines = base64.b64encode(data).decode()
    return "".join(lines[at:at + 76] + rubbish + "\r\n" for at in range(0, len(lines), 76))


def begin(case, name):
    talk = case.start(name).server("220 mail.example.test ESMTP\r\n").client("EHLO client.example.test\r\n")
    talk.server("250-mail.example.test\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
    return talk


def send(talk, *parts):
    """One mail; a number among the parts is a count of bytes that are missing in the capture."""
    talk.client("MAIL FROM:<carol@sender.test>\r\n").server("250 ok\r\n").client("RCPT TO:<alice@example.test>\r\n").server("250 ok\r\n")
    talk.client("DATA\r\n").server("354 go on\r\n")
    for part in parts:
        if isinstance(part, int):
            talk.sequence["client"] = (talk.sequence["client"] + part) % (1 << 32)
            continue
        for at in range(0, len(part), 30000):  # no more than the server's window at once
            talk.client(part[at:at + 30000])
    talk.client("\r\n.\r\n").server("250 queued\r\n")
    return talk


def finish(talk):
    talk.client("QUIT\r\n").server("221 bye\r\n")


def mime(case):
    """MIME as mail programs write it: alternatives, attachments in every encoding, names in every form, nested messages, a digest."""
    talk = begin(case, "mime")
    send(talk,
         "Received: from relay.example.test (relay.example.test [192.0.2.25]) by mail.example.test; Mon, 2 Nov 2026 10:00:02 +0000\r\n"
         "Received: from home (unknown [203.0.113.77]) by relay.example.test; Mon, 2 Nov 2026 10:00:01 +0000\r\n"
         "From: =?iso-8859-1?Q?J=F6rg_M=FCller?= <joerg@sender.test>\r\nTo: \"=?utf-8?B?QWxpY2Ugw4FydmFp?=\" <alice@example.test>\r\n"
         "Subject: =?utf-8?B?0J/RgNC40LLQtdGC?= =?utf-8?Q?_=D0=BC?=\r\n =?utf-8?Q?=D0=B8=D1=80?= and =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\n"
         "X-Mailer: Handmade 1.0\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"=_outer\"\r\n\r\n"
         "This is a message with several parts in MIME format.\r\n--=_outer\r\nContent-Type: multipart/alternative; boundary==_inner\r\n\r\n"
         "--=_inner\r\nContent-Type: text/plain; charset=iso-8859-15\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
         "Gr=FC=DFe, see http://www.sender.test/path?=\r\na=3Db, it costs 5 =A4.\r\n"
         "--=_inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         + base64_lines("<html><body><a href=\"https://www.sender.test/path?a=b&amp;c=d\">here</a><img src='http://pictures.sender.test/é.png'>"
                        "</body></html>".encode())
         + "--=_inner--\r\n\r\n--=_outer\r\nContent-Type: application/octet-stream; name=\"=?utf-8?B?w5xiZXJzaWNodC5iaW4=?=\"\r\n"
         "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n filename*0*=utf-8''%C3%9Cber;\r\n filename*1=\"sicht\";"
         "\r\n filename*2=.bin\r\n\r\n" + base64_lines(bytes(range(256)) * 8)
         + "--=_outer\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <1@sender.test>\r\n\r\n" + base64_lines(PICTURE)
         + "--=_outer\r\nContent-Type: application/x-old; name=\"old.txt\"\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
         "begin 644 older.txt\r\n,=75E;F-O9&5D(0H*\r\n`\r\nend\r\n"
         "--=_outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: forwarded\r\nFrom: dave@other.test\r\n"
         "Content-Type: multipart/mixed; boundary=fw\r\n\r\n--fw\r\n\r\nthe forwarded text\r\n--fw\r\nContent-Type: text/csv; name=\"C:\\\\data\\\\table.csv\"\r\n"
         "Content-Disposition: attachment\r\n\r\na,b\r\n1,2\r\n--fw--\r\n"
         "--=_outer\r\nContent-Type: multipart/digest; boundary=dg\r\n\r\n--dg\r\n\r\nSubject: first\r\n\r\nfirst of the digest\r\n"
         "--dg\r\n\r\nSubject: second\r\n\r\nsecond of the digest\r\n--dg--\r\n\r\n--=_outer--\r\n")
    send(talk, "From: carol@sender.test\r\nX-Originating-IP: [2001:db8::77]\r\nSubject: an old way\r\nUser-Agent: Handmade/2.0\r\n\r\n"
         "The file is below.\r\n\r\nbegin 600 hello.txt\r\n&:&5L;&\\*\r\n`\r\nend\r\n-- \r\n..signed\r\n")
    finish(talk)


def mime_hostile(case):
    """MIME that deceives: programs under other names, boundaries that nearly match, fields twice, senders and links that lie."""
    talk = begin(case, "hostile")
    send(talk, "From: \"service@bank.test\" <x@evil.test>\r\nFrom: y@evil.test\r\nSubject: =?no-such-charset?Q?=FF?= =?utf-8?Q?unfinished\r\n"
         "Content-Type: multipart/mixed; boundary=b; boundary=bb\r\nContent-Type: text/plain\r\n\r\n--b-- not the end\r\n--bb\r\n--b \t\r\n"
         "Content-Type: text/plain; name=invoice.pdf\r\nContent-Disposition: attachment; filename=\"../../..\\invoice.pdf.exe\"\r\n"
         "Content-Transfer-Encoding: base64\r\n\r\n" + base64_lines(PROGRAM, " *!")
         + "--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"photo\x1b[31m\0.png\"\r\n"
         "Content-Transfer-Encoding: base64\r\n\r\n" + base64_lines(PROGRAM)
         + "--b\r\nContent-Type: text/html\r\n\r\n<a href=\"http://evil.test/login\">https://www.bank.test/login</a>"
         "<a href='htt&#112;:\\\\evil.test/x'>x</a>\r\n--b--\r\n--b\r\n\r\nbehind the end\r\n")
    send(talk, "From: a@sender.test, b@sender.test\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         "Content-Type: application/octet-stream; name=plain.bin\r\n\r\nnot in base64 at all")
    send(talk, "From: a@sender.test\r\nContent-Type: message/rfc822; name=m.eml\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         + base64_lines(b"Subject: inside\r\nContent-Type: text/plain; name=inside.txt\r\n\r\nin base64 indeed"))
    send(talk, "From: a@sender.test\r\nContent-Type: multipart/mixed\r\nContent-Transfer-Encoding: rot13\r\n\r\nno boundary")
    send(talk, "From: a@sender.test\r\nContent-Type: multipart/mixed;\r\nboundary=c\r\n\r\n--c\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         "aGVsbG8=\r\naGVsbG8=\r\n--c\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d\r\n\r\nno end")
    send(talk, "From: a@sender.test\r\n" + "".join(f"X-{number}: bomb\r\n" for number in range(6000)) + "Subject: too late\r\n\r\nbody")
    finish(talk)


def mime_gap(case):
    """Bytes are missing in the middle of an attachment, and in the fields of a part; the parts behind are whole."""
    talk = begin(case, "gap")
    data = base64_lines(bytes(range(256)) * 40)
    send(talk, "From: carol@sender.test\r\nSubject: gap\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nbefore\r\n"
         "--b\r\nContent-Type: application/zip; name=torn.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + data[:5000], 3000,
         data[8000:] + "--b\r\n\r\nafter\r\n--b\r\nContent-Disposition: attachment; filename=first.txt\r\nContent-Ty", 40,
         "\r\n\r\nnot known how\r\n--b\r\nContent-Type: text/plain\r\n\r\nthe last\r\n--b--\r\n")
    finish(talk)


CONVERSATIONS = {"smtp/mime": (mime, 25), "smtp/mime-hostile": (mime_hostile, 25), "smtp/mime-gap": (mime_gap, 25)}

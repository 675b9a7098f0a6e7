#!/usr/bin/env python3
"""Plays SMTP dialogues that ordinary clients do not: grouped commands, rejections, BDAT.

smtp_client.py pipelining|rejected|bdat|chunking|lmtp|relay SERVER PORT; prints the dialogue as swaks does
(' -> ' sent, '<-  ' received), for truth_smtp.py.
"""
import socket
import sys


class Dialogue:
    """One SMTP connection, printed as it goes."""

    def __init__(self, server, port):
        self.socket = socket.create_connection((server, port), timeout=10)
        self.input = self.socket.makefile("rb")
        self.replies(1)

    def send(self, *lines):
        """Sends all lines in one write."""
        for line in lines:
            print(" ->", line)
        self.socket.sendall("".join(line + "\r\n" for line in lines).encode())

    def replies(self, count):
        """Reads that many replies, multi-line ones whole; returns the last one's code."""
        code = None
        while count > 0:
            line = self.input.readline().decode().rstrip("\r\n")
            if not line:
                raise SystemExit("the server closed the connection")
            print("<- ", line)
            if line[3:4] != "-":
                code = int(line[:3])
                count -= 1
        return code

    def ask(self, *lines):
        self.send(*lines)
        return self.replies(len(lines))

    def message(self, *lines):
        """The lines of a mail after 354, dots stuffed."""
        stuffed = ["." + line if line.startswith(".") else line for line in lines]
        self.send(*stuffed, ".")
        return self.replies(1)

    def send_chunk(self, text, last=False):
        data = text.encode()
        command = f"BDAT {len(data)}{' LAST' if last else ''}"
        print(" ->", command)
        self.socket.sendall(command.encode() + b"\r\n" + data)

    def chunk(self, text, last=False):
        self.send_chunk(text, last)
        return self.replies(1)


def mail(subject, *body):
    return ("From: carol@sender.test", "To: alice@example.test", f"Subject: {subject}",
            f"Message-ID: <{subject.replace(' ', '.')}@sender.test>", "", *body)


def pipelining(dialogue):
    dialogue.ask("EHLO client.example.test")
    dialogue.ask("MAIL FROM:<carol@sender.test> SIZE=300", "RCPT TO:<alice@example.test>",
                 "RCPT TO:<bob@example.test>", "DATA")
    dialogue.message(*mail("first of three", "one"))
    # The envelope of a mail that is never sent, and the next one's, in the same segment.
    dialogue.ask("MAIL FROM:<dropped@sender.test>", "RCPT TO:<alice@example.test>", "RSET",
                 "MAIL FROM:<dave@sender.test>", "RCPT TO:<bob@example.test>", "DATA")
    # The end of the second mail and the whole envelope of the third travel together.
    dialogue.send(*mail("second of three", "..a dot, stuffed", "two"), ".",
                  "MAIL FROM:<erin@sender.test>", "RCPT TO:<nobody@example.test>",
                  "RCPT TO:<alice@example.test>", "DATA")
    dialogue.replies(5)
    dialogue.send(*mail("third of three", "three"), ".", "QUIT")
    dialogue.replies(2)


def rejected(dialogue):
    dialogue.ask("EHLO client.example.test")
    dialogue.ask("MAIL FROM:<banned@sender.test>")
    dialogue.ask("RCPT TO:<alice@example.test>")
    dialogue.ask("RSET")
    dialogue.ask("MAIL FROM:<carol@sender.test> SIZE=1000000")
    dialogue.ask("RSET")
    dialogue.ask("MAIL FROM:<carol@sender.test>")
    dialogue.ask("RCPT TO:<nobody@example.test>")
    dialogue.ask("RCPT TO:<someone@elsewhere.test>")
    dialogue.ask("DATA")
    dialogue.ask("RSET")
    dialogue.ask("MAIL FROM:<carol@sender.test>")
    dialogue.ask("RCPT TO:<alice@example.test>")
    dialogue.ask("DATA")
    dialogue.message(*mail("you won the lottery", "send money"))
    dialogue.ask("QUIT")


def bdat(dialogue):
    dialogue.ask("EHLO client.example.test")
    dialogue.ask("MAIL FROM:<carol@sender.test> BODY=8BITMIME")
    dialogue.ask("RCPT TO:<alice@example.test>")
    text = "\r\n".join(mail("in chunks", ".not stuffed", "QUIT", "grüße", "."))
    dialogue.chunk(text[:50])
    dialogue.chunk(text[50:] + "\r\n")
    dialogue.chunk("", last=True)
    dialogue.ask("MAIL FROM:<dave@sender.test>", "RCPT TO:<bob@example.test>")
    dialogue.chunk("\r\n".join(mail("one chunk", "whole")) + "\r\n", last=True)
    dialogue.ask("MAIL FROM:<erin@sender.test>", "RCPT TO:<bob@example.test>", "DATA")
    dialogue.message(*mail("with data", "BDAT 99999 LAST", "as ever"))
    dialogue.ask("QUIT")


def chunking(dialogue):
    """What a relay sends that knows PIPELINING and CHUNKING: envelope and chunks in groups."""
    dialogue.ask("EHLO client.example.test")
    for number, size in enumerate((400, 3000), 1):
        dialogue.send("MAIL FROM:<carol@sender.test> SIZE=5000", "RCPT TO:<alice@example.test>",
                      "RCPT TO:<nobody@example.test>", "RCPT TO:<bob@example.test>")
        text = "\r\n".join(mail(f"chunk {number}", *("line %d" % line for line in range(size // 10)), "."))
        dialogue.send_chunk(text[:size // 2])
        dialogue.send_chunk(text[size // 2:] + "\r\n", last=True)
        dialogue.replies(6)
    dialogue.ask("MAIL FROM:<carol@sender.test>", "RCPT TO:<nobody@example.test>", "RSET")
    dialogue.ask("MAIL FROM:<dave@sender.test>", "RCPT TO:<bob@example.test>")
    dialogue.chunk("\r\n".join(mail("you won the lottery", "send money")) + "\r\n", last=True)
    dialogue.ask("MAIL FROM:<erin@sender.test>", "RCPT TO:<bob@example.test>", "DATA")
    dialogue.message(*mail("with data", "as ever"))
    dialogue.ask("MAIL FROM:<dropped@sender.test>", "RCPT TO:<alice@example.test>", "RSET", "QUIT")


def relay(dialogue):
    dialogue.ask("EHLO client.example.test")
    dialogue.ask("MAIL FROM:<carol@sender.test>")
    dialogue.ask("RCPT TO:<nobody@example.test>")
    dialogue.ask("RCPT TO:<alice@example.test>")
    dialogue.ask("RCPT TO:<someone@elsewhere.test>")
    dialogue.ask("DATA")
    dialogue.message(*mail("for alice alone", ".dot", "https://www.example.test/"))
    dialogue.ask("MAIL FROM:<dropped@sender.test>")
    dialogue.ask("RSET")
    dialogue.ask("MAIL FROM:<dave@sender.test>")
    dialogue.ask("RCPT TO:<bob@example.test>")
    dialogue.ask("DATA")
    dialogue.message(*mail("for bob", "as ever"))
    dialogue.ask("QUIT")


def lmtp(dialogue):
    """After the data each accepted recipient gets a reply."""
    dialogue.ask("LHLO client.example.test")
    dialogue.ask("MAIL FROM:<carol@sender.test>", "RCPT TO:<alice@example.test>", "RCPT TO:<nobody@example.test>",
                 "RCPT TO:<bob@example.test>", "DATA")
    dialogue.message(*mail("for two mailboxes", ".one", "two"))
    dialogue.replies(1)
    dialogue.ask("MAIL FROM:<dave@sender.test>", "RCPT TO:<bob@example.test>", "DATA")
    dialogue.message(*mail("for one mailbox", "three"))
    dialogue.ask("QUIT")


if __name__ == "__main__":
    script, address, number = sys.argv[1:]
    {"pipelining": pipelining, "rejected": rejected,
     "bdat": bdat, "chunking": chunking,
     "lmtp": lmtp, "relay": relay}[script](Dialogue(address, int(number)))

#!/usr/bin/env python3
"""Writes hand-made FTP sessions with their data connections: where and when they come, how a file lies in them.

ftp_data.py --out DIR [ftp/CASE...]   writes DIR/ftp/CASE/ (all of them by default)

Valid Ethernet, IPv4 and TCP with right checksums and handshakes. What is transferred is told in truth.json with its SHA-256,
as the script knows it and not as wirescribe reads it; check() compares it with the case's expected rows.
"""
import argparse
import hashlib
import json
import pathlib
import re
import struct
import zlib

import handmade
import packets as tcp

CLIENT, SERVER, THIRD = "198.51.100.2", "198.51.100.21", "198.51.100.99"
START = 1800000000000000
SEGMENT = 1400


class Network:
    """All connections of one case, one clock."""

    def __init__(self):
        self.time = START
        self.frames = []
        self.ports = 40000
        self.truth = []

    def connect(self, client, server, port, source_port=None):
        self.ports += 1
        return Connection(self, (client, source_port or self.ports), (server, port))

    def session(self, client=CLIENT, server=SERVER):
        control = Control(self, (client, self.next_port()), (server, 21))
        control.server("220 ready").ask("USER alice", "331 password").ask("PASS secret", "230 in").ask("PWD", '257 "/" is the directory')
        return control

    def next_port(self):
        self.ports += 1
        return self.ports

    def moves(self, name, data, **facts):
        """What a whole file holds, for truth.json."""
        self.truth.append({"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **facts})
        return data


class Connection:
    def __init__(self, network, client, server, is_open=True):
        self.network = network
        self.ends = {"client": client, "server": server}
        self.sequence = {"client": 1000 + client[1], "server": 5000 + server[1]}
        if is_open:
            self.packet("client", tcp.SYN)
            self.packet("server", tcp.SYN | tcp.ACK)
            self.packet("client", tcp.ACK)

    def packet(self, side, flags, payload=b""):
        other = "server" if side == "client" else "client"
        self.network.frames.append((self.network.time, tcp.tcp_frame(self.ends[side], self.ends[other], self.sequence[side],
                                                                     self.sequence[other] if flags & tcp.ACK else 0, flags, payload)))
        self.network.time += 250
        self.sequence[side] = (self.sequence[side] + len(payload) + bool(flags & (tcp.SYN | tcp.FIN))) % (1 << 32)

    def say(self, side, data):
        data = data.encode() if isinstance(data, str) else data
        other = "server" if side == "client" else "client"
        for at in range(0, len(data), SEGMENT):
            self.packet(side, tcp.ACK | tcp.PSH, data[at:at + SEGMENT])
            if at // SEGMENT % 20 == 19:
                self.packet(other, tcp.ACK)
        self.packet(other, tcp.ACK)
        return self

    def close(self, side="server"):
        other = "server" if side == "client" else "client"
        self.packet(side, tcp.ACK | tcp.FIN)
        self.packet(other, tcp.ACK | tcp.FIN)
        self.packet(side, tcp.ACK)

    def reset(self, side="client"):
        self.packet(side, tcp.ACK | tcp.RST)


class Control(Connection):
    def client(self, line):
        return self.say("client", line + "\r\n")

    def server(self, *lines):
        return self.say("server", "".join(line + "\r\n" for line in lines))

    def ask(self, line, *answer):
        return self.client(line).server(*answer)

    def announce(self, command, port, address=None):
        """PASV, EPSV, LPSV and their answers; PORT, EPRT, LPRT and a 200. The address is the one that is written."""
        address = address or self.ends["server" if command.endswith("V") else "client"][0]
        numbers = ",".join(address.split(".") + [str(port >> 8), str(port & 255)])
        long = ",".join(["4", "4", *address.split("."), "2", str(port >> 8), str(port & 255)])
        lines = {"PASV": ("PASV", f"227 Entering Passive Mode ({numbers})."), "EPSV": ("EPSV", f"229 Extended Passive (|||{port}|)"),
                 "LPSV": ("LPSV", f"228 Entering Long Passive Mode ({long})"), "PORT": (f"PORT {numbers}", "200 PORT ok"),
                 "EPRT": (f"EPRT |1|{address}|{port}|", "200 EPRT ok"), "LPRT": (f"LPRT {long}", "200 LPRT ok")}
        return self.ask(*lines[command])

    def data(self, port, is_passive=True, server=None):
        ends = self.ends["client"][0], server or self.ends["server"][0]
        if is_passive:
            return self.network.connect(*ends, port)
        return self.network.connect(ends[1], ends[0], port, 20 + self.network.next_port())

    def get(self, command, data, port, mode="PASV", answer="150 here it comes", done="226 done"):
        """One download or listing, whole."""
        self.announce(mode, port)
        is_passive = mode.endswith("V")
        self.client(command)
        connection = self.data(port, is_passive) if is_passive else None
        self.server(answer)
        connection = connection or self.data(port, is_passive)
        connection.say("server" if is_passive else "client", data)
        connection.close("server" if is_passive else "client")
        return self.server(done)

    def put(self, command, data, port, mode="PASV", done="226 done"):
        self.announce(mode, port)
        is_passive = mode.endswith("V")
        self.client(command).server("150 send it")
        connection = self.data(port, is_passive)
        connection.say("client" if is_passive else "server", data)
        connection.close("client" if is_passive else "server")
        return self.server(done)

    def leave(self):
        self.ask("QUIT", "221 bye").close()


def text(name, size):
    line = f"this is a line of {name} and here comes the next one\n".encode()
    return (line * (size // len(line) + 1))[:size]


# ------------------------------------------------------------------ where and when

def early(net):
    """Data connections that stand in the capture before the reply that announces them: the handshake alone, a whole file, a
    file that is longer than what identification keeps, a listing, and one too long to be kept, of which only the size is known."""
    control = net.session()
    control.ask("TYPE I", "200 binary")
    # the handshake alone
    control.client("PASV")
    first = control.data(50001)
    control.server("227 Entering Passive Mode (198,51,100,21,195,81)").client("RETR one.txt").server("150 here (40 bytes)")
    first.say("server", net.moves("one.txt", text("one", 40))).close()
    control.server("226 done")
    for number, (name, size) in enumerate((("two.txt", 900), ("three.txt", 30000), ("list", 0), ("four.txt", 300000))):
        port = 50002 + number
        rows = b"-rw-r--r-- 1 a b 12 Jan 31 12:34 early.txt\r\n"
        data = rows if name == "list" else text(name, size)
        if name == "four.txt":
            net.truth.append({"name": name, "size": size, "sha256": None})
        elif name != "list":
            net.moves(name, data)
        control.client("PASV")
        data_connection = control.data(port)
        data_connection.say("server", data).close()
        control.server(f"227 Entering Passive Mode (198,51,100,21,{port >> 8},{port & 255})")
        control.client("LIST" if name == "list" else f"RETR {name}")
        control.server("150 here it comes" if name == "list" else f"150 here ({size} bytes)", "226 done")
    control.leave()


def nat(net):
    """Addresses behind translation: a server that announces its private address, a client that does, and ports that are used again."""
    control = net.session()
    control.ask("TYPE I", "200 binary")
    for number, name in enumerate(("a.txt", "b.txt")):
        control.announce("PASV", 50100, "10.1.2.3").client(f"RETR {name}")
        data = control.data(50100)
        control.server("150 here it comes")
        data.say("server", net.moves(name, text(name, 500 + number))).close()
        control.server("226 done")
    control.announce("PORT", 50200, "192.168.7.7").client("RETR c.txt").server("150 here it comes")
    data = control.data(50200, is_passive=False)
    data.say("client", net.moves("c.txt", text("c", 700))).close("client")
    control.server("226 done")
    # two PASV in a row: the later one counts; and a stranger at the first port is nobody's
    control.announce("PASV", 50301).announce("PASV", 50302).client("RETR d.txt").server("150 here it comes")
    stranger = net.connect("203.0.113.5", SERVER, 50301)
    stranger.say("server", b"SSH-2.0-stranger\r\n").say("client", b"SSH-2.0-guest\r\n").close()
    control.data(50302).say("server", net.moves("d.txt", text("d", 300))).close()
    control.server("226 done").leave()


def announced(net):
    """Every way to announce a data connection: PORT, EPRT, LPRT, PASV, EPSV, LPSV, EPSV ALL; an active port used for two transfers;
    PASV and RETR in one segment; two transfers of two sessions at once."""
    control = net.session()
    control.ask("TYPE I", "200 binary")
    for number, mode in enumerate(("PORT", "EPRT", "LPRT", "PASV", "EPSV", "LPSV")):
        control.get(f"RETR {mode}.txt", net.moves(f"{mode}.txt", text(mode, 100 + number)), 50400 + number, mode)
    control.announce("PORT", 50410)
    for name in ("twice.1", "twice.2"):
        control.client(f"RETR {name}").server("150 here it comes")
        control.data(50410, is_passive=False).say("client", net.moves(name, text(name, 50))).close("client")
        control.server("226 done")
    control.ask("EPSV ALL", "200 EPSV only").ask("PASV", "501 EPSV only")
    control.client("EPSV\r\nRETR pipelined.txt").server("229 Extended Passive (|||50420|)")
    data = control.data(50420)
    control.server("150 here it comes")
    other = net.session("198.51.100.3")
    other.ask("TYPE I", "200 binary").announce("PASV", 50421).client("STOR other.txt").server("150 send it")
    other_data = other.data(50421)
    data.say("server", net.moves("pipelined.txt", text("pipelined", 2000))[:1400])
    other_data.say("client", net.moves("other.txt", text("other", 3000))[:1400])
    data.say("server", text("pipelined", 2000)[1400:]).close()
    control.server("226 done")
    other_data.say("client", text("other", 3000)[1400:]).close("client")
    other.server("226 done").leave()
    control.leave()


def bounce(net):
    """What points elsewhere: PORT to a third host, accepted and refused; PORT to a port of services; a client that names its private
    address; a server that sends its client to a third host, where a stranger's connection stays a stranger's."""
    control = net.session()
    control.announce("PORT", 6000, THIRD).ask("LIST", "150 here it comes", "226 done")
    control.ask("PORT 198,51,100,99,0,25", "500 no").ask("PORT 198,51,100,2,0,80", "200 ok").ask("PORT 192,168,7,7,200,1", "200 ok")
    # a stranger at the endpoint that was named is no data connection
    control.announce("PASV", 50501, THIRD)
    stranger = net.connect("203.0.113.5", THIRD, 50501)
    stranger.say("server", b"SSH-2.0-stranger\r\n").say("client", b"SSH-2.0-guest\r\n").close()
    control.leave()


# ------------------------------------------------------------------ how a file lies in it

def blocks(*parts):
    return b"".join(struct.pack("!BH", descriptor, len(data)) + data for descriptor, data in parts)


def modes(net):
    """Block mode with a restart marker, record structure, compressed mode, MODE Z both ways, and bytes that are not in the mode that
    was agreed. What is hashed is the file."""
    control = net.session()
    control.ask("TYPE I", "200 binary").ask("MODE B", "200 block")
    data = net.moves("block.bin", text("block", 3000))
    control.get("RETR block.bin", blocks((0, data[:1000]), (16, b"1000"), (0, data[1000:]), (64, b"")), 50600)
    control.ask("STRU R", "200 records")
    net.moves("records.txt", b"one\ntwo\nthree\n")
    control.put("STOR records.txt", blocks((128, b"one"), (128, b"two"), (192, b"three")), 50601)
    control.get("RETR unended.bin", blocks((0, b"no mark of the end")), 50602)
    control.ask("MODE S", "200 stream").get("RETR records.txt", net.moves("records.txt", b"one\ntwo\xff\n").replace(b"\xff", b"\xff\xff")
                                             .replace(b"\n", b"\xff\x01") + b"\xff\x02", 50603)
    control.ask("STRU F", "200 file").ask("MODE C", "200 compressed").ask("TYPE A", "200 text")
    net.moves("compressed.txt", b"abc" + b"x" * 40 + b" " * 5 + b"!")
    control.get("RETR compressed.txt", b"\x03abc\xa8x\xc5\x01!\x00\x40", 50604)
    control.ask("TYPE I", "200 binary").ask("MODE Z", "200 deflate")
    data = net.moves("deflated.txt", text("deflated", 20000))
    control.get("RETR deflated.txt", zlib.compress(data), 50605, answer="150 here (20000 bytes)")
    control.put("STOR deflated.txt", zlib.compress(net.moves("deflated.txt", text("sent", 9000))), 50606)
    control.get("LIST", zlib.compress(b"-rw-r--r-- 1 a b 12 Jan 31 12:34 deflated.txt\r\n"), 50607)
    control.get("RETR plain.txt", text("plain", 100), 50608)
    control.leave()


def listings(net):
    """Listings of every form: Unix, with links, devices and subdirectories, DOS and IIS, MLSD, MLST, STAT, NLST, EPLF; of one file; a line
    that fits no form."""
    control = net.session()
    control.ask("CWD pub", "250 ok").ask("PWD", '257 "/pub"')
    unix = ("total 24", "drwxr-xr-x   2 root  wheel   4096 Nov 25 2025 in coming", "-rw-r--r--   1 alice users  12345 Jan 31 12:34 notes.txt",
            "lrwxrwxrwx   1 root  root        8 Jan  1 00:00 latest -> v1.2/bin", "brw-rw----   1 root  disk   8, 0 Jan  1 00:00 sda",
            "-rw-r--r--   1 alice    77 Feb 28  2024 no group", "?? who can tell")
    control.get("LIST -la", "".join(line + "\r\n" for line in unix), 50700)
    control.get("LIST -R new", ".:\r\ndrwxr-xr-x 2 a b 4096 Jan 31 12:34 sub\r\n\r\n./sub:\r\n-rw-r--r-- 1 a b 1 Jan 31 12:34 deep.txt\r\n", 50701)
    control.get("LIST *.txt", "-rw-r--r-- 1 a b 1 Jan 31 12:34 glob.txt\r\n", 50702)
    control.get("LIST notes.txt", "-rw-r--r-- 1 a b 12345 Jan 31 12:34 notes.txt\r\n", 50703)
    control.get("LIST /c", "01-31-26  03:04PM       <DIR>          Program Files\r\n01-31-2026  11:59AM             12345678 a b.txt\r\n", 50704)
    facts = ("type=cdir;modify=20260131120000;perm=el; /pub", "type=file;size=12345;modify=20260131123456.789;UNIX.mode=0644;UNIX.owner=alice;"
             "UNIX.group=users;unique=801U2; notes.txt", "type=OS.unix=slink:/v1.2;size=8; latest")
    control.get("MLSD", "".join(line + "\r\n" for line in facts), 50705)
    control.get("NLST", "notes.txt\r\nin coming", 50706)
    control.get("NLST sub", "sub/a\r\nsub/b\r\n", 50707)
    control.get("LIST", "+i8388621.29609,m824255902,/,\tdev\r\n+i8388621.44468,m839956783,r,s10376,\tRFC\r\n", 50708)
    control.ask("MLST notes.txt", "250-Listing notes.txt", " type=file;size=12345;modify=20260131123456; /pub/notes.txt", "250 End")
    control.ask("STAT /pub", "213-Status of /pub:", "-rw-r--r--   1 alice users  12345 Jan 31 12:34 notes.txt", "213 End of status")
    control.leave()


# ------------------------------------------------------------------ whether it is whole

def aborted(net):
    """Transfers that are not whole, and those that are: refused, aborted by ABOR and by the server, shorter than announced, reset, closed by
    the receiver, told by SIZE and ALLO; without a final reply."""
    control = net.session()
    control.ask("TYPE I", "200 binary").announce("PASV", 50800).ask("RETR none.txt", "550 no such file")
    data = control.data(50800)
    data.close()
    control.announce("PASV", 50801).client("RETR abor.bin").server("150 here (100000 bytes)")
    data = control.data(50801)
    data.say("server", text("abor", 20000))
    control.client("ABOR")
    data.close()
    control.server("426 aborted", "226 abort successful")
    control.announce("PASV", 50802).client("RETR quiet.bin").server("150 here it comes")
    data = control.data(50802)
    data.say("server", text("quiet", 5000))
    control.client("ABOR")
    data.close()
    control.server("226 aborted").server("226 nothing to abort")
    control.get("RETR failed.bin", text("failed", 3000), 50803, done="451 disk error")
    control.get("RETR short.bin", text("short", 3000), 50804, answer="150 here (5000 bytes)")
    control.ask("SIZE sized.bin", "213 4000").get("RETR sized.bin", text("sized", 3999), 50805)
    control.get("RETR sized.bin", net.moves("sized.bin", text("sized", 4000)), 50806)
    control.ask("ALLO 6000", "200 ok").put("STOR promised.bin", text("promised", 2500), 50807)
    control.announce("PASV", 50808).client("RETR reset.bin").server("150 here it comes")
    data = control.data(50808)
    data.say("server", text("reset", 2000)).reset("client")
    control.server("226 done")
    control.announce("PASV", 50809).client("RETR closed.bin").server("150 here (90000 bytes)")
    data = control.data(50809)
    data.say("server", text("closed", 2000)).close("client")
    control.server("426 broken pipe")
    control.announce("PASV", 50810).client("RETR last.bin").server("150 here (1500 bytes)")
    data = control.data(50810)
    data.say("server", net.moves("last.bin", text("last", 1500))).close()


def resumed(net):
    """REST before RETR and STOR, APPE, and an offset beyond 32 bits; sizes that servers give of the whole file and of the rest."""
    control = net.session()
    control.ask("TYPE I", "200 binary").ask("REST 1000", "350 go on")
    control.get("RETR whole.bin", text("whole", 3000)[1000:], 50900, answer="150 here (3000 bytes)")
    control.ask("REST 1000", "350 go on").get("RETR rest.bin", text("rest", 3000)[1000:], 50901, answer="150 here (2000 bytes)")
    control.ask("REST 5368709120", "350 go on").get("RETR big.iso", text("big", 600), 50902, answer="150 here (5368709720 bytes)")
    control.ask("REST 500", "350 go on").put("STOR up.bin", text("up", 700), 50903)
    control.put("APPE log.txt", text("log", 800), 50904)
    control.get("RETR from.beginning", net.moves("from.beginning", text("from", 900)), 50905)
    control.leave()


def protected(net):
    """A session in the clear behind CCC, begun before the capture, whose data connections are inside TLS: passive and active, a listing, and
    one whose file only looks like TLS at first."""
    control = Control(net, (CLIENT, net.next_port()), (SERVER, 21), is_open=False)
    control.ask("TYPE I", "200 binary").ask("PWD", '257 "/"')
    hello = handmade.tls_handshake(1, b"\3\3" + bytes(range(32)) + b"\0" + struct.pack("!HH", 2, 0xC02F) + b"\1\0" + b"\0\0")
    answer = handmade.tls_handshake(2, b"\3\3" + bytes(range(32, 64)) + b"\0" + struct.pack("!HB", 0xC02F, 0) + b"\0\0")
    sealed = handmade.tls_record(23, bytes(range(256)) * 4)
    for number, (command, mode) in enumerate((("RETR secret.bin", "PASV"), ("STOR secret.bin", "PASV"), ("RETR secret.bin", "PORT"), ("LIST", "PASV"))):
        control.announce(mode, 51000 + number).client(command).server("150 here it comes")
        data = control.data(51000 + number, mode == "PASV")
        ftp_client, ftp_server = ("client", "server") if mode == "PASV" else ("server", "client")
        data.say(ftp_client, hello).say(ftp_server, answer)
        sender = ftp_client if command.startswith("STOR") else ftp_server
        data.say(sender, sealed).close(sender)
        control.server("226 done")
    control.get("RETR looks.bin", net.moves("looks.bin", b"\x16\x03\x01\x02\x00\x01\x00\x00\x00 is no TLS"), 51010)
    control.get("RETR little.bin", net.moves("little.bin", b"\x16\x03\x01"), 51011)
    control.leave()


CASES = {"ftp/early": early, "ftp/nat": nat, "ftp/announced": announced, "ftp/bounce": bounce, "ftp/modes": modes, "ftp/listings": listings,
         "ftp/aborted": aborted, "ftp/resumed": resumed, "ftp/protected": protected}


def write(name, out):
    net = Network()
    CASES[name](net)
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    tcp.write(folder / "capture.pcap", net.frames)
    (folder / "truth.json").write_text(json.dumps({"case": name, "protocol": "ftp", "sources": ["tests/record/ftp_data.py"], "files": net.truth},
                                                  indent=2) + "\n")
    purpose = re.sub(r"\s+", " ", CASES[name].__doc__)
    (folder / "README.md").write_text(f"# {name}\n\nPurpose: {purpose}\n\nOrigin: hand-made packets with right checksums.\n\n"
                                      f"Made by: `tests/record/ftp_data.py --out tests {name}`\n")


def check(name, out):
    """Every file of truth.json must stand in the expected rows, with that digest, and no other complete one."""
    rows = re.findall(r"== files \d+\n(.*?)\n\n", (out / name / "expected").read_text() + "\n\n", re.S)
    found = sorted((match(row, "name"), match(row, "sha256")) for row in rows if match(row, "complete") == "1")
    wanted = sorted((file["name"], file["sha256"] or "NULL") for file in json.loads((out / name / "truth.json").read_text())["files"])
    return [f"{name}: {what}" for what in sorted(set(found) ^ set(wanted))]


def match(row, column):
    value = re.search(rf"^{column}: +(.*)$", row, re.M).group(1)
    return value.strip('"')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--check", action="store_true", help="compare the expected rows with what was sent instead")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    complaints = []
    for name in options.cases or CASES:
        if name not in CASES:
            parser.error(f"no such case: {name}; known: {' '.join(CASES)}")
        if options.check:
            complaints += check(name, options.out)
        else:
            write(name, options.out)
    raise SystemExit("\n".join(complaints) if complaints else 0)


if __name__ == "__main__":
    main()

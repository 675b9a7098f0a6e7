"""Reads and writes the captures of the test cases, and accounts for their TCP connections.

Classic pcap with microseconds and Ethernet only, IPv4 and IPv6 without fragments: what the
recording scripts make. Used by derive.py, hostile.py and compare.py.
"""
import dataclasses
import ipaddress
import struct

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


@dataclasses.dataclass
class Packet:
    """One TCP segment: time in microseconds, the frame's bytes, and where its parts say it belongs."""
    time: int
    frame: bytes
    source: tuple
    target: tuple
    sequence: int
    flags: int
    payload: bytes

    @property
    def connection(self):
        return tuple(sorted((self.source, self.target)))


def parse(time, frame):
    ethertype = struct.unpack_from("!H", frame, 12)[0]
    if ethertype == 0x0800:
        header = 14 + (frame[14] & 15) * 4
        end = 14 + struct.unpack_from("!H", frame, 16)[0]
        source, target = frame[26:30], frame[30:34]
        protocol = frame[23]
    elif ethertype == 0x86DD:
        header = 54
        end = 54 + struct.unpack_from("!H", frame, 18)[0]
        source, target = frame[22:38], frame[38:54]
        protocol = frame[20]
    else:
        return None
    if protocol != 6:
        return None
    source_port, target_port, sequence, _, offset, flags = struct.unpack_from("!HHIIBB", frame, header)
    return Packet(time, frame, (str(ipaddress.ip_address(source)), source_port),
                  (str(ipaddress.ip_address(target)), target_port), sequence, flags & 63,
                  frame[header + (offset >> 4) * 4:end])


def read(path):
    """All TCP packets of a capture, in order."""
    data = path.read_bytes()
    magic, _, _, _, _, _, link_type = struct.unpack_from("<IHHiIII", data)
    if magic != 0xA1B2C3D4 or link_type != 1:
        raise SystemExit(f"{path}: not a little-endian microsecond Ethernet pcap")
    packets, at = [], 24
    while at + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack_from("<IIII", data, at)
        packet = parse(seconds * 1000000 + micros, data[at + 16:at + 16 + length])
        if packet:
            packets.append(packet)
        at += 16 + length
    return packets


def write(path, packets):
    """Writes (time, frame) or Packet items."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for packet in packets:
            time, frame = (packet.time, packet.frame) if isinstance(packet, Packet) else packet
            out.write(struct.pack("<IIII", time // 1000000, time % 1000000, len(frame), len(frame)))
            out.write(frame)


# ------------------------------------------------------------------ accounting

def roles(packets):
    """{connection: client end point}: its SYN, else who sent the first packet."""
    clients = {}
    for packet in packets:
        if packet.flags & SYN:
            opener = packet.target if packet.flags & ACK else packet.source
            clients.setdefault(packet.connection, opener)
    for packet in packets:
        clients.setdefault(packet.connection, packet.source)
    return clients


def merge(ranges):
    merged = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def account(packets, clients=None):
    """For each connection, in order of its first packet: packets and distinct payload bytes a side.

    Sequence numbers in these captures do not wrap more than once; offsets are taken relative to
    the side's first segment.
    """
    clients = clients or roles(packets)
    found = {}
    for packet in packets:
        client = clients[packet.connection]
        server = next(end for end in packet.connection if end != client)
        row = found.setdefault(packet.connection, {
            "client_ip": client[0], "client_port": client[1], "server_ip": server[0],
            "server_port": server[1], "client_packets": 0, "server_packets": 0,
            "handshake_seen": False, "ranges": {"client": [], "server": []}, "base": {}})
        side = "client" if packet.source == client else "server"
        row[side + "_packets"] += 1
        row["handshake_seen"] |= bool(packet.flags & SYN)
        base = row["base"].setdefault(side, packet.sequence)
        if packet.payload:
            start = (packet.sequence - base + (1 << 31)) % (1 << 32) - (1 << 31)
            start += 1 if packet.flags & SYN else 0
            row["ranges"][side].append((start, start + len(packet.payload)))
    rows = []
    for row in found.values():
        for side in ("client", "server"):
            ranges = merge(row["ranges"][side])
            row[side + "_bytes"] = sum(end - start for start, end in ranges)
            row[side + "_holes"] = [[a[1], b[0]] for a, b in zip(ranges, ranges[1:])]
        del row["ranges"], row["base"]
        rows.append(row)
    return rows


# ------------------------------------------------------------------ making packets

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_frame(source, target, sequence, acknowledged, flags, payload=b"", urgent=0):
    """An Ethernet frame with IPv4 and TCP, checksums right; source and target are (ip, port)."""
    addresses = ipaddress.ip_address(source[0]).packed + ipaddress.ip_address(target[0]).packed
    header = struct.pack("!HHIIBBHHH", source[1], target[1], sequence % (1 << 32),
                         acknowledged % (1 << 32), 5 << 4, flags, 64240, 0, urgent)
    pseudo = addresses + struct.pack("!BBH", 0, 6, len(header) + len(payload))
    header = header[:16] + struct.pack("!H", checksum(pseudo + header + payload)) + header[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(payload), 0, 0x4000, 64, 6, 0) + addresses
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return bytes.fromhex("020000000001020000000002" "0800") + ip + header + payload

#!/usr/bin/env python3
"""The path between the two namespaces of ssh_sessions.py: delay, jitter, loss, and the capture in its middle.

ssh_relay.py --client NAMESPACE --server NAMESPACE --paths paths.json --out capture.pcap

A tun device stands in each namespace; this process carries the IP packets from one to the other. Kernels without netem
do, and the tap has a place of its own on the path: what is lost before it was never seen, what is lost behind it is seen
twice. paths.json holds for each session's number (the last byte of both addresses)
  before, after    seconds between client and tap, between tap and server, each way
  jitter           seconds at most on top of each; packets of one direction keep their order
  loss_before, loss_after    probability that a packet is lost on that part
Ends on SIGTERM; the capture is whole then.
"""
import argparse
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import signal
import struct
import subprocess
import time

TUNSETIFF = 0x400454CA
IFF_TUN_WITHOUT_HEADER = 0x1001
LARGEST_PACKET = 65535
CLIENT, SERVER = 0, 1
ETHERNET = (b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0", b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0")


def open_tun(namespace, name, address):
    """A tun device inside a namespace, its descriptor here."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(there, 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN_WITHOUT_HEADER))
    libc.setns(home, 0)
    os.close(there)
    os.close(home)
    for command in (["addr", "add", f"{address}/32", "dev", name], ["link", "set", name, "mtu", "1500", "txqueuelen", "2000", "up"]):
        subprocess.run(["ip", "-n", namespace, *command], check=True)
    return tun


class Relay:
    def __init__(self, tuns, paths, out):
        self.tuns, self.paths, self.out = tuns, paths, out
        self.random = random.Random(paths.get("seed", 1))
        self.waiting = []  # (due, order, stage, from side, packet)
        self.order = 0
        self.last_due = {}  # (number, side, stage): packets of one direction stay in order
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, LARGEST_PACKET, 1))

    def path_of(self, packet, side):
        number = packet[19] if side == CLIENT else packet[15]
        return number, self.paths.get(str(number), {})

    def travel(self, packet, side, stage):
        """Puts a packet onto the first (0) or second (1) part of its way, seen from its sender."""
        number, path = self.path_of(packet, side)
        part = "before" if (stage == 0) == (side == CLIENT) else "after"
        if self.random.random() < path.get("loss_" + part, 0):
            return
        due = time.time() + path.get(part, 0) + self.random.random() * path.get("jitter", 0)
        key = (number, side, stage)
        due = max(due, self.last_due.get(key, 0))
        self.last_due[key] = due
        self.order += 1
        heapq.heappush(self.waiting, (due, self.order, stage, side, packet))

    def arrive(self, stage, side, packet):
        if stage == 0:
            now = time.time_ns() // 1000
            size = len(packet) + 14
            self.out.write(struct.pack("<IIII", now // 1000000, now % 1000000, size, size) + ETHERNET[side] + packet)
            self.travel(packet, side, 1)
            return
        try:
            os.write(self.tuns[1 - side], packet)
        except OSError:
            pass  # the other end is gone or full: lost like any packet

    def run(self):
        poll = select.poll()
        for tun in self.tuns:
            poll.register(tun, select.POLLIN)
        while not stopping:
            now = time.time()
            while self.waiting and self.waiting[0][0] <= now:
                _, _, stage, side, packet = heapq.heappop(self.waiting)
                self.arrive(stage, side, packet)
            wait = 200 if not self.waiting else max(0, min(200, (self.waiting[0][0] - time.time()) * 1000))
            for descriptor, _ in poll.poll(wait):
                self.take(self.tuns.index(descriptor))
        self.out.flush()

    def take(self, side):
        for _ in range(64):
            try:
                packet = os.read(self.tuns[side], LARGEST_PACKET)
            except BlockingIOError:
                return
            if len(packet) >= 40 and packet[0] == 0x45:  # IPv4 alone; no session uses another
                self.travel(packet, side, 0)


stopping = False


def stop(*_):
    global stopping
    stopping = True


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("client", "server", "paths", "out", "ready"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    tuns = [open_tun(options.client, "path0", "10.78.2.254"), open_tun(options.server, "path0", "10.78.1.254")]
    with open(options.paths, encoding="utf-8") as file:
        paths = json.load(file)
    with open(options.out, "wb") as out:
        with open(options.ready, "w", encoding="utf-8") as ready:
            ready.write("ready\n")
        try:
            os.nice(-10)
        except OSError:
            pass
        Relay(tuns, paths, out).run()


if __name__ == "__main__":
    main()

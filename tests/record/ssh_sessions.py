#!/usr/bin/env python3
"""Records a batch of randomized SSH sessions with the truth about each (called by ssh_sessions.sh, which opens the namespaces).

ssh_sessions.py --network NAME --work FOLDER --out FOLDER --seed N [--sessions N] [--only BEHAVIOUR,...] [--largest BYTES]

All sessions of a batch run at the same time, each between a client and a server address of its own, over a path of its own
(ssh_relay.py). The truth is what the server's log says; it must agree with the client's log and with what the driver did, else
the session is left out of the capture, and its reason printed. FOLDER gets capture.pcap and truth.json.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True

import ssh_behaviours
import ssh_drive
import ssh_logs
import ssh_plan
from ssh_drive import Unrecorded

HERE = os.path.dirname(os.path.abspath(__file__))
ALL_CIPHERS = "+aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc"
ALL_MACS = "+hmac-sha1-96,hmac-md5"


class World:
    """What all sessions of a batch share: namespaces, keys, services."""

    def __init__(self, network, work, rng):
        self.work, self.rng = work, rng
        self.client_namespace, self.server_namespace = network + "-client", network + "-server"
        self.remote_home = os.path.join(work, "home/alice")
        self.keys = os.path.join(work, "keys")
        self.agent, self.display = os.path.join(work, "agent"), None
        self.services = []
        os.makedirs(self.keys)
        self.make_keys()
        self.make_accounts(f"/etc/netns/{self.server_namespace}")

    def quiet(self, *argv, **more):
        return subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more).stdout.decode()

    def make_keys(self):
        os.chdir(self.keys)
        for name in ("host", "user", "certified", "stranger"):
            for kind in ("rsa", "ecdsa", "ed25519"):
                size = {"rsa": ["-b", self.rng.choice(("2048", "3072", "4096"))], "ecdsa": ["-b", self.rng.choice(("256", "384", "521"))]}.get(kind, [])
                self.quiet("ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "key", "-f", f"{name}_{kind}")
        self.quiet("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "authority")
        for kind in ("rsa", "ecdsa", "ed25519"):
            self.quiet("ssh-keygen", "-q", "-s", "authority", "-I", "visitor", "-n", ",".join(ssh_plan.PASSWORDS), "-V", "+1d", f"certified_{kind}.pub")
        for kind in ("rsa", "ecdsa", "ed25519"):
            self.quiet("dropbearkey", "-t", kind, "-f", f"dropbear_host_{kind}")
        for index, kind in enumerate(("rsa", "ed25519", "ecdsa")):
            for end in ("", ".pub"):
                shutil.copy(f"stranger_{kind}{end}", f"stranger{index}{end}")
        for name in ("user_rsa", "user_ecdsa", "user_ed25519", "stranger0", "stranger1", "stranger2"):
            self.quiet("puttygen", name, "-O", "private", "-o", name + ".ppk", "--new-passphrase", "/dev/null")
            kind = "rsa" if name in ("user_rsa", "stranger0") else "ecdsa" if name in ("user_ecdsa", "stranger2") else "ed25519"
            self.quiet("dropbearkey", "-t", kind, "-f", name + ".dropbear")
        self.host_keys = {"openssh": [open(path, encoding="utf-8").read().strip().rsplit(" ", 1)[0] for path in sorted(glob.glob("host_*.pub"))],
                          "dropbear": [self.dropbear_public(f"dropbear_host_{kind}") for kind in ("rsa", "ecdsa", "ed25519")]}
        for kind in ("rsa", "ecdsa", "ed25519"):
            os.chmod(f"host_{kind}", 0o600)
        self.libssh_client = os.path.join(self.keys, "ssh_libssh_client")
        self.quiet("cc", "-o", self.libssh_client, os.path.join(HERE, "ssh_libssh_client.c"), "-lssh")
        self.quiet("tinysshd-makekey", os.path.join(self.keys, "tiny"))
        os.chdir("/")

    def dropbear_public(self, name):
        said = self.quiet("dropbearkey", "-y", "-f", name)
        return " ".join(re.search(r"^(ssh-\S+|ecdsa-\S+) (\S+)", said, re.M).groups())

    def fingerprints(self, server):
        """As plink's -hostkey takes them."""
        names = [f"host_{kind}.pub" for kind in ("rsa", "ecdsa", "ed25519")]
        if server == "dropbear":
            names = []
            for kind in ("rsa", "ecdsa", "ed25519"):
                path = os.path.join(self.keys, f"dropbear_host_{kind}.pub")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(self.dropbear_public(os.path.join(self.keys, f"dropbear_host_{kind}")) + "\n")
                names.append(os.path.basename(path))
        return [self.quiet("ssh-keygen", "-lf", os.path.join(self.keys, name)).split()[1] for name in names]

    def key(self, name, form=""):
        return os.path.join(self.keys, name + (f".{form}" if form else ""))

    def make_accounts(self, etc):
        """Those who may log in share one home with bash, keys and files; carol has no password; PAM asks no module but pam_unix."""
        names = [*ssh_plan.PASSWORDS, "carol"]
        for name, form in (("passwd", "{name}:x:20001:20001::{home}:/bin/bash\n"), ("shadow", "{name}:{password}:19700:0:99999:7:::\n")):
            with open(f"{etc}/{name}", encoding="utf-8") as file:
                lines = [line for line in file if line.split(":")[0] not in names]
            for user in names:
                password = self.quiet("openssl", "passwd", "-6", ssh_plan.PASSWORDS[user]).strip() if user != "carol" else ""
                lines.append(form.format(name=user, home=self.remote_home, password=password))
            with open(f"{etc}/{name}", "w", encoding="utf-8") as file:
                file.writelines(lines)
        os.makedirs(etc + "/pam.d")
        for name in ("sshd", "other"):
            with open(f"{etc}/pam.d/{name}", "w", encoding="utf-8") as file:
                file.write("auth required pam_unix.so nullok\naccount required pam_permit.so\nsession required pam_permit.so\npassword required pam_deny.so\n")
        home = self.remote_home
        os.makedirs(home + "/.ssh", exist_ok=True)
        authorized = [open(self.key(f"user_{kind}.pub"), encoding="utf-8").read() for kind in ("rsa", "ecdsa", "ed25519")]
        authorized += [self.dropbear_public(self.key(f"user_{kind}.dropbear")) + "\n" for kind in ("rsa", "ecdsa", "ed25519")]
        files = {".ssh/authorized_keys": "".join(authorized), "notes.txt": "the quick brown fox\n" * 3,
                 ".bashrc": "PS1='$LOGNAME@web:\\w$ '\nunset HISTFILE\n", ".profile": ". ~/.bashrc\n",
                 "ask": "#!/bin/bash\nread -rsp 'Password: ' answer\necho\necho thanks\n"}
        for name, text in files.items():
            with open(os.path.join(home, name), "w", encoding="utf-8") as file:
                file.write(text)
        os.chmod(home + "/ask", 0o755)
        subprocess.run(["chown", "-R", "20001:20001", home], check=True)
        os.chmod(home, 0o755)

    def start(self, namespace, *argv, run_folder=False):
        command = ["ip", "netns", "exec", namespace, "env", "-i", f"PATH={ssh_drive.PATH}", "LC_ALL=C.UTF-8"]
        if run_folder:
            command += ["bash", "-c", 'mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/sshd /run/lock && exec "$@"', "inside"]
        log = open(os.path.join(self.work, "services.log"), "ab")
        process = subprocess.Popen([*command, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.services.append(process)
        return process

    def open_path(self, plans, seed):
        """The devices, the addresses, the relay."""
        paths = {str(plan.number): plan.path for plan in plans}
        paths["seed"] = seed
        with open(os.path.join(self.work, "paths.json"), "w", encoding="utf-8") as file:
            json.dump(paths, file)
        self.capture, ready = os.path.join(self.work, "capture.pcap"), os.path.join(self.work, "relay.ready")
        self.relay = subprocess.Popen([sys.executable, os.path.join(HERE, "ssh_relay.py"), "--client", self.client_namespace, "--server",
                                       self.server_namespace, "--paths", os.path.join(self.work, "paths.json"), "--out", self.capture, "--ready", ready])
        for _ in range(100):
            if os.path.exists(ready):
                break
            time.sleep(0.1)
        for plan in plans:
            near, far = (self.client_namespace, plan.client_address), (self.server_namespace, plan.server_address)
            for (namespace, own), (_, other) in ((near, far), (far, near)):
                self.quiet("ip", "-n", namespace, "addr", "add", own + "/32", "dev", "path0")
                self.quiet("ip", "-n", namespace, "route", "add", other + "/32", "dev", "path0", "src", own)

    def open_services(self, plans):
        entries = {plan.server_address: {"argv": self.server(plan), "log": os.path.join(self.work, f"session{plan.number:02}"),
                                         "listens": plan.server == "dropbear"} for plan in plans}
        path = os.path.join(self.work, "gate.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(entries, file)
        gate = self.start(self.server_namespace, "/usr/bin/python3", os.path.join(HERE, "ssh_gate.py"), path, run_folder=True)
        gate.stdout.readline()
        page = "import functools,http.server,sys\nhttp.server.ThreadingHTTPServer(('127.0.0.1',8000),functools.partial(" \
               "http.server.SimpleHTTPRequestHandler,directory=sys.argv[1])).serve_forever()"
        for namespace in (self.server_namespace, self.client_namespace):
            self.start(namespace, "/usr/bin/python3", "-c", page, self.remote_home)
        if any(plan.behaviour == "x11" for plan in plans):
            number = 50 + os.getpid() % 900
            self.display = f":{number}"
            self.start(self.client_namespace, "Xvfb", self.display, "-nolisten", "tcp", "-ac")
        if any(plan.agent for plan in plans):
            self.start(self.client_namespace, "ssh-agent", "-D", "-a", self.agent)
            time.sleep(0.5)
            self.quiet("ip", "netns", "exec", self.client_namespace, "env", f"SSH_AUTH_SOCK={self.agent}", "ssh-add", self.key("user_rsa"), self.key("user_ed25519"))
            os.chmod(self.agent, 0o777)

    def server(self, plan):
        folder = os.path.join(self.work, f"session{plan.number:02}")
        if plan.server == "dropbear":
            return ["dropbear", "-F", "-E", "-P", os.path.join(folder, "pid"), "-p", f"{plan.server_address}:22", *[part for kind in ("rsa", "ecdsa", "ed25519") for part in ("-r", self.key(f"dropbear_host_{kind}"))]]
        if plan.server == "tinysshd":
            return ["tinysshd", "-v", os.path.join(self.keys, "tiny")]
        rng = random.Random(plan.seed + 2)
        kinds = rng.choice((("ed25519", "ecdsa", "rsa"), ("ed25519", "ecdsa", "rsa"), ("ed25519",), ("rsa", "ed25519")))
        lines = [f"HostKey {self.key('host_' + kind)}" for kind in kinds]
        lines += ["LogLevel DEBUG3", f"UsePAM {'yes' if plan.pam else 'no'}", f"KbdInteractiveAuthentication {'yes' if plan.pam else 'no'}", "StrictModes no",
                  "UseDNS no", f"Subsystem sftp {rng.choice(('internal-sftp', '/usr/lib/openssh/sftp-server'))}", "Ciphers " + ALL_CIPHERS, "MACs " + ALL_MACS,
                  f"TrustedUserCAKeys {self.key('authority.pub')}", f"PrintMotd {'yes' if plan.message_of_the_day else 'no'}",
                  f"MaxAuthTries {10 if plan.behaviour == 'brute_one' and rng.random() < 0.5 else 6}", "X11Forwarding yes", "PrintLastLog no"]
        if plan.method == "none":
            lines.append("PermitEmptyPasswords yes")
        if plan.method == "both":
            lines.append("AuthenticationMethods publickey,password")
        if plan.banner:
            banner = os.path.join(folder, "banner")
            with open(banner, "w", encoding="utf-8") as file:
                file.write("Only those who may.\n" * rng.randrange(1, 12))
            lines.append(f"Banner {banner}")
        if plan.rekey_by == "server":
            lines.append(f"RekeyLimit {plan.rekey}K")
        if plan.keepalive == "server":
            lines.append("ClientAliveInterval 1")
        if plan.client != "dbclient" and rng.random() < 0.3:
            lines.append("KexAlgorithms " + rng.choice(("curve25519-sha256,diffie-hellman-group14-sha256", "ecdh-sha2-nistp256,ecdh-sha2-nistp384",
                                                        "diffie-hellman-group14-sha256,diffie-hellman-group16-sha512", "diffie-hellman-group-exchange-sha256")))
        config = os.path.join(folder, "sshd_config")
        with open(config, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return ["/usr/sbin/sshd", "-i", "-e", "-f", config]

    def close(self):
        for process in self.services:
            process.terminate()
        self.relay.terminate()
        self.relay.wait()


def connections_of(folder):
    """{client port: the server's log}, in the order of their beginning."""
    logs = {}
    for path in glob.glob(os.path.join(folder, "server.*")):
        with open(path, encoding="utf-8", errors="replace") as file:
            logs[int(path.rsplit(".", 1)[1])] = file.read()
    lines = {}
    for line in read_text(os.path.join(folder, "listening.log")).splitlines():
        lines.setdefault(line.split("]")[0], []).append(line)
    for said in lines.values():
        match = re.search(r"Child connection from [\d.]+:(\d+)", said[0])
        if match:
            logs[int(match[1])] = "\n".join(said)
    return dict(sorted(logs.items(), key=lambda item: item[1].split("\n")[0]))


def read_text(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def requests_of(drive, log, done):
    """The requests, by the end that tells of each packet; both ends where both tell."""
    plan = drive.plan
    client_log = read_text(os.path.join(drive.folder, "client.log"))
    client = None
    if plan.family == "openssh":
        client = ssh_logs.from_openssh(client_log)
    elif plan.client == "plink":
        client = ssh_logs.from_putty(client_log)
    if plan.server == "openssh":
        server = ssh_logs.from_sshd(log)
        if client and ssh_logs.comparable(client.list) != ssh_logs.comparable(server.list):
            raise Unrecorded(f"the ends do not agree: client {client.list}, server {server.list}")
        return server
    if client:
        named = ssh_logs.from_dropbear(log)
        if plan.server == "dropbear" and named and (named[-1][1] == "success") != (bool(client.list) and client.list[-1][1] == "success"):
            raise Unrecorded(f"the ends do not agree: client {client.list}, server {named}")
        return client
    return dropbear_to_dropbear(drive, log)


def dropbear_to_dropbear(drive, log):
    """dbclient asks none, then each key as an offer, signed when that was taken, then passwords; the server's log names the outcome."""
    found = ssh_logs.Requests()
    found.kexinits = found.newkeys = 1
    tries = ssh_logs.from_dropbear(log)
    found.request("none")
    found.answer("failure")
    for index, _ in enumerate(drive.keys()):
        is_good = index >= drive.plan.refused_keys
        found.request("publickey")
        found.answer("offer_accepted" if is_good else "offer_refused")
        if is_good:
            found.request("publickey")
            found.answer("success")
    for method, answer in tries:
        if method == "password":
            found.request("password")
            found.answer(answer)
    if bool(found.list[-1][1] == "success") != bool(tries and tries[-1][1] == "success"):
        raise Unrecorded(f"the server's log says {tries}, the driver {found.list}")
    return found


def truth_of(drive, port, log, index):
    """One connection's entry of truth.json."""
    plan, done = drive.plan, drive.done
    found = requests_of(drive, log, done)
    entry = {"name": f"{plan.number:02}-{plan.behaviour}-{plan.client}-{plan.server}", "client_ip": plan.client_address, "client_port": port,
             "server_ip": plan.server_address, "server_port": 22, "behaviour": plan.behaviour, "client": plan.client, "server": plan.server}
    entry.update(ssh_logs.summary(found.list))
    entry["certificate"] = plan.method == "certificate" and entry["auth_result"] == "success"
    words = [one for one in found.list if one[0] in ("password", "keyboard-interactive") and one[1] in ("success", "failure", "partial")]
    entry["typed"] = plan.typed if words and plan.client != "raw" else None
    entry["known_host"] = {"known": True, "asks": False}[plan.host] if plan.server != "tinysshd" and plan.interactive_client else None
    is_last = entry["auth_result"] == "success" or plan.behaviour in ssh_plan.WITHOUT_LOGIN
    entry.update({key: value for key, value in done.items() if key not in ("accepts", "activity")})
    entry["activity"] = done["activity"] if entry["auth_result"] == "success" else None
    entry["activity_accepts"] = done["accepts"] if entry["auth_result"] == "success" else [None]
    if plan.behaviour == "brute_many":
        entry["activity"], entry["activity_accepts"] = None, [None, "none"]
    entry["rekeys"] = max(0, found.newkeys - 1) if plan.client not in ("raw", "keyscan") and is_last else None
    if entry["rekeys"] is not None and found.kexinits - 1 > entry["rekeys"]:
        entry["rekeys_begun"] = found.kexinits - 1  # the session ended inside the last one
    entry["agent_forwarding"] = plan.agent and plan.behaviour != "no_command"  # only a session asks for it
    entry["path"], entry["message_of_the_day"], entry["banner"], entry["pam"] = plan.path, plan.message_of_the_day, plan.banner, plan.pam
    if plan.server == "openssh":
        reason = ssh_logs.contradiction(log, entry["activity"])
        if reason:
            raise Unrecorded(reason)
    should = plan.behaviour not in ssh_plan.FAILING + ssh_plan.WITHOUT_LOGIN
    if should and entry["auth_result"] != "success":
        raise Unrecorded(f"the login should have succeeded: {found.list}")
    if not should and plan.behaviour != "brute_many" and entry["auth_result"] == "success" and plan.method != "none":
        raise Unrecorded("the login should have failed")
    if plan.behaviour in ("scan_banner", "scan_silent", "scan_kex"):
        entry["auth_result"] = entry["auth_method"] = entry["auth_attempts"] = None
    return entry


def perform(drive, delay):
    time.sleep(delay)
    try:
        getattr(ssh_behaviours, drive.plan.behaviour)(drive)
        return None
    except Unrecorded as reason:
        return str(reason)
    except Exception:  # one session's trouble is not the batch's: it is left out, and told
        return traceback.format_exc()


def settle(capture):
    before = -1
    for _ in range(20):
        now = os.path.getsize(capture)
        if now == before:
            return
        before = now
        time.sleep(0.5)


def write_out(options, world, drives, reasons):
    entries, left_out = [], []
    for drive, reason in zip(drives, reasons):
        try:
            if reason:
                raise Unrecorded(reason)
            logs = connections_of(drive.folder)
            if not logs:
                raise Unrecorded("no connection came")
            for index, (port, log) in enumerate(logs.items()):
                entries.append(truth_of(drive, port, log, index))
        except Unrecorded as said:
            left_out.append(f"{drive.plan!r}: {said}")
            entries = [entry for entry in entries if entry["client_ip"] != drive.plan.client_address]
    kept = {entry["client_ip"]: drive.plan for drive in drives for entry in entries if entry["client_ip"] == drive.plan.client_address}
    taken = write_capture(world.capture, os.path.join(options.out, "capture.pcap"), kept, random.Random(options.seed + 9))
    for entry in entries:
        entry["taken_away"] = taken.get((entry["client_ip"], entry["client_port"]), 0)
    with open(os.path.join(options.out, "truth.json"), "w", encoding="utf-8") as file:
        json.dump({"protocol": "ssh", "batch": True, "seed": options.seed, "sessions": entries, "left_out": left_out}, file, indent=1)
        file.write("\n")
    return entries, left_out


def write_capture(source, target, kept, rng):
    """Copies the packets of the kept sessions; of some, a few are taken away as if the capture had lost them."""
    taken = {}
    with open(source, "rb") as file:
        data = file.read()
    with open(target, "wb") as out:
        out.write(data[:24])
        place = 24
        while place + 16 <= len(data):
            size = int.from_bytes(data[place + 8:place + 12], "little")
            record = data[place:place + 16 + size]
            place += 16 + size
            packet = record[30:]
            ends = [".".join(map(str, packet[start:start + 4])) for start in (12, 16)]
            header = (packet[0] & 15) * 4
            ports = [int.from_bytes(packet[header + start:header + start + 2], "big") for start in (0, 2)]
            address, port = (ends[0], ports[0]) if ends[0] in kept else (ends[1], ports[1])
            if address not in kept:
                continue
            if rng.random() < kept[address].taken_away and not packet[header + 13] & 2:
                taken[(address, port)] = taken.get((address, port), 0) + 1
                continue
            out.write(record)
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("network", "work", "out", "only"):
        parser.add_argument("--" + name)
    for name, value in (("seed", 1), ("sessions", 20), ("largest", 0)):
        parser.add_argument("--" + name, type=int, default=value)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    world = World(options.network, options.work, random.Random(options.seed + 3))
    plans = ssh_plan.draw(options.seed, options.sessions, options.only.split(",") if options.only else None, options.largest)
    drives = [ssh_drive.Drive(plan, world) for plan in plans]
    world.open_path(plans, options.seed)
    world.open_services(plans)
    with concurrent.futures.ThreadPoolExecutor(len(drives)) as pool:
        reasons = list(pool.map(perform, drives, [0.25 * index for index in range(len(drives))]))
    time.sleep(1)
    settle(world.capture)
    world.close()
    entries, left_out = write_out(options, world, drives, reasons)
    for line in left_out:
        print(f"left out: {line}", file=sys.stderr)
    print(f"{len(entries)} sessions, {len(left_out)} left out, {os.path.getsize(os.path.join(options.out, 'capture.pcap'))} bytes")


if __name__ == "__main__":
    main()

"""Drives one planned SSH session: starts the client, answers its prompts as a person or a script would, and notes what was done."""
import json
import os
import random
import re
import shlex
import subprocess
import time

import pexpect

import ssh_plan
import ssh_python_client
import ssh_typing

PATIENCE = 40
HOST_QUESTION = r"\(yes/no[^)]*\)\?|\(y/n\)|\(y/n, Return cancels connection, i for more info\)"
PASSWORD_PROMPT = r"assword: ?$|assword for [^:]*: ?$|esponse: ?$"
SHELL_PROMPT = r"\$ $"
SFTP_PROMPT = r"sftp> $"
LOGGED_IN = re.compile(r"Accepted [a-z/-]+ for |auth succeeded for|Authenticated to|Authentication succeeded|Access granted")
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


class Unrecorded(Exception):
    """The session did not do what was planned; it is left out, with the reason said."""


class Drive:
    """One session under way. `done` gathers what the driver knows to have happened."""

    def __init__(self, plan, world):
        self.plan, self.world = plan, world
        self.rng = random.Random(plan.seed + 1)
        self.folder = os.path.join(world.work, f"session{plan.number:02}")
        self.home = os.path.join(self.folder, "home")
        self.user = plan.user
        self.done = {"activity": None, "accepts": [], "transfers": [], "keystrokes": None}
        os.makedirs(os.path.join(self.home, ".ssh"), mode=0o700)
        self.answers = self.password_answers()
        self.prepare()

    # ---------------------------------------------------------------- what is laid out beforehand

    def password_answers(self):
        answers = [self.rng.choice(ssh_plan.WRONG) for _ in range(self.plan.wrong)]
        if self.plan.behaviour.startswith("failed_") or self.plan.behaviour in ("gives_up", "brute_one"):
            return [self.rng.choice(ssh_plan.WRONG) for _ in range(10)]
        return answers + [ssh_plan.PASSWORDS.get(self.user, "")] * 2

    def prepare(self):
        plan, world = self.plan, self.world
        known = os.path.join(self.home, ".ssh", "known_hosts")
        with open(known, "w", encoding="utf-8") as file:
            if plan.host == "known" and plan.server != "tinysshd":
                file.writelines(f"{plan.server_address} {key}\n" for key in world.host_keys["dropbear" if plan.server == "dropbear" else "openssh"])
        with open(os.path.join(self.folder, "answers"), "w", encoding="utf-8") as file:
            file.writelines(answer + "\n" for answer in self.answers)
        self.script("askpass", f"cd {self.folder}; head -n 1 answers; sed -i 1d answers\n")
        if plan.family == "openssh":
            self.script("ssh", 'for argument do shift; case $argument in -oRemoteCommand=none) ;; *) set -- "$@" "$argument" ;; esac; done\n'
                        + "exec " + shlex.join(self.openssh()) + ' "$@"\n')
        if plan.client == "plink":
            self.putty_settings()

    def script(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def putty_settings(self):
        folder = os.path.join(self.home, ".putty", "sessions")
        os.makedirs(folder)
        order = [name for name in (self.plan.cipher, "aes", "chacha20", "aesgcm", "3des") if name]
        with open(os.path.join(folder, "record"), "w", encoding="utf-8") as file:
            file.write("Protocol=ssh\nPortNumber=22\nCipher=" + ",".join(dict.fromkeys(order)) + ",WARN\nPingIntervalSecs=0\n")

    def payload(self, name, size):
        """A local file of that size; half of them do not compress."""
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(payload_bytes(self.rng, size, self.plan.compression))
        return path

    def remote_file(self, name, size):
        path = self.payload(name, size)
        there = f"{self.world.remote_home}/{self.plan.number:02}-{name}"
        os.replace(path, there)
        os.chown(there, 20001, 20001)
        os.chmod(there, 0o644)
        return there

    # ---------------------------------------------------------------- command lines

    def inside(self, argv, **more):
        environment = {"PATH": PATH, "HOME": self.home, "TERM": "xterm", "LC_ALL": "C.UTF-8", "LANG": "en_GB.UTF-8", "LC_TIME": "de_DE.UTF-8", "USER": "visitor", **more}
        return ["ip", "netns", "exec", self.world.client_namespace, "env", "-i", *[f"{key}={value}" for key, value in environment.items()], *argv]

    def keys(self, form=""):
        """The key files that this login offers, in order: refused ones first."""
        plan, world = self.plan, self.world
        if plan.method not in ("publickey", "certificate", "both") and not (plan.refused_keys and plan.method == "password"):
            return []
        files = [world.key(f"stranger{index}", form) for index in range(plan.refused_keys)]
        if plan.behaviour != "failed_key" and plan.method in ("publickey", "certificate", "both"):
            files.append(world.key(("certified_" if plan.method == "certificate" else "user_") + plan.key_kind, form))
        return files

    def openssh(self):
        plan = self.plan
        methods = {"publickey": "publickey", "certificate": "publickey", "password": "publickey,password", "both": "publickey,password",
                   "keyboard-interactive": "keyboard-interactive", "none": "publickey"}[plan.method]
        if not self.keys() and plan.method == "password":
            methods = "password"
        if plan.behaviour == "scan_methods":
            methods = "none"
        prompts = {"failed_password": 3, "failed_interactive": 3, "brute_one": 6}.get(plan.behaviour, 3)
        options = {"UserKnownHostsFile": os.path.join(self.home, ".ssh/known_hosts"), "GlobalKnownHostsFile": "/dev/null", "IdentitiesOnly": "yes",
                   "PreferredAuthentications": methods, "NumberOfPasswordPrompts": prompts,
                   "StrictHostKeyChecking": "ask" if plan.host == "asks" else "no", "UpdateHostKeys": "no", "TCPKeepAlive": "no"}
        options["IdentityAgent"] = self.world.agent if plan.agent else "none"
        if plan.sends_locale:
            options["SendEnv"] = "LANG LC_*"
        if plan.cipher:
            options["Ciphers"] = plan.cipher
        if plan.mac:
            options["MACs"] = plan.mac
        if plan.compression:
            options["Compression"] = "yes"
        if plan.rekey_by == "client":
            options["RekeyLimit"] = f"{plan.rekey}K"
        if not self.keys():
            options["PubkeyAuthentication"] = "no"
        argv = ["/usr/bin/ssh1" if plan.client == "openssh75" else "/usr/bin/ssh", "-F", "none", "-vvv", "-E", os.path.join(self.folder, "client.log")]
        for key in self.keys():
            argv += ["-i", key]
        return argv + [f"-o{name}={value}" for name, value in options.items()]

    def plink(self, program="plink"):
        plan = self.plan
        argv = [program, "-load", "record", "-sshlog", os.path.join(self.folder, "client.log"), "-logoverwrite"]
        if program == "plink":
            argv += ["-no-antispoof"]
        argv += ["-C"] if plan.compression else []
        for key in self.keys("ppk"):
            argv += ["-i", key]
        if plan.host == "known":
            for fingerprint in self.world.fingerprints(plan.server):
                argv += ["-hostkey", fingerprint]
        if not plan.typed:
            argv += ["-batch"]
            if plan.method in ("password", "keyboard-interactive"):
                argv += ["-pw", self.answers[0]]
        return argv

    def dbclient(self):
        argv = ["dbclient"]
        for key in self.keys("dropbear"):
            argv += ["-i", key]
        if self.plan.cipher:
            argv += ["-c", self.plan.cipher]
        if self.plan.mac:
            argv += ["-m", self.plan.mac]
        return argv

    def client(self, *options, command=None, pty=False):
        """The client's argv for a session with options; they are the same letters for all three."""
        target = f"{self.user}@{self.plan.server_address}"
        base = {"openssh": self.openssh, "plink": self.plink, "dbclient": self.dbclient}[self.plan.family]()
        tty = [] if not pty else ["-t"]
        return base + [*options, *tty, target] + ([command] if command else [])

    # ---------------------------------------------------------------- running

    def run(self, argv, stdin=None, until=None, **more):
        """Runs a client to its end (or until a moment, then ends it), typed or scripted as planned; returns what it printed."""
        if self.plan.typed:
            terminal = self.terminal(argv, **more)
            self.log_in(terminal, None if until is None else "authenticated")
            if until is not None:
                until()
                terminal.terminate(force=True)
            else:
                self.finish(terminal)
            return terminal.before or ""
        process = self.start(argv, stdin, **more)
        if until is not None:
            self.await_authenticated(process)
            until()
            process.terminate()
        try:
            said, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Unrecorded("the client did not end") from None
        return said.decode(errors="replace")

    def start(self, argv, stdin=None, **more):
        askpass = {"SSH_ASKPASS": os.path.join(self.folder, "askpass"), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none:0"}
        if self.plan.client == "dbclient" and self.plan.method == "password":
            askpass["DROPBEAR_PASSWORD"] = self.answers[0]
        source = subprocess.DEVNULL
        if stdin == "pipe":
            source = subprocess.PIPE
        elif stdin is not None:
            source = open(stdin, "rb")  # closed with this process; a batch holds few
        out = open(os.path.join(self.folder, "client.err"), "ab")
        return subprocess.Popen(self.inside(argv, **{**askpass, **more}), stdin=source, stdout=subprocess.PIPE, stderr=out, start_new_session=True)

    def terminal(self, argv, **more):
        argv = self.inside(argv, **more)
        terminal = pexpect.spawn(argv[0], argv[1:], timeout=PATIENCE, encoding="utf-8", codec_errors="replace", dimensions=(24, 80))
        terminal.delaybeforesend = None
        terminal.logfile_read = open(os.path.join(self.folder, "terminal.log"), "a", encoding="utf-8", errors="replace")
        return terminal

    def scripted_password(self):
        """What makes a client at a terminal ask a program instead of a person, where the plan is so."""
        if self.plan.typed or self.plan.client != "dbclient" or self.plan.method != "password":
            return {}
        return {"DROPBEAR_PASSWORD": self.answers[0]}

    def program_for_scp(self):
        if self.plan.client != "dbclient":
            return os.path.join(self.folder, "ssh")
        return self.script("dbssh", 'for argument do shift; case $argument in -o*|-x|--) ;; *) set -- "$@" "$argument" ;; esac; done\n'
                           + "exec " + shlex.join(self.dbclient()) + ' "$@"\n')

    def pause(self, low, high):
        time.sleep(self.rng.uniform(low, high))

    def think(self):
        if self.plan.typed:
            self.pause(1.3, 3.5)

    def log_in(self, terminal, ready):
        """Answers questions until the pattern `ready` (or the end) comes: the pauses are those of a person."""
        answers = list(self.answers)
        patterns = [HOST_QUESTION, PASSWORD_PROMPT, pexpect.EOF]
        if ready not in (None, "authenticated"):
            patterns.append(ready)
        deadline = time.time() + PATIENCE
        while time.time() < deadline:
            try:
                found = terminal.expect(patterns, timeout=0.3 if ready == "authenticated" else PATIENCE)
            except pexpect.TIMEOUT:
                if ready == "authenticated" and self.is_authenticated():
                    return True
                continue
            if found == 0:
                self.think()
                terminal.sendline("y" if "y/n" in terminal.after else "yes")
            elif found == 1:
                self.think()
                if self.plan.behaviour == "gives_up" and len(self.answers) - len(answers) >= self.plan.wrong:
                    terminal.sendcontrol("c")
                    continue
                terminal.sendline(answers.pop(0))
            else:
                return found == 3
        raise Unrecorded("the login took too long")

    def finish(self, terminal):
        try:
            terminal.expect(pexpect.EOF, timeout=PATIENCE)
        except pexpect.TIMEOUT:
            terminal.terminate(force=True)
            raise Unrecorded("the client did not end") from None
        terminal.close()

    def is_authenticated(self):
        """The client's own log tells; dbclient keeps none, so the server's is asked."""
        for name in sorted(os.listdir(self.folder)):
            if name.startswith(("client.log", "server.", "listening.log")):
                with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                    text = file.read()
                if LOGGED_IN.search(text):
                    return True
        return False

    def await_authenticated(self, process=None):
        deadline = time.time() + PATIENCE
        while time.time() < deadline and (process is None or process.poll() is None):
            if self.is_authenticated():
                time.sleep(0.3)
                return
            time.sleep(0.1)
        raise Unrecorded("the login did not come")

    def python_client(self, **what):
        """paramiko or asyncssh does it; the client tells what it did."""
        plan, world = self.plan, self.world
        keys = [world.key(("user_" if plan.behaviour != "failed_key" else "stranger_") + plan.key_kind)] if plan.method in ("publickey", "both") else []
        job = {"library": plan.client, "address": plan.server_address, "user": self.user, "method": plan.method, "keys": keys, "answers": self.answers,
               "cipher": plan.cipher, "mac": plan.mac, "folder": self.folder, "wrong": plan.wrong, "behaviour": plan.behaviour, "seed": plan.seed, **what}
        path = os.path.join(self.folder, "job.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job, file)
        with open(os.path.join(self.folder, "client.err"), "ab") as errors:
            process = subprocess.run(self.inside(["/usr/bin/python3", "-W", "ignore", ssh_python_client.__file__, path]), stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=errors, timeout=2 * PATIENCE, check=False)
        if process.returncode != 0:
            raise Unrecorded(f"{plan.client} failed")
        return json.loads(process.stdout or b"{}")

    def libssh(self, *what):
        plan = self.plan
        answers = self.keys() if plan.method == "publickey" else self.answers[:plan.wrong + 1] if not plan.behaviour.startswith("failed") else self.answers[:2]
        if plan.behaviour == "failed_key":
            answers = [self.world.key("stranger_" + plan.key_kind)]
        argv = [self.world.libssh_client, plan.server_address, self.user, plan.cipher or "-", plan.method, *answers, "--", *what]
        with open(os.path.join(self.folder, "client.err"), "ab") as errors:
            process = subprocess.run(self.inside(argv), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, timeout=PATIENCE, check=False)
        if process.returncode != 0:
            raise Unrecorded("the client on libssh failed")

    def say(self, activity, *accepts, **more):
        self.done.update(activity=activity, accepts=[activity, *accepts], **more)

    def moved(self, direction, size):
        self.done["transfers"].append({"direction": direction, "size": size})


def payload_bytes(rng, size, is_text):
    if not is_text:
        return rng.randbytes(size)
    words = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "\n", "one two three", "0123456789")
    text = []
    length = 0
    while length < size:
        text.append(rng.choice(words))
        length += len(text[-1]) + 1
    return " ".join(text).encode()[:size].ljust(size, b".")


def open_shell(drive, terminal):
    """Types what a person at work types, and leaves; returns the keys pressed."""
    typist = ssh_typing.Typist(drive.rng, terminal.send)
    for step in ssh_typing.session(drive.rng, drive.plan.server):
        typist.think()
        typist.press(step.keys)
        if step.expects is None:
            break
        try:
            terminal.expect(step.expects, timeout=12)
        except pexpect.TIMEOUT:
            raise Unrecorded(f"the shell did not answer to {''.join(step.keys)!r}") from None
        except pexpect.EOF:
            raise Unrecorded("the shell ended early") from None
    return typist.pressed

#!/usr/bin/env python3
"""SSH sessions by paramiko and by asyncssh: ssh_python_client.py job.json; prints as JSON what was done."""
import asyncio
import json
import os
import random
import sys
import time

sys.dont_write_bytecode = True

import ssh_typing


class Paramiko:
    """paramiko's transport, driven by hand: its SSHClient would add tries of its own."""

    def __init__(self, job):
        import paramiko
        self.library, self.job = paramiko, job
        self.done = {"attempts": []}

    def connect(self):
        transport = self.library.Transport((self.job["address"], 22))
        offered = transport.get_security_options()
        if self.job["cipher"]:
            offered.ciphers = (self.job["cipher"],)
        if self.job["mac"]:
            offered.digests = (self.job["mac"],)
        transport.start_client(timeout=30)
        return transport

    def attempt(self, transport, method, call):
        outcome = "unanswered"
        try:
            left = call()
            outcome = "partial" if left else "success"
        except self.library.BadAuthenticationType:
            outcome = "failure"
        except self.library.AuthenticationException:
            outcome = "failure"
        except (self.library.SSHException, EOFError, OSError):
            pass
        self.done["attempts"].append([method, outcome])
        return outcome == "success"

    def log_in(self, transport):
        job, user = self.job, self.job["user"]
        if job.get("none_first"):
            self.attempt(transport, "none", lambda: transport.auth_none(user))
        for path in job["keys"]:
            kind = {"rsa": self.library.RSAKey, "ecdsa": self.library.ECDSAKey, "ed25519": self.library.Ed25519Key}[path.rsplit("_", 1)[1]]
            key = kind.from_private_key_file(path)
            if self.attempt(transport, "publickey", lambda: transport.auth_publickey(user, key)):
                return True
        if job["method"] in ("password", "both", "keyboard-interactive"):
            for answer in job["answers"][:job.get("most", job["wrong"] + 1)]:
                if not transport.is_active():
                    return False
                time.sleep(job.get("pause", 0))
                if job["method"] == "keyboard-interactive":
                    call = lambda: transport.auth_interactive(user, lambda title, instructions, prompts: [answer] * len(prompts))
                else:
                    call = lambda: transport.auth_password(user, answer, fallback=False)
                if self.attempt(transport, job["method"], call):
                    return True
        return transport.is_authenticated()

    def run(self):
        job = self.job
        transport = self.connect()
        if job["behaviour"] == "scan_kex":
            time.sleep(0.2)
        elif job["behaviour"] == "scan_methods":
            self.attempt(transport, "none", lambda: transport.auth_none(job["user"]))
        elif self.log_in(transport) and job.get("do"):
            getattr(self, "do_" + job["do"])(transport)
        transport.close()
        return self.done

    def do_command(self, transport):
        channel = transport.open_session()
        channel.exec_command(self.job["command"])
        said = 0
        while True:
            data = channel.recv(32768)
            if not data:
                break
            said += len(data)
        channel.recv_exit_status()
        self.done["output"] = said

    def do_shell(self, transport):
        rng = random.Random(self.job["seed"] + 5)
        channel = transport.open_session()
        channel.get_pty("xterm", 80, 24)
        channel.invoke_shell()
        screen = Screen(lambda: channel.recv(4096))
        screen.expect(ssh_typing.PROMPT)
        typist = ssh_typing.Typist(rng, lambda key: channel.send(key))
        for step in ssh_typing.session(rng, "openssh"):
            typist.think()
            typist.press(step.keys)
            screen.expect(step.expects)
        self.done["keystrokes"] = typist.pressed

    def do_sftp(self, transport):
        client = self.library.SFTPClient.from_transport(transport)
        for action, here, there in self.job["steps"]:
            if action == "put":
                client.put(here, there)
            elif action == "get":
                client.get(there, here)
            else:
                client.listdir(there)
        client.close()


class Screen:
    """What a shell prints, read until a pattern comes."""

    def __init__(self, receive):
        import re
        self.receive, self.seen, self.search = receive, "", re.search

    def expect(self, pattern):
        while pattern is None or not self.search(pattern, self.seen):
            data = self.receive()
            if not data:
                if pattern is None:
                    return
                raise SystemExit("the shell ended early")
            self.seen += data.decode(errors="replace")
        self.seen = ""


class AsyncSsh:
    def __init__(self, job):
        import asyncssh
        self.library, self.job = asyncssh, job
        self.done = {"attempts": []}

    def options(self):
        job, outer = self.job, self

        class Client(self.library.SSHClient):
            """Answers with one password after the other, and notes each."""
            left = list(job["answers"][:job.get("most", job["wrong"] + 1)])

            def password_auth_requested(self):
                if not self.left:
                    return None
                outer.done["attempts"].append(["password", "sent"])
                return self.left.pop(0)

        options = {"username": job["user"], "known_hosts": None, "config": None, "client_keys": job["keys"] or None, "agent_path": None,
                   "preferred_auth": ["publickey"] if job["keys"] else ["password"], "client_factory": Client}
        if job["cipher"]:
            options["encryption_algs"] = [job["cipher"]]
        if job["mac"]:
            options["mac_algs"] = [job["mac"]]
        return options

    async def session(self):
        job = self.job
        try:
            async with self.library.connect(job["address"], **self.options()) as connection:
                self.done["success"] = True
                if job.get("do"):
                    await getattr(self, "do_" + job["do"])(connection)
        except (self.library.PermissionDenied, self.library.ConnectionLost):
            self.done.setdefault("success", False)

    async def do_command(self, connection):
        result = await connection.run(self.job["command"], encoding=None)
        self.done["output"] = len(result.stdout)

    async def do_sftp(self, connection):
        async with connection.start_sftp_client() as client:
            for action, here, there in self.job["steps"]:
                if action == "put":
                    await client.put(here, there)
                elif action == "get":
                    await client.get(there, here)
                else:
                    await client.listdir(there)

    async def do_scp(self, connection):
        for action, here, there in self.job["steps"]:
            pair = (here, (connection, there)) if action == "put" else ((connection, there), here)
            await self.library.scp(*pair)

    async def do_shell(self, connection):
        rng = random.Random(self.job["seed"] + 5)
        process = await connection.create_process(term_type="xterm", term_size=(80, 24), encoding=None)
        await self.expect(process, ssh_typing.PROMPT)
        pressed = 0
        pace = rng.uniform(0.08, 0.2)
        for step in ssh_typing.session(rng, "openssh"):
            await asyncio.sleep(rng.uniform(0.3, 1.2))
            for key in step.keys:
                process.stdin.write(key.encode())
                pressed += 1
                await asyncio.sleep(max(0.045, rng.gauss(pace, pace / 3)))
            if step.expects is not None:
                await self.expect(process, step.expects)
        await process.wait_closed()
        self.done["keystrokes"] = pressed

    async def expect(self, process, pattern):
        import re
        seen = ""
        while not re.search(pattern, seen):
            data = await asyncio.wait_for(process.stdout.read(4096), 15)
            if not data:
                raise SystemExit("the shell ended early")
            seen += data.decode(errors="replace")

    def run(self):
        asyncio.run(self.session())
        return self.done


def brute_many(job):
    """Several connections, a few passwords each, as guessing tools go; the last may be right."""
    done = {"connections": []}
    for answers in job["rounds"]:
        one = Paramiko({**job, "answers": answers, "most": len(answers), "behaviour": "guess", "do": None})
        done["connections"].append(one.run()["attempts"])
    return done


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    os.chdir(job["folder"])
    if "rounds" in job:
        done = brute_many(job)
    else:
        done = (Paramiko if job["library"] == "paramiko" else AsyncSsh)(job).run()
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main()

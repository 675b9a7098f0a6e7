"""What the recorded sessions do, one function a behaviour; each says what the truth about it is (Drive.say)."""
import os
import subprocess
import time

import pexpect

import ssh_drive
import ssh_plan
import ssh_typing
from ssh_drive import SFTP_PROMPT, SHELL_PROMPT, Unrecorded

COMMANDS = ("uname -a", "cat notes.txt", "id; date", "ls -l /", "df -h", "ps", "uptime", "true", "sleep 1; echo done", "cat /etc/passwd")
PYTHON = ("paramiko", "asyncssh")
HTTP_PORT = 8000


def shell(drive):
    if drive.plan.client in PYTHON:
        drive.say("shell", keystrokes=drive.python_client(do="shell")["keystrokes"], pty=True)
        return
    options = ["-A"] if drive.plan.agent else []
    terminal = drive.terminal(drive.client(*options), **drive.scripted_password())
    if not drive.log_in(terminal, SHELL_PROMPT):
        raise Unrecorded("no shell came")
    pressed = ssh_drive.open_shell(drive, terminal)
    drive.finish(terminal)
    drive.say("shell", keystrokes=pressed, pty=True)


def shell_fullscreen(drive):
    """A shell with a program in it that draws the whole screen at each key."""
    terminal = drive.terminal(drive.client(), **drive.scripted_password())
    if not drive.log_in(terminal, SHELL_PROMPT):
        raise Unrecorded("no shell came")
    typist = ssh_typing.Typist(drive.rng, terminal.send)
    for step in ssh_typing.fullscreen(drive.rng):
        typist.think()
        typist.press(step.keys)
        if step.expects:
            terminal.expect(step.expects, timeout=12)
    drive.finish(terminal)
    drive.say("shell", keystrokes=typist.pressed, pty=True)


def shell_forward(drive):
    """A shell whose person uses a forwarded port beside it."""
    port = 20000 + drive.plan.number
    terminal = drive.terminal(drive.client("-L", f"{port}:127.0.0.1:{HTTP_PORT}"), **drive.scripted_password())
    if not drive.log_in(terminal, SHELL_PROMPT):
        raise Unrecorded("no shell came")
    typist = ssh_typing.Typist(drive.rng, terminal.send)
    typist.press(list("date") + ["\r"])
    terminal.expect(SHELL_PROMPT)
    fetch(drive, drive.world.client_namespace, f"http://127.0.0.1:{port}/{page(drive)}")
    pressed = ssh_drive.open_shell(drive, terminal)
    drive.finish(terminal)
    drive.say("shell", "tunnel", keystrokes=typist.pressed + pressed, pty=True, forward="local")


def command_terminal(drive):
    """A command that asks for two answers, on a terminal (-t)."""
    terminal = drive.terminal(drive.client(command="read -p 'name? ' a; read -p 'colour? ' b; echo thanks $a $b", pty=True), **drive.scripted_password())
    if not drive.log_in(terminal, r"name\? $"):
        raise Unrecorded("the command did not ask")
    typist = ssh_typing.Typist(drive.rng, terminal.send)
    for word, then in (("arthur", r"colour\? $"), ("blue", None)):
        typist.think()
        typist.press(list(word) + ["\r"])
        if then:
            terminal.expect(then, timeout=12)
    drive.finish(terminal)
    drive.say("command", "shell", keystrokes=typist.pressed, pty=True)


def shell_script(drive):
    script = os.path.join(drive.folder, "script")
    with open(script, "w", encoding="utf-8") as file:
        file.write("\n".join(drive.rng.sample(COMMANDS, drive.rng.randrange(1, 5))) + "\n")
    drive.run(drive.client("-T"), stdin=script)
    drive.say("shell", "command")


def command(drive):
    text = "ssh-add -l" if drive.plan.agent else drive.rng.choice(COMMANDS)
    if drive.plan.client in PYTHON:
        drive.python_client(do="command", command=text)
    elif drive.plan.client == "libssh":
        drive.libssh("command", text)
    else:
        drive.run(drive.client(*(["-A"] if drive.plan.agent else []), command=text))
    drive.say("command")


def command_large(drive):
    path = drive.remote_file("output", drive.plan.size)
    if drive.plan.client in PYTHON:
        drive.python_client(do="command", command=f"cat {path}")
    elif drive.plan.client == "libssh":
        drive.libssh("command", f"cat {path}")
    else:
        drive.run(drive.client(command=f"cat {path}"))
    drive.say("command", output=drive.plan.size)


def command_stdin(drive):
    drive.run(drive.client(command=f"cat > {drive.plan.number:02}-input"), stdin=drive.payload("input", drive.plan.size))
    drive.say("command", input=drive.plan.size)


def sftp_steps(drive, *actions):
    """[(action, here, there)]: the files of each are laid out, the truth noted."""
    steps = []
    for index, action in enumerate(actions):
        size = drive.plan.size if index == 0 else drive.rng.randrange(500, 9000)
        name = f"file{index}"
        if action == "put":
            steps.append(("put", drive.payload(name, size), f"{drive.plan.number:02}-{name}"))
            drive.moved("up", size)
        elif action == "get":
            steps.append(("get", os.path.join(drive.folder, name + ".got"), drive.remote_file(name, size)))
            drive.moved("down", size)
        else:
            steps.append(("ls", None, "."))
    return steps


def sftp_line(step):
    action, here, there = step
    return {"put": f"put {here} {there}", "get": f"get {there} {here}", "ls": f"ls -l {there}" if there == "." else "ls"}[action]


def sftp_session(drive, steps, by_hand=False):
    if drive.plan.client in PYTHON:
        drive.python_client(do="sftp", steps=steps)
        drive.say("sftp")
        return
    if drive.plan.client == "libssh":
        action, here, there = steps[0]
        drive.libssh(action, *([here, there] if action == "put" else [there]))
        drive.say("sftp")
        return
    lines = [sftp_line(step) for step in steps] + ["bye"]
    if drive.plan.client == "plink":
        lines = [line.replace("ls -l .", "ls") for line in lines]
    batch = os.path.join(drive.folder, "batch")
    with open(batch, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    target = f"{drive.user}@{drive.plan.server_address}"
    if drive.plan.client == "plink":
        argv = drive.plink("psftp") + ([] if by_hand else ["-b", batch]) + [target]
    else:
        argv = ["sftp", "-S", os.path.join(drive.folder, "ssh"), target]
    if not drive.plan.typed:
        drive.run(argv, stdin=batch if drive.plan.client != "plink" else None)
    else:
        sftp_terminal(drive, argv, lines, by_hand or drive.plan.client != "plink", by_hand)
    drive.say("sftp")


def sftp_terminal(drive, argv, lines, has_prompt, by_hand):
    terminal = drive.terminal(argv, **drive.scripted_password())
    if drive.log_in(terminal, SFTP_PROMPT):
        for line in lines:
            if by_hand:
                drive.pause(1, 2.5)
            terminal.sendline(line)
            if line != "bye":
                terminal.expect(SFTP_PROMPT)
        drive.finish(terminal)
    elif has_prompt:
        raise Unrecorded("no sftp prompt came")


def sftp_put(drive):
    sftp_session(drive, sftp_steps(drive, "put"))


def sftp_get(drive):
    sftp_session(drive, sftp_steps(drive, "get"))


def sftp_list(drive):
    sftp_session(drive, sftp_steps(drive, "ls"))


def sftp_several(drive):
    sftp_session(drive, sftp_steps(drive, *drive.rng.choices(("put", "get", "put", "get", "ls"), k=drive.rng.randrange(2, 6))))


def sftp_typed(drive):
    sftp_session(drive, sftp_steps(drive, *drive.rng.choice((("ls", "get"), ("put", "ls"), ("ls",), ("get", "put")))), by_hand=True)


def scp(drive, direction, is_old):
    (step,) = sftp_steps(drive, direction)
    _, here, there = step
    if drive.plan.client == "asyncssh":
        drive.python_client(do="scp", steps=[step])
    else:
        there = f"{drive.user}@{drive.plan.server_address}:{there}"
        if drive.plan.client == "plink":
            argv = drive.plink("pscp") + ["-scp" if is_old else "-sftp"]
        else:
            argv = ["scp", "-S", drive.program_for_scp()] + (["-O"] if is_old else []) + (["-p"] if drive.rng.random() < 0.3 else [])
        drive.run(argv + ([here, there] if direction == "put" else [there, here]))
    drive.say("scp", *([] if is_old else ["sftp"]))


def scp_several(drive, direction):
    steps = sftp_steps(drive, *[direction] * drive.rng.randrange(2, 5))
    target = f"{drive.user}@{drive.plan.server_address}:"
    is_old = drive.plan.client == "openssh75" or drive.rng.random() < 0.6
    argv = drive.plink("pscp") + ["-scp" if is_old else "-sftp"] if drive.plan.client == "plink" else \
        ["scp", "-S", drive.program_for_scp()] + (["-O"] if is_old else [])
    here = os.path.join(drive.folder, "got")
    os.makedirs(here)
    if direction == "put":
        drive.run(argv + [step[1] for step in steps] + [target])
    elif drive.plan.client == "plink":
        drive.run(argv + [f"{target}{os.path.dirname(steps[0][2])}/{drive.plan.number:02}-file*", here])
    else:
        drive.run(argv + [target + step[2] for step in steps[:1]] + [here])
        drive.done["transfers"] = drive.done["transfers"][:1]
    drive.say("scp", *([] if is_old else ["sftp"]))


def scp_several_up(drive):
    scp_several(drive, "put")


def scp_several_down(drive):
    scp_several(drive, "get")


def scp_old_up(drive):
    scp(drive, "put", True)


def scp_old_down(drive):
    scp(drive, "get", True)


def scp_new_up(drive):
    scp(drive, "put", False)


def scp_new_down(drive):
    scp(drive, "get", False)


def fetch(drive, namespace, *curl):
    """An HTTP transfer or more inside a tunnel; returns the bytes that came."""
    came = 0
    for _ in range(drive.rng.choice((1, 1, 2, 3))):
        done = subprocess.run(["ip", "netns", "exec", namespace, "env", "-i", "curl", "-s", "--max-time", "25", "--retry", "5", "--retry-delay", "1",
                               "--retry-connrefused", *curl], stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Unrecorded(f"nothing came through the tunnel: curl ended with {done.returncode}")
        came += len(done.stdout)
        drive.pause(0.1, 0.8)
    return came


def page(drive):
    return os.path.basename(drive.remote_file("page", drive.plan.size))


def tunnel(drive, forward, options, namespace, *curl):
    came = []
    drive.run(drive.client(*options, "-N"), until=lambda: came.append(fetch(drive, namespace, *curl)))
    drive.say("tunnel", forward=forward, inside=came[0])


def local_forward(drive):
    port = 20000 + drive.plan.number
    tunnel(drive, "local", ["-L", f"{port}:127.0.0.1:{HTTP_PORT}"], drive.world.client_namespace, f"http://127.0.0.1:{port}/{page(drive)}")


def dynamic_forward(drive):
    port = 20000 + drive.plan.number
    tunnel(drive, "dynamic", ["-D", f"{port}"], drive.world.client_namespace, "--socks5-hostname", f"127.0.0.1:{port}",
           f"http://127.0.0.1:{HTTP_PORT}/{page(drive)}")


def remote_forward(drive):
    port = 21000 + drive.plan.number
    tunnel(drive, "remote", ["-R", f"{port}:127.0.0.1:{HTTP_PORT}"], drive.world.server_namespace, f"http://127.0.0.1:{port}/{page(drive)}")


def stdio_forward(drive):
    request = os.path.join(drive.folder, "request")
    with open(request, "wb") as file:
        file.write(f"GET /{page(drive)} HTTP/1.0\r\n\r\n".encode())
    option = {"openssh": ["-W", f"127.0.0.1:{HTTP_PORT}"], "dbclient": ["-B", f"127.0.0.1:{HTTP_PORT}"], "plink": ["-nc", f"127.0.0.1:{HTTP_PORT}"]}
    argv = drive.client(*option[drive.plan.family])
    # dbclient would not wait for the answer once its input has ended
    came = drive.run(["sh", "-c", 'request=$1; shift; (cat "$request"; sleep 2) | "$@"', "sh", request, *argv])
    if "200 OK" not in came and not drive.plan.typed:
        raise Unrecorded("nothing came through the forwarded connection")
    drive.say("tunnel", forward="stdio")


def reverse_shell(drive):
    """A shell of the client's machine, used from the server's through a forwarded port: the keys come from the server."""
    port, here = 22000 + drive.plan.number, 23000 + drive.plan.number
    folder = os.path.dirname(os.path.abspath(__file__))
    offered = subprocess.Popen(drive.inside(["/usr/bin/python3", os.path.join(folder, "ssh_shell_port.py"), str(here)], HOME=drive.world.remote_home), stdin=subprocess.DEVNULL)
    pressed = []

    def use():
        taken = pexpect.spawn("ip", ["netns", "exec", drive.world.server_namespace, "env", "-i", "/usr/bin/python3", os.path.join(folder, "ssh_shell_port.py"),
                                     "--connect", str(port)], timeout=15, encoding="utf-8", echo=False, codec_errors="replace")
        taken.delaybeforesend = None
        taken.expect(SHELL_PROMPT)
        pressed.append(ssh_drive.open_shell(drive, taken))
        taken.close(force=True)

    try:
        drive.run(drive.client("-R", f"{port}:127.0.0.1:{here}", "-N"), until=use)
    finally:
        offered.kill()
    drive.say("tunnel", "shell", forward="reverse_shell", reverse_keystrokes=pressed[0])


def no_command(drive):
    drive.run(drive.client("-N", *(["-A"] if drive.plan.agent else [])), until=lambda: drive.pause(2, 6))
    drive.say("none")


def keepalive(drive):
    options = ["-oServerAliveInterval=1"] if drive.plan.keepalive == "client" else []
    drive.run(drive.client("-N", *options), until=lambda: drive.pause(4, 9))
    drive.say("none", keepalives=drive.plan.keepalive)


def x11(drive):
    drive.run(drive.client("-Y" if drive.rng.random() < 0.5 else "-X", command="timeout 3 xclock -update 1; true"), DISPLAY=drive.world.display)
    drive.say("command", x11=True)


def folder_of_files(drive, name, remote):
    path = os.path.join(drive.folder, name)
    os.makedirs(path)
    sizes = [drive.rng.randrange(400, 1 + max(500, drive.plan.size // 2)) for _ in range(drive.rng.randrange(2, 5))]
    for index, size in enumerate(sizes):
        with open(os.path.join(path, f"file{index}"), "wb") as file:
            file.write(drive.rng.randbytes(size))
    if remote:
        there = f"{drive.world.remote_home}/{drive.plan.number:02}-{name}"
        os.replace(path, there)
        subprocess.run(["chown", "-R", "20001:20001", there], check=True)
        path = there
    drive.done["files"] = sizes
    return path


def rsync(drive, is_up):
    target = f"{drive.user}@{drive.plan.server_address}:"
    path = folder_of_files(drive, "tree", not is_up)
    ends = [path, f"{target}{drive.plan.number:02}-tree"] if is_up else [target + path, os.path.join(drive.folder, "got")]
    drive.run(["rsync", "-a", "-e", os.path.join(drive.folder, "ssh"), *ends])
    drive.say("command", "rsync")


def rsync_up(drive):
    rsync(drive, True)


def rsync_down(drive):
    rsync(drive, False)


GIT = ["git", "-c", "user.name=visitor", "-c", "user.email=visitor@client.example.test", "-c", "init.defaultBranch=main", "-c", "safe.directory=*"]


def repository(drive):
    """A bare repository on the server with a few commits."""
    work = folder_of_files(drive, "repository", False)
    bare = f"{drive.world.remote_home}/{drive.plan.number:02}.git"
    for argv in ([*GIT, "init", "-q", work], [*GIT, "-C", work, "add", "."], [*GIT, "-C", work, "commit", "-q", "-m", "files"],
                 [*GIT, "clone", "-q", "--bare", work, bare], ["chown", "-R", "20001:20001", bare]):
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return work, bare


def git_clone(drive):
    _, bare = repository(drive)
    drive.run([*GIT, "clone", "-q", f"{drive.user}@{drive.plan.server_address}:{bare}", os.path.join(drive.folder, "clone")],
              GIT_SSH=os.path.join(drive.folder, "ssh"))
    drive.say("command", "git")


def git_push(drive):
    work, bare = repository(drive)
    with open(os.path.join(work, "more"), "wb") as file:
        file.write(drive.rng.randbytes(drive.plan.size // 2))
    for argv in ([*GIT, "-C", work, "add", "."], [*GIT, "-C", work, "commit", "-q", "-m", "more"]):
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    drive.run([*GIT, "-C", work, "push", "-q", f"{drive.user}@{drive.plan.server_address}:{bare}", "HEAD:main"], GIT_SSH=os.path.join(drive.folder, "ssh"))
    drive.say("command", "git")


def multiplexed(drive):
    socket = os.path.join(drive.folder, "s")
    again = ["ssh", "-F", "none", "-S", socket, f"{drive.user}@{drive.plan.server_address}"]
    if drive.plan.client == "openssh75":
        again[0] = "ssh1"
    did = []

    def use():
        deadline = time.time() + 10
        while not os.path.exists(socket) and time.time() < deadline:
            time.sleep(0.1)
        for _ in range(drive.rng.randrange(2, 5)):
            text = drive.rng.choice(COMMANDS)
            subprocess.run(drive.inside(again + [text]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=30, check=True)
            did.append(text)
            drive.pause(0.2, 1)

    drive.run(drive.client("-M", "-S", socket, "-N"), until=use)
    drive.say("command", channels=len(did))


def scan(drive, greeting):
    program = "import socket,sys,time\ns=socket.create_connection((sys.argv[1],22),10)\ngreeting=sys.argv[2].encode()\n" \
              "s.sendall(greeting+b'\\r\\n') if greeting else None\ns.recv(300)\ntime.sleep(0.2)\ns.close()\n"
    subprocess.run(drive.inside(["/usr/bin/python3", "-c", program, drive.plan.server_address, greeting]), check=True, timeout=30)
    drive.say(None)


def scan_banner(drive):
    scan(drive, drive.rng.choice(("SSH-2.0-Go", "SSH-2.0-libssh-0.6.3", "SSH-2.0-ZGrab ZGrab SSH Survey", "SSH-2.0-check")))


def scan_silent(drive):
    scan(drive, "")


def scan_kex(drive):
    if drive.plan.client == "paramiko":
        drive.python_client()
    else:
        subprocess.run(drive.inside(["ssh-keyscan", "-t", drive.rng.choice(("ed25519", "rsa", "ecdsa")), drive.plan.server_address]), check=True, timeout=30,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    drive.say(None)


def scan_methods(drive):
    if drive.plan.client == "paramiko":
        drive.python_client()
    else:
        drive.run(drive.client())
    drive.say(None)


def failed(drive):
    if drive.plan.client in PYTHON:
        drive.python_client(most=drive.rng.randrange(1, 4))
    elif drive.plan.client == "libssh":
        drive.libssh("command", "true")
    else:
        drive.run(drive.client(*(["-T"] if drive.plan.family == "openssh" else []), command="true"))
    drive.say(None)


failed_password = failed_key = failed_interactive = gives_up = failed


def brute_one(drive):
    if drive.plan.client == "paramiko":
        drive.python_client(most=8)
    else:
        drive.run(drive.client(command="true"))
    drive.say(None)


def brute_many(drive):
    rounds = [[drive.rng.choice(("root", "12345", "qwerty", "admin", "toor", "pass")) for _ in range(drive.rng.choice((1, 1, 2, 3)))]
              for _ in range(drive.rng.randrange(4, 8))]
    if not drive.plan.unknown_user and drive.rng.random() < 0.6:
        rounds.append([ssh_plan.PASSWORDS[drive.user]])
    drive.python_client(rounds=rounds)
    drive.say(None)

#!/usr/bin/env python3
"""Reads the folder of one recording into truth.json: the logs of xrdp (TRACE) or of FreeRDP's shadow
server, xfreerdp's log (DEBUG), the clients' options, what the client's X server saw of keys and mouse, and
the notes that the recording script took of what was typed, copied and moved once it had arrived.

The logs tell of each connection in order. What a client sent and nobody logs (desktop size, build,
cookie) is what its options told it to send.
"""
import argparse
import json
import pathlib
import re

LEVELS = {"none": 0, "low": 1, "medium": 2, "high": 3, "fips": 4}
METHODS = {"NONE": 0, "40BIT": 1, "128BIT": 2, "56BIT": 8, "FIPS": 16}
PROTOCOLS = {"RDP": 0, "SSL": 1, "HYBRID": 2}
REASONS = {0: "domain-disconnected", 1: "provider-initiated", 3: "user-requested"}  # T.125 7
WHEEL_BUTTONS = (4, 5)


def session_of(address, port):
    return {"client_ip": address, "client_port": port, "client_name": None, "server_selected": None, "channels": [],
            "encryption_level": None, "tls": None, "keyboard_layout": None, "keyboard_type": None,
            "certificate_type": None, "user": None, "domain": None, "directory": None, "logins": [],
            "requested_protocols": None, "selected_protocol": None, "negotiation_failure": None,
            "encryption_method": None, "disconnect_reason": None, "probe": None}


# ------------------------------------------------------------------ servers

def read_xrdp(log):
    sessions = []
    for line in log.splitlines():
        text = re.sub(r"^\[[\d:-]+\] \[\w+ *\] ", "", line)
        match = re.match(r"Socket \d+: AF_INET6? connection received from (\S+) port (\d+)", text)
        if match:
            sessions.append(session_of(match[1].removeprefix("::ffff:"), int(match[2])))
            continue
        if sessions:
            xrdp_line(text, sessions[-1])
    return sessions


def xrdp_line(text, session):
    match = re.match(r"Security protocol: configured \[.*\], requested \[(.*)\], selected \[(.*)\]", text)
    if match:
        session["server_selected"] = match[2] or None
        session["requested_protocols"] = sum(PROTOCOLS[name] for name in match[1].split("|"))
        session["selected_protocol"] = PROTOCOLS.get(match[2])
    elif text.startswith("Connected client computer name: "):
        session["client_name"] = text.split(": ", 1)[1]
    elif text.startswith("Adding channel: "):
        match = re.match(r"Adding channel: name (\S+), channel id (\d+), flags (0x[0-9a-f]+)", text)
        session["channels"].append({"name": match[1], "id": int(match[2]), "options": int(match[3], 16)})
    elif "Keyboard information sent" in text:
        session["keyboard_type"] = int(re.search(r"keyboard_type:\[(\w+)\]", text)[1], 16)
        session["keyboard_layout"] = int(re.search(r"keylayout:\[(\w+)\]", text)[1], 16)
    elif text.startswith("Non-TLS connection established"):
        session["encryption_level"] = LEVELS[text.rsplit(" : ", 1)[1].strip()]
    elif text.startswith("TLS connection established"):
        session["tls"] = text.rsplit(": ", 1)[1]
    elif re.match(r"using \d+ bit RSA key", text):
        session["certificate_type"] = "proprietary"
    elif text.startswith("Client supplied "):
        name, _, value = text.removeprefix("Client supplied ").partition(": ")
        session[{"username": "user"}.get(name, name)] = value or None
        session.pop("password", None)
    else:
        xrdp_login(text, session)


def xrdp_login(text, session):
    match = re.match(r"login (successful|failed) for user", text)
    if match:
        session["logins"].append({"successful": "success", "failed": "failure"}[match[1]])
    match = re.search(r"using RDP (\d+)-bit encryption", text)
    if match:
        session["encryption_method"] = METHODS[match[1] + "BIT"]
    elif text == "using no security":
        session["encryption_method"] = METHODS["NONE"]
    elif re.search("using RDP fips", text):
        session["encryption_method"] = METHODS["FIPS"]


def read_shadow(log):
    """A connection is told by what it negotiated; the log has no ports."""
    sessions = []
    for line in log.splitlines():
        text = line.split("] - ", 1)[-1].rstrip()
        match = re.match(r"Negotiated Security: NLA:(\d) TLS:(\d) RDP:(\d)", text)
        if match:
            selected = "HYBRID" if match[1] == "1" else "SSL" if match[2] == "1" else "RDP"
            sessions.append(session_of(None, None))
            sessions[-1].update(server_selected=selected, selected_protocol=PROTOCOLS[selected])
        elif not sessions:
            continue
        elif text.startswith("Accepted client: "):
            sessions[-1]["client_name"] = text.split(": ", 1)[1]
        elif re.match(r" \w+$", text):
            sessions[-1]["channels"].append({"name": text.strip(), "id": None, "options": None})
        elif "client authentication failure" in text:
            sessions[-1]["logins"].append("failure")
        elif "is activated" in text and sessions[-1]["server_selected"] == "HYBRID":
            sessions[-1]["logins"].append("success")
    return sessions


# ------------------------------------------------------------------ clients

def read_freerdp(log):
    """For each connection of xfreerdp and of rdp_probe.py what was asked for and what came back."""
    attempts, probe = [], None
    for line in log.splitlines():
        match = re.search(r"state: PROBE cookie: (\S+)", line)
        if match:
            probe = match[1]
        match = re.search(r"RequestedProtocols: (\d+)", line)
        if match:
            attempts.append({"requested_protocols": int(match[1]), "selected_protocol": None,
                             "negotiation_failure": None, "encryption_method": None, "probe": probe,
                             "disconnect_reason": None})
        if not attempts:
            continue
        for name, pattern in (("selected_protocol", r"selected_protocol: (\d+)"), ("negotiation_failure", r"RDP_NEG_FAILURE code: (\d+)")):
            match = re.search(pattern, line)
            if match:
                attempts[-1][name] = int(match[1])
        match = re.search(r"Server rdp encryption method: (\w+)", line)
        if match:
            attempts[-1]["encryption_method"] = METHODS[match[1]]
        match = re.search(r"DisconnectProviderUltimatum: reason: (\d+)", line)
        if match:
            attempts[-1]["disconnect_reason"] = REASONS[int(match[1])]
    return attempts


def read_options(path):
    """The programs that ran, each with its (name, value) of /name:value or -n value."""
    runs = []
    for line in path.read_text().splitlines():
        if line.startswith("program "):
            runs.append({"program": line.split(" ", 1)[1], "options": {}, "last": None})
            continue
        run = runs[-1]
        match = re.match(r"/([\w-]+):(.*)$", line)
        if match:
            run["options"][match[1]] = match[2]
        elif run["program"] == "rdesktop" and run["last"] and re.match(r"-\w$", run["last"]):
            run["options"][run["last"][1]] = line
        run["last"] = line
    return runs


def apply_options(session, run):
    options, is_rdesktop = run["options"], run["program"] == "rdesktop"
    session["program"] = run["program"]
    session["cookie"], session["routing_token"] = None, None
    if session["probe"]:
        session["cookie"] = session["probe"]
    elif "load-balance-info" in options:
        session["routing_token"] = options["load-balance-info"]
    elif "u" in options:
        session["cookie"] = options["u"]
    if session["client_name"] is None:
        return  # the negotiation went no further, the client's data were never sent
    size = options["g"] if is_rdesktop else options["size"]
    session["client_build"] = 2600 if is_rdesktop else int(options["client-build-number"])  # rdesktop says that it is Windows XP
    session["desktop_width"], session["desktop_height"] = map(int, size.split("x"))
    session["color_depth"] = int(options["a"] if is_rdesktop else options["bpp"])


def merge_attempts(sessions, attempts):
    if not sessions or len(sessions) != len(attempts):
        raise SystemExit(f"{len(sessions)} sessions in the server's log, {len(attempts)} in the client's")
    for session, attempt in zip(sessions, attempts):
        session.update({name: value for name, value in attempt.items() if value is not None or name not in session})


# ------------------------------------------------------------------ what was done

def read_input(log):
    """Keys and buttons that reached the client's X server, whatever window they were for."""
    counts = {"key_presses": 0, "key_releases": 0, "buttons": 0, "wheel": 0}
    for kind, detail in re.findall(r"\((Raw\w+)\)\n\s+device:.*\n(?:\s+time:.*\n)?\s+detail: (\d+)", log):
        if kind == "RawKeyPress":
            counts["key_presses"] += 1
        elif kind == "RawKeyRelease":
            counts["key_releases"] += 1
        elif kind == "RawButtonPress":
            counts["wheel" if int(detail) in WHEEL_BUTTONS else "buttons"] += 1
    return counts


def read_done(folder):
    done = {"typed": [], "pressed": [], "clipboard": [], "files": [], "drives": [], "resized": None, "ended": None,
            "played": None}
    path = folder / "did"
    for line in path.read_text().splitlines() if path.exists() else []:
        kind, _, what = line.partition("\t")
        what = what.replace("\\n", "\n")
        if kind in ("typed", "pressed"):
            done[kind].append(what)
        elif kind in ("client-copied", "desktop-copied"):
            done["clipboard"].append({"from": "client" if kind == "client-copied" else "server", "text": what})
        elif kind in ("file-read", "file-written"):
            name, size = what.rsplit(" ", 1)
            done["files"].append({"name": name, "bytes": int(size), "from": "client" if kind == "file-read" else "server"})
        elif kind == "drive":
            done["drives"].append(what)
        elif kind in done:
            done[kind] = what
    done["input"] = read_input((folder / "client-input.log").read_text(errors="replace"))
    return done


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    folder = arguments.folder

    def log(name):
        return (folder / name).read_text(errors="replace") if (folder / name).exists() else ""

    is_xrdp = bool(log("xrdp.log.file"))
    sessions = read_xrdp(log("xrdp.log.file")) if is_xrdp else read_shadow(log("shadow.log"))
    runs = read_options(folder / "client.options")
    if all(run["program"] == "xfreerdp" for run in runs):
        merge_attempts(sessions, read_freerdp(log("client.log")))
    has_key = (folder / "options").exists()
    for number, session in enumerate(sessions):
        apply_options(session, runs[min(number, len(runs) - 1)])
        # Under TLS nothing after the negotiation is in the clear.
        session["clear"] = session["server_selected"] == "RDP"
        session["readable"] = readable(session, has_key)
        session["server_software"] = "xrdp" if is_xrdp else "FreeRDP"
        del session["probe"]
    print(json.dumps({"case": arguments.case, "protocol": "rdp",
                      "sources": [path.name for path in sorted(folder.iterdir()) if path.suffix in (".log", ".file", ".options") or path.name == "did"],
                      "sessions": sessions, "done": read_done(folder)}, indent=2))


def readable(session, has_key):
    """The sides whose content can be read: level low leaves the server's in the clear, the key opens RC4."""
    if not session["clear"] or session["encryption_method"] is None:
        return []
    if session["encryption_method"] == METHODS["NONE"] or (has_key and session["encryption_method"] != METHODS["FIPS"]):
        return ["client", "server"]
    return ["server"] if session["encryption_level"] == LEVELS["low"] else []


if __name__ == "__main__":
    main()

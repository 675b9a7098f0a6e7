#!/usr/bin/env python3
"""Reads what OpenSSH (ssh -vv, or sshd at DEBUG2) and the server's log said into truth.json.

Whichever side is OpenSSH's prints both KEXINITs and the outcome of the negotiation; HASSH is
computed from those lists. The host key's fingerprint is what ssh-keygen says of the key file.
"""
import argparse
import hashlib
import json
import pathlib
import re
import subprocess

LISTS = {"KEX algorithms": "kex", "host key algorithms": "host_key", "ciphers ctos": "cipher_ctos",
         "ciphers stoc": "cipher_stoc", "MACs ctos": "mac_ctos", "MACs stoc": "mac_stoc",
         "compression ctos": "compression_ctos", "compression stoc": "compression_stoc",
         "first_kex_follows": "first_kex_packet_follows"}


def proposals(lines):
    """{'client': {list: text}, 'server': {...}} of the first key exchange."""
    found, side = {}, None
    for line in lines:
        match = re.search(r"(?:local|peer) (client|server) KEXINIT proposal", line)
        if match:
            side = match[1] if match[1] not in found else None
            if side:
                found[side] = {}
            continue
        match = re.match(r"debug2: ([\w ]+?):? ([^ ]*)(?: \[preauth\])?\s*$", line)
        if side and match and match[1] in LISTS:
            found[side].setdefault(LISTS[match[1]], match[2])
    return found


def hassh(lists, direction):
    text = ";".join((lists["kex"], lists["cipher_" + direction], lists["mac_" + direction],
                     lists["compression_" + direction]))
    return hashlib.md5(text.encode()).hexdigest()


def negotiated(lines):
    result = {}
    for line in lines:
        line = line.replace(" [preauth]", "")
        match = re.search(r"kex: (algorithm|host key algorithm): (\S+)", line)
        if match:
            result.setdefault({"algorithm": "kex"}.get(match[1], "host_key_algorithm"), match[2])
        match = re.search(r"kex: (\w+)->\w+ cipher: (\S+) MAC: (\S+) compression: (\S+)", line)
        if match:
            side = match[1]
            result.setdefault(side + "_cipher", match[2])
            # An AEAD cipher brings its own: the negotiated MAC name goes unused.
            result.setdefault(side + "_mac", None if match[3] == "<implicit>" else match[3])
            result.setdefault(side + "_compression", match[4])
    return result


def versions(lines, is_client):
    local = next(line.split("version string ")[1] for line in lines if "Local version string" in line)
    remote = next(re.search(r"protocol version (\S+), remote software version (.*)$", line)
                  for line in lines if "Remote protocol version" in line)
    own, other = local.strip(), f"SSH-{remote[1]}-{remote[2].strip()}"
    return (own, other) if is_client else (other, own)


def host_key(folder, algorithm):
    """Type and fingerprint of the host key that the algorithm stands for."""
    for path in folder.glob("host_*.pub"):
        kind = path.read_text().split()[0]
        if kind in (algorithm, algorithm.replace("-cert-v01@openssh.com", "")) or (kind == "ssh-rsa" and algorithm.startswith("rsa-sha2")):
            said = subprocess.run(["ssh-keygen", "-lf", path], capture_output=True, text=True,
                                  check=True).stdout
            return {"type": kind, "fingerprint": said.split()[1]}
    raise SystemExit(f"no host key file for {algorithm}")


def authentication(server_log):
    """The server's word on each try: (method, user, accepted)."""
    tries = []
    for line in server_log.splitlines():
        match = re.search(r"^(Accepted|Failed) (password|publickey|none|keyboard-interactive\S*) "
                          r"for (?:invalid user )?(\S+) from", line)
        if match:
            tries.append({"method": match[2], "user": match[3], "accepted": match[1] == "Accepted"})
        match = re.search(r"(Pubkey|Password) auth succeeded for '([^']*)'", line)
        if match:
            method = {"Pubkey": "publickey", "Password": "password"}[match[1]]
            tries.append({"method": method, "user": match[2], "accepted": True})
    if not tries:
        raise SystemExit("the server's log tells of no authentication")
    return {"tries": tries, "result": "success" if tries[-1]["accepted"] else "failure",
            "method": tries[-1]["method"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True)
    parser.add_argument("--server-log", type=pathlib.Path, required=True)
    parser.add_argument("--client-log", type=pathlib.Path, required=True)
    parser.add_argument("--host-keys", type=pathlib.Path, required=True)
    options = parser.parse_args()

    client_log = options.client_log.read_text(errors="replace")
    server_log = options.server_log.read_text(errors="replace")
    is_client = "KEXINIT proposal" in client_log
    lines = (client_log if is_client else server_log).splitlines()

    lists = proposals(lines)
    session = negotiated(lines)
    session["client_version"], session["server_version"] = versions(lines, is_client)
    session["host_key"] = host_key(options.host_keys, session["host_key_algorithm"])
    said = re.search(r"Server host key: (\S+) (SHA256:\S+)", client_log)
    if said and (said[1], said[2]) != (session["host_key"]["type"], session["host_key"]["fingerprint"]):
        raise SystemExit("the client saw another host key than the server's file holds")
    session["hassh"] = hassh(lists["client"], "ctos")
    session["hassh_server"] = hassh(lists["server"], "stoc")
    session["strict_kex"] = ("kex-strict-c-v00@openssh.com" in lists["client"]["kex"]
                             and "kex-strict-s-v00@openssh.com" in lists["server"]["kex"])
    session["proposals"] = lists
    session["authentication"] = authentication(server_log)
    print(json.dumps({"case": options.case, "protocol": "ssh",
                      "sources": ["client log" if is_client else "server log", "server log",
                                  "ssh-keygen -lf"],
                      "sessions": [session]}, indent=2))


if __name__ == "__main__":
    main()

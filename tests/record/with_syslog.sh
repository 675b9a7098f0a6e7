#!/bin/bash
# with_syslog.sh LOG COMMAND...: runs a server that writes to the system's log alone, with a /dev of its own in which /dev/log
# leads into the file LOG. Called inside a mount namespace of its own.
set -eu
log=$1
shift
mkdir /run/dev
mount -t tmpfs -o mode=755 tmpfs /run/dev
for node in null zero full random urandom tty; do
    touch "/run/dev/$node"
    mount --bind "/dev/$node" "/run/dev/$node"
done
mount --rbind /run/dev /dev
/usr/bin/python3 -c '
import os, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("/dev/log")
os.chmod("/dev/log", 0o666)
with open(sys.argv[1], "ab", buffering=0) as log:
    while True:
        log.write(receiver.recv(65536).rstrip(b"\0\n") + b"\n")' "$log" &
until [ -S /dev/log ]; do sleep 0.02; done
exec "$@"

#!/bin/bash
# The desktop of a recorded RDP session: run by xrdp-sesman as the user who logged in. Keeps what is
# typed in ~/typed.txt, what keys and mouse do in ~/input.log, and does the commands that come
# through the pipe ~/do, one a line.
exec >"$HOME/desktop.log" 2>&1
cd "$HOME" || exit 1
rm -f do ready
mkfifo do
: >done
stdbuf -oL xinput test-xi2 --root >input.log &
xterm -geometry 60x20+0+0 -e sh -c 'stty -echo; cat >>"$HOME/typed.txt"' &
sleep 0.3
env | sort >environment
echo "$DISPLAY" >ready
exec 3<>do
while read -r -u 3 command; do
    [ "$command" = logoff ] && break
    eval "$command"
    echo "$command" >>done
done
echo logoff >>done
kill $(jobs -p)

# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records WebSocket: servers are python3-websockets and websocketd, the client is
# python3-websockets, whose debug log names every frame; the truth is read from it.

websocket_cases=(echo fragments deflate close refused odd-port)

websocket_server() {
    start server server /usr/bin/python3 "$record_folder/websocket_peer.py" server '' "$1" "$2"
    await_port "$1"
}

# websocket_client URL SCRIPT [NAME=VALUE...]: appends its log to client.log.
websocket_client() {
    inside client timeout 20 /usr/bin/python3 "$record_folder/websocket_peer.py" client "$@" \
        >>"$work/client.log" 2>&1
}

websocket_finish() {
    capture_stop
    truth truth_websocket.py --client-log "$work/client.log"
}

websocket_echo() {
    websocket_server 80 echo
    capture_start
    websocket_client ws://server.example.test/ echo origin=http://pages.example.test \
        subprotocol=chat.example.test
    websocket_finish
    describe "text and binary messages of 0 to 1500 bytes, echoed; Origin and a subprotocol" \
        "tests/record/websocket_peer.py client ws://server.example.test/ echo origin=http://pages.example.test subprotocol=chat.example.test" \
        python3-websockets
}

websocket_fragments() {
    websocket_server 80 fragments
    capture_start
    websocket_client ws://server.example.test/ fragments
    websocket_finish
    describe "fragmented messages both ways, a ping and its pong between the fragments" \
        "tests/record/websocket_peer.py client ws://server.example.test/ fragments" python3-websockets
}

websocket_deflate() {
    websocket_server 80 echo
    capture_start
    websocket_client ws://server.example.test/ deflate compression=deflate
    websocket_finish
    describe "permessage-deflate (RFC 7692) with context takeover: the second copy of a text is smaller than the first" \
        "tests/record/websocket_peer.py client ws://server.example.test/ deflate compression=deflate" \
        python3-websockets
}

websocket_close() {
    websocket_server 80 close
    start second server /usr/bin/python3 "$record_folder/websocket_peer.py" server '' 81 echo
    await_port 81
    capture_start
    websocket_client ws://server.example.test/ close
    websocket_client ws://server.example.test:81/ close
    websocket_finish
    describe "two connections: the server closes with 4001 and a reason, then the client closes with 1001 and a reason" \
        "tests/record/websocket_peer.py client ws://server.example.test/ close" python3-websockets
}

websocket_refused() {
    websocket_server 80 echo
    start websocketd server websocketd --port=8080 --sameorigin /bin/cat
    await_port 8080
    capture_start
    websocket_client ws://server.example.test/elsewhere echo
    websocket_client ws://server.example.test:8080/ echo origin=http://stranger.example.test
    websocket_finish
    describe "two upgrades that are refused: 404 for an unknown path, 403 for a foreign origin" \
        "tests/record/websocket_peer.py client ws://server.example.test/elsewhere echo" \
        python3-websockets websocketd
}

websocket_odd_port() {
    start websocketd server websocketd --port=17017 --address="$server_address" --loglevel=access /bin/cat
    await_port 17017
    capture_start
    websocket_client 'ws://server.example.test:17017/lines?of=three' lines
    websocket_finish
    describe "websocketd on port 17017, another implementation; the URI has a query" \
        "tests/record/websocket_peer.py client 'ws://server.example.test:17017/lines?of=three' lines" \
        python3-websockets websocketd
}

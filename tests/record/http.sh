# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records HTTP/1: nginx and tinyproxy, asked by curl and by requests written out by hand. The truth is nginx's access log, and for bodies sent in
# chunks what curl took out of them.

http_cases=(messages)

http_nginx() {
    mkdir -p "$work/nginx" "$work/www"
    printf '<html><body>a page of the server</body></html>\n' >"$work/www/index.html"
    seq 1 2000 >"$work/www/numbers.txt"
    echo told >"$work/www/secret"
    printf 'alice:%s\n' "$(openssl passwd -apr1 battery)" >"$work/passwords"
    cat >"$work/nginx.conf" <<CONFIG
worker_processes 1;
daemon off;
user root;
pid $work/nginx/pid;
error_log stderr;
events {}
http {
    log_format truth escape=json '{"connection":\$connection,"number":\$connection_requests,"request":"\$request","host":"\$http_host",'
        '"status":\$status,"sent":\$body_bytes_sent,"coding":"\$sent_http_transfer_encoding","response_type":"\$sent_http_content_type",'
        '"user_agent":"\$http_user_agent","referrer":"\$http_referer","length":"\$content_length","request_type":"\$content_type",'
        '"user":"\$remote_user","upgrade":"\$http_upgrade","request_coding":"\$http_transfer_encoding","expect":"\$http_expect"}';
    access_log $work/access.log truth;
    client_body_temp_path $work/nginx; proxy_temp_path $work/nginx; fastcgi_temp_path $work/nginx; uwsgi_temp_path $work/nginx; scgi_temp_path $work/nginx;
    types { text/html html; text/plain txt; }
    gzip on;
    if_modified_since before;
    gzip_min_length 1;
    gzip_types text/plain;
    server {
        listen 80;
        root $work/www;
        location /moved { return 302 /; }
        location /secret { auth_basic "the secret"; auth_basic_user_file $work/passwords; }
        location /take { return 200 "taken\n"; }
        location /chat { return 426 "not here\n"; }
    }
}
CONFIG
    start nginx server nginx -e stderr -c "$work/nginx.conf"
    await_port 80
}

# between two transfers of one curl
http_next=(--next -sS -o /dev/null -w '%{url_effective} %{size_download}\n')

# http_curl OPTION...: one connection; curl.log tells of each transfer how many bytes its body had once its chunks were joined.
http_curl() {
    inside client curl -sS --max-time 10 -o /dev/null -w '%{url_effective} %{size_download}\n' "$@" >>"$work/curl.log" 2>>"$work/curl_errors.log" || true
}

# http_raw TEXT: says it, waits until the server closes.
http_raw() {
    printf "$1" | inside client /usr/bin/python3 -c '
import socket, sys
said = sys.stdin.buffer.read()
connection = socket.create_connection((sys.argv[1], 80), 5)
connection.sendall(said)
while connection.recv(65536):
    pass
' "$server_address"
}

http_messages() {
    local site=http://server.example.test
    printf -- '--passwords\n' >"$work/options"
    head -c 3000 /dev/zero | tr '\0' 'x' >"$work/upload"
    http_nginx
    capture_start
    # keep-alive: found, moved and followed, not modified, without a body, compressed in chunks, uploads whole and in chunks
    http_curl -L -A 'agent/1' -e 'http://pages.example.test/from' "$site/moved" \
        "${http_next[@]}" -H 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT' "$site/index.html" \
        "${http_next[@]}" -I "$site/" \
        "${http_next[@]}" -H 'Accept-Encoding: gzip' "$site/numbers.txt" \
        "${http_next[@]}" --data-binary @"$work/upload" -H 'Expect: 100-continue' "$site/take" \
        "${http_next[@]}" --data-binary @"$work/upload" -H 'Transfer-Encoding: chunked' -H 'Content-Type: text/plain' "$site/take"
    # refused, then let in; an upgrade that is refused, and the connection goes on
    http_curl --anyauth -u alice:battery "$site/secret"
    http_curl --http1.1 -H 'Upgrade: websocket' -H 'Connection: Upgrade' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "$site/chat" \
        "${http_next[@]}" "$site/index.html"
    # pipelined, with fields that are folded or odd, a proxy's request, HTTP/1.0 at the end
    http_raw 'GET / HTTP/1.1\r\nHost: server.example.test\r\n\r\nHEAD /numbers.txt HTTP/1.1\r\nhOST:  server.example.test  \r\nUser-Agent:\tby hand\r\n\r\nPOST /take HTTP/1.1\r\nHost: server.example.test\r\nTransfer-Encoding: chunked\r\n\r\n5;name="value"\r\nhello\r\n0\r\nTrailer: t\r\n\r\nGET http://other.example.test/nothing HTTP/1.1\r\nHost: server.example.test\r\n\r\nGET /index.html HTTP/1.0\r\n\r\n'
    http_raw 'CONNECT server.example.test:22 HTTP/1.1\r\nHost: server.example.test:22\r\n\r\n'
    capture_stop
    truth truth_http.py --access-log "$work/access.log" --curl-log "$work/curl.log"
    describe "keep-alive, redirects, 304, HEAD, gzip in chunks, uploads whole and in chunks, 401 and a login, a refused upgrade, pipelining, absolute targets, HTTP/1.0, a refused CONNECT" \
        "curl, and requests written out in tests/record/http.sh" nginx curl
}

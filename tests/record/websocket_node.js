// A WebSocket server (ws of Node.js) for the recorded cases, with a page that opens a WebSocket to it.
//
// websocket_node.js LOG PORT [CERTIFICATE KEY]
//
// Echoes every message. LOG gets one line of JSON for each thing seen: truth_websocket.py reads it. Messages are compressed with a window
// of 2^10 bytes and without context takeover on the server's side (RFC 7692, 7.1.1.1 and 7.1.2.1).
'use strict';

const fs = require('fs');
const http = require('http');
const https = require('https');
const { WebSocketServer } = require('ws');

const [logPath, port, certificate, key] = process.argv.slice(2);

const page = `<!doctype html><title>a page</title><script>
const socket = new WebSocket("wss://" + location.host + "/socket?from=page", ["chat.example.test", "other.example.test"]);
socket.binaryType = "arraybuffer";
const messages = ["hello from the page", "grüße ✓", new Uint8Array(300).map((_, i) => i), "again and again ".repeat(200), "again and again ".repeat(200), ""];
let next = 0;
socket.onopen = () => socket.send(messages[next++]);
socket.onmessage = () => next < messages.length ? socket.send(messages[next++]) : socket.close(4002, "page is done");
</script>`;

const log = (entry) => fs.appendFileSync(logPath, JSON.stringify(entry) + '\n');

function onRequest(request, response) {
    const known = request.url === '/';
    response.writeHead(known ? 200 : 404, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end(known ? page : 'no such page\n');
    log({ event: 'request', method: request.method, uri: request.url, status: known ? 200 : 404, user_agent: request.headers['user-agent'] || null });
}

const server = certificate
    ? https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }, onRequest)
    : http.createServer(onRequest);
const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0, serverNoContextTakeover: true, serverMaxWindowBits: 10 } });

let answerHeaders = null;
sockets.on('headers', (headers) => { answerHeaders = headers; });

function logMessage(from, opcode, data) {
    const bytes = Buffer.from(data);
    log({ event: 'message', from, opcode, size: bytes.length, sha256: require('crypto').createHash('sha256').update(bytes).digest('hex') });
}

sockets.on('connection', (socket, request) => {
    log({ event: 'open', uri: request.url, request_headers: request.headers, status_line: answerHeaders[0], response_headers: answerHeaders.slice(1) });
    socket.on('message', (data, isBinary) => {
        const opcode = isBinary ? 'binary' : 'text';
        logMessage('client', opcode, data);
        socket.send(data, { binary: isBinary });
        logMessage('server', opcode, data);
    });
    socket.on('ping', (data) => {
        logMessage('client', 'ping', data);
        logMessage('server', 'pong', data);
    });
    socket.on('close', (code, reason) => log({ event: 'close', code, reason: reason.toString() }));
});

server.listen(Number(port));

// HTTP/2 of Node.js for the recorded cases: a server with WebSockets in its streams (RFC 8441), tunnels and pushed answers, and a client that uses them.
//
// http2_node.js server LOG PORT [CERTIFICATE KEY]
// http2_node.js client URL [TUNNEL-HOST TUNNEL-PORT]
//
// The server appends a line of JSON to LOG for each request that is over, and each WebSocket: truth_http2.py reads it. Frames of WebSocket are made
// and read here: no library for Node.js has them in HTTP/2. With a host and a port, the client only joins its standard input and output to a tunnel.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const http2 = require('http2');
const net = require('net');
const zlib = require('zlib');

const OPCODES = { 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };
const [role, ...words] = process.argv.slice(2);

// ---- frames of WebSocket ----

function makeFrame(opcode, payload, { isMasked, isFinal = true, rsv = 0 }) {
    const key = crypto.randomBytes(4);
    const start = [(isFinal ? 0x80 : 0) | rsv | opcode];
    const mask = isMasked ? 0x80 : 0;
    if (payload.length < 126)
        start.push(mask | payload.length);
    else
        start.push(mask | 126, payload.length >> 8, payload.length & 255);
    return Buffer.concat([Buffer.from(start), isMasked ? key : Buffer.alloc(0), isMasked ? payload.map((byte, i) => byte ^ key[i % 4]) : payload]);
}

// Calls onMessage(opcode, payload, isCompressed, fragments) for each message among the chunks.
function makeReader(onMessage) {
    let rest = Buffer.alloc(0);
    let open = null;
    return (chunk) => {
        rest = Buffer.concat([rest, chunk]);
        for (;;) {
            if (rest.length < 2)
                return;
            let length = rest[1] & 0x7f;
            let at = 2;
            if (length === 126) {
                if (rest.length < 4)
                    return;
                length = rest.readUInt16BE(2);
                at = 4;
            }
            const isMasked = (rest[1] & 0x80) !== 0;
            const key = rest.subarray(at, at + 4);
            at += isMasked ? 4 : 0;
            if (rest.length < at + length)
                return;
            const payload = rest.subarray(at, at + length).map((byte, i) => isMasked ? byte ^ key[i % 4] : byte);
            const opcode = rest[0] & 15;
            const isFinal = (rest[0] & 0x80) !== 0;
            const isCompressed = (rest[0] & 0x40) !== 0;
            rest = rest.subarray(at + length);
            if (opcode >= 8) {
                onMessage(opcode, payload, false, 1);
                continue;
            }
            if (opcode !== 0)
                open = { opcode, parts: [], isCompressed };
            open.parts.push(payload);
            if (isFinal)
                onMessage(open.opcode, Buffer.concat(open.parts), open.isCompressed, open.parts.length);
        }
    };
}

const inflate = (bytes) => zlib.inflateRawSync(Buffer.concat([bytes, Buffer.from([0, 0, 255, 255])]), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
const deflate = (bytes) => zlib.deflateRawSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);

// ---- the server ----

const page = `<!doctype html><title>a page</title><script>
const messages = ["hello from the page", "grüße ✓", new Uint8Array(300).map((_, i) => i), "again and again ".repeat(200), ""];
let next = 0;
const socket = new WebSocket("wss://" + location.host + "/socket?from=page", ["chat.example.test", "other.example.test"]);
socket.binaryType = "arraybuffer";
socket.onopen = () => socket.send(messages[next++]);
socket.onmessage = () => next < messages.length ? socket.send(messages[next++]) : socket.close(4002, "page is done");
socket.onclose = () => fetch("/over", { method: "POST", body: "over" });
</script>`;

function serve(logPath, port, certificate, key) {
    const log = (entry) => fs.appendFileSync(logPath, JSON.stringify(entry) + '\n');
    const settings = { enableConnectProtocol: true };
    const server = certificate ? http2.createSecureServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key), settings })
        : http2.createServer({ settings });

    // Counts the bytes each way; what was asked for and answered is told when the stream is over.
    function follow(stream, headers, status) {
        const seen = { event: 'request', stream: stream.id, method: headers[':method'], host: headers[':authority'] || null, uri: headers[':path'] || headers[':authority'],
            upgrade: headers[':protocol'] || null, user_agent: headers['user-agent'] || null, status, request_size: 0, response_size: 0 };
        stream.on('error', () => {});
        stream.on('close', () => log(seen));
        return seen;
    }

    function say(stream, seen, bytes) {
        seen.response_size += bytes.length;
        stream.write(bytes);
    }

    function onWebSocket(stream, headers) {
        const isDeflated = /permessage-deflate/.test(headers['sec-websocket-extensions'] || '');
        const seen = follow(stream, headers, headers[':path'] === '/refused' ? 403 : 200);
        const session = { event: 'websocket', stream: stream.id, host: headers[':authority'], uri: headers[':path'], origin: headers.origin || null,
            user_agent: headers['user-agent'] || null, status_code: seen.status, subprotocol: null, extensions: null, messages: [], close_code: null, close_reason: null };
        const answer = { ':status': seen.status };
        stream.on('close', () => log(session));
        if (seen.status !== 200) {
            stream.respond(answer, { endStream: true });
            return;
        }
        if (headers['sec-websocket-protocol'])
            answer['sec-websocket-protocol'] = session.subprotocol = headers['sec-websocket-protocol'].split(',')[0];
        if (isDeflated)
            answer['sec-websocket-extensions'] = session.extensions = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
        stream.respond(answer);
        const note = (from, opcode, payload, fragments) => session.messages.push({ from, opcode: OPCODES[opcode], size: payload.length, fragments,
            sha256: crypto.createHash('sha256').update(payload).digest('hex') });
        const reader = makeReader((opcode, payload, isCompressed, fragments) => {
            const plain = isCompressed ? inflate(payload) : payload;
            note('client', opcode, plain, fragments);
            if (opcode === 8) {
                session.close_code = plain.length >= 2 ? plain.readUInt16BE(0) : null;
                session.close_reason = plain.subarray(2).toString() || null;
            }
            const answered = opcode === 9 ? 10 : opcode;
            const isPacked = isDeflated && opcode < 8;
            note('server', answered, plain, 1);
            say(stream, seen, makeFrame(answered, isPacked ? deflate(plain) : plain, { rsv: isPacked ? 0x40 : 0 }));
            if (opcode === 8)
                stream.end();
        });
        stream.on('data', (chunk) => {
            seen.request_size += chunk.length;
            reader(chunk);
        });
    }

    function onTunnel(stream, headers) {
        const [, host, target] = /^(.*):(\d+)$/.exec(headers[':authority']);
        const seen = follow(stream, headers, 200);
        const socket = net.connect(Number(target), host, () => stream.respond({ ':status': 200 }));
        stream.on('data', (chunk) => {
            seen.request_size += chunk.length;
            socket.write(chunk);
        });
        stream.on('end', () => socket.end());
        socket.on('data', (chunk) => say(stream, seen, chunk));
        socket.on('end', () => stream.end());
        socket.on('error', () => stream.close());
    }

    function onRequest(stream, headers) {
        const path = headers[':path'];
        const bodies = { '/': page, '/large': 'a line of a large answer\n'.repeat(1000), '/upload': 'thank you\n', '/over': 'over\n', '/with-push': 'see the other one\n' };
        const status = path in bodies ? 200 : 404;
        const body = Buffer.from(bodies[path] || 'no such page\n');
        const seen = follow(stream, headers, status);
        seen.response_size = body.length;
        stream.on('data', (chunk) => { seen.request_size += chunk.length; });
        stream.on('end', () => {
            if (path === '/with-push' && stream.pushAllowed)
                stream.pushStream({ ':path': '/pushed.txt' }, (error, pushed, request) => {
                    const told = follow(pushed, request, 200);
                    told.response_size = 7;
                    pushed.respond({ ':status': 200, 'content-type': 'text/plain' });
                    pushed.end('pushed\n');
                });
            if (path === '/upload')
                stream.additionalHeaders({ ':status': 103, link: '</style.css>; rel=preload' });
            stream.respond({ ':status': status, 'content-type': path === '/' ? 'text/html; charset=utf-8' : 'text/plain' }, { waitForTrailers: path === '/upload' });
            stream.on('wantTrailers', () => stream.sendTrailers({ 'x-digest': 'none' }));
            stream.end(body);
        });
    }

    server.on('sessionError', () => {});
    server.on('stream', (stream, headers) => {
        if (headers[':method'] !== 'CONNECT')
            onRequest(stream, headers);
        else if (headers[':protocol'] === 'websocket')
            onWebSocket(stream, headers);
        else
            onTunnel(stream, headers);
    });
    server.listen(Number(port));
}

// ---- the client ----

const NAME = { 'user-agent': 'http2_node.js' };

function request(session, headers, body) {
    return new Promise((resolve, reject) => {
        const stream = session.request({ ...headers, ...NAME }, { endStream: body === undefined, waitForTrailers: body !== undefined });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sent': 'all' }));
        stream.on('error', reject);
        stream.on('close', resolve);
        stream.resume();
        if (body !== undefined)
            stream.end(body);
    });
}

function webSocket(session, path, protocol) {
    return new Promise((resolve, reject) => {
        const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https', ':path': path, ...NAME,
            'sec-websocket-version': '13', 'sec-websocket-protocol': protocol, origin: 'http://pages.example.test' }, { endStream: false });
        const masked = { isMasked: true };
        const steps = [
            () => stream.write(Buffer.concat([makeFrame(1, Buffer.from('in three '), { isMasked: true, isFinal: false }), makeFrame(9, Buffer.from('between'), masked)])),
            () => stream.write(Buffer.concat([makeFrame(0, Buffer.from('parts: grüße, '), { isMasked: true, isFinal: false }), makeFrame(0, Buffer.from('end'), masked)])),
            () => stream.write(makeFrame(2, Buffer.alloc(3000, 7), masked)),
            () => stream.write(makeFrame(1, Buffer.alloc(0), masked)),
            () => stream.write(makeFrame(8, Buffer.concat([Buffer.from([0x03, 0xe8]), Buffer.from('all said')]), masked)),
        ];
        let next = 0;
        stream.on('response', (headers) => headers[':status'] === 200 ? steps[next++]() : stream.end());
        stream.on('data', makeReader(() => next < steps.length ? steps[next++]() : stream.end()));
        stream.on('error', reject);
        stream.on('close', resolve);
    });
}

async function use(url) {
    const session = http2.connect(url, { rejectUnauthorized: false, settings: { enablePush: true } });
    session.on('stream', (pushed) => pushed.resume());
    await new Promise((resolve) => { session.once('remoteSettings', resolve); });
    await Promise.all([request(session, { ':path': '/large' }), request(session, { ':path': '/missing' })]);
    await request(session, { ':path': '/upload', ':method': 'POST', 'content-type': 'text/plain', 'content-length': 9000 }, Buffer.alloc(9000, 120));
    await request(session, { ':path': '/with-push' });
    await Promise.all([webSocket(session, '/socket?number=1', 'chat.example.test'), webSocket(session, '/refused', 'none'), webSocket(session, '/socket?number=2', 'b')]);
    session.close();
}

function tunnel(url, host, port) {
    const session = http2.connect(url, { rejectUnauthorized: false });
    const stream = session.request({ ':method': 'CONNECT', ':authority': `${host}:${port}`, ...NAME }, { endStream: false });
    stream.on('response', () => process.stdin.pipe(stream));
    stream.pipe(process.stdout);
    stream.on('close', () => session.close());
}

if (role === 'server')
    serve(...words);
else if (words.length > 1)
    tunnel(...words);
else
    use(words[0]);

// Servers and clients of protocols that are spoken inside WebSocket, by the libraries that define them (npm), for the recorded cases.
//
// websocket_named.js server LOG        listens on the ports below
// websocket_named.js client LOG HOST   speaks with each of them, one after the other; MQTT's broker behind port 8007 is another program
//
// LOG gets one line of JSON for each thing that a library tells of a connection.
'use strict';

const fs = require('fs');
const http = require('http');
const WebSocket = require('ws');

const [role, logPath, host] = process.argv.slice(2);
const log = (entry) => fs.appendFileSync(logPath, JSON.stringify(entry) + '\n');
const until = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function graphqlSchema() {
    const { GraphQLObjectType, GraphQLSchema, GraphQLString } = require('graphql');
    const hello = { type: GraphQLString, resolve: () => 'hello' };
    const greetings = { type: GraphQLString, subscribe: async function* () { yield { greetings: 'hi' }; } };
    return new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: { hello } }), subscription: new GraphQLObjectType({ name: 'Subscription', fields: { greetings } }) });
}

function serve() {
    const { Server } = require('socket.io');
    const engine = require('engine.io');
    const { useServer } = require('graphql-ws/lib/use/ws');
    const { SubscriptionServer } = require('subscriptions-transport-ws');
    const { execute, subscribe } = require('graphql');
    const StompServer = require('stomp-broker-js');
    const rpc = require('rpc-websockets');

    new Server(8001).on('connection', (socket) => {
        log({ protocol: 'socket.io', version: socket.conn.protocol, transport: socket.conn.transport.name });
        socket.on('greet', (name, answer) => answer('hello ' + name));
    });
    engine.listen(8002).on('connection', (socket) => {
        log({ protocol: 'engine.io', version: socket.protocol, transport: socket.transport.name });
        socket.on('message', (message) => socket.send('you said ' + message));
    });
    const schema = graphqlSchema();
    useServer({ schema, onConnect: (context) => log({ protocol: context.extra.socket.protocol }) }, new WebSocket.Server({ port: 8003, path: '/graphql' }));
    SubscriptionServer.create({ schema, execute, subscribe, onConnect: (parameters, socket) => log({ protocol: socket.protocol }) }, { port: 8004, path: '/subscriptions' });
    const stomp = http.createServer().listen(8005);
    const broker = new StompServer({ server: stomp, path: '/stomp', protocol: 'ws' });
    broker.on('connected', (session, headers) => log({ protocol: 'stomp', accepts: headers['accept-version'] }));
    broker.on('subscribe', (subscription) => setTimeout(() => broker.send(subscription.topic, {}, 'ready'), 20));
    new rpc.Server({ port: 8006, host: '0.0.0.0' }).register('sum', (numbers) => {
        log({ protocol: 'jsonrpc', method: 'sum' });
        return numbers[0] + numbers[1];
    });
    log({ event: 'listening' });
}

async function mqtt(version) {
    const client = require('mqtt').connect(`ws://${host}:8007/mqtt`, { protocolVersion: version, clientId: `recorder-${version}`, reconnectPeriod: 0 });
    await until(client, 'connect');
    await client.subscribeAsync('house/door');
    const arrived = until(client, 'message');
    await client.publishAsync('house/door', 'open');
    await arrived;
    await client.endAsync();
}

async function talk() {
    const { io } = require('socket.io-client');
    const socket = io(`ws://${host}:8001`, { transports: ['websocket'] });
    await until(socket, 'connect');
    log({ protocol: 'socket.io', answer: await socket.emitWithAck('greet', 'recorder') });
    socket.disconnect();

    const { Socket } = require('engine.io-client');
    const engine = new Socket(`ws://${host}:8002`, { transports: ['websocket'] });
    await until(engine, 'open');
    engine.send('good morning');
    log({ protocol: 'engine.io', answer: await until(engine, 'message') });
    engine.close();

    const graphql = require('graphql-ws').createClient({ url: `ws://${host}:8003/graphql`, webSocketImpl: WebSocket, lazy: false });
    await new Promise((resolve, reject) => graphql.subscribe({ query: 'subscription { greetings }' }, { next: log, error: reject, complete: resolve }));
    await graphql.dispose();

    const { SubscriptionClient } = require('subscriptions-transport-ws');
    const older = new SubscriptionClient(`ws://${host}:8004/subscriptions`, {}, WebSocket);
    await new Promise((resolve, reject) => older.request({ query: 'subscription { greetings }' }).subscribe({ next: log, error: reject, complete: resolve }));
    older.close();

    const { Client } = require('@stomp/stompjs');
    const stomp = new Client({ webSocketFactory: () => new WebSocket(`ws://${host}:8005/stomp`, ['v12.stomp', 'v11.stomp', 'v10.stomp']), reconnectDelay: 0 });
    const heard = new Promise((resolve) => {
        stomp.onConnect = () => {
            log({ protocol: 'stomp', version: stomp.connectedVersion });
            stomp.subscribe('/topic/a', (message) => resolve(message.body));
        };
    });
    stomp.activate();
    log({ protocol: 'stomp', answer: await heard });
    await stomp.deactivate();

    const { Client: RpcClient } = require('rpc-websockets');
    const rpc = new RpcClient(`ws://${host}:8006`, { reconnect: false });
    await until(rpc, 'open');
    log({ protocol: 'jsonrpc', answer: await rpc.call('sum', [5, 3]) });
    rpc.close();

    await mqtt(4);
    await mqtt(5);
    await pause(300);
    process.exit(0);
}

if (role === 'server')
    serve();
else
    talk();

// Programs that were written for Chrome, unchanged, with peers that know nothing of it.
'use strict';

const assert = require('node:assert');
const dgram = require('node:dgram');
const fs = require('node:fs');
const path = require('node:path');
const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const { promisify } = require('node:util');
const { after, test } = require('node:test');
const mqtt = require('mqtt-packet');
const { PNG } = require('pngjs');
const { createChrome, destroyChrome } = require('chromesock');
const { RUN, folder, freePort, line, next, node, ok, peer, soon } = require('./support');

const run = promisify(execFile);

// chrome-net was written for browserify, whose timers have functions that newer Nodes lack.
const timers = require('node:timers');
for (const [name, value] of Object.entries(require('timers-browserify'))) timers[name] ??= value;
// chrome-dgram sends the whole memory below a Buffer: it was written for one that shares none.
Buffer.poolSize = 0;
// These packages look for the global object when they are loaded.
globalThis.chrome = createChrome();
const chromeNet = require('chrome-net');
const chromeDgram = require('chrome-dgram');

after(() => destroyChrome(globalThis.chrome));

for (const readme of ['../README.md', '../../../README.md']) {
  test(`the programs of ${readme} run as they are printed`, async () => {
    const printed = fs.readFileSync(path.join(__dirname, readme), 'utf8').matchAll(/^```js\n(.*?)^```$/gms);
    const said = await Promise.all([...printed].map(([, code]) => node('-e', code)));
    const ended = said.map(({ code, stdout, stderr }) => ({ code, lines: stdout.split('\n').sort(), stderr }));
    assert.deepStrictEqual(ended, [{ code: 0, lines: ['', 'hello', 'sent 5'], stderr: '' }]);
  });
}

test('chrome-net: an HTTP server, fetched by curl', async (t) => {
  const page = '<p>served by chrome-net</p>'.repeat(10_000);
  const server = chromeNet.createServer((socket) => {
    socket.once('data', (request) => {
      const [, target] = request.toString().split(' ');
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${page.length + target.length}\r\nConnection: close\r\n\r\n`);
      socket.end(page + target);
    });
  });
  server.listen(0, '127.0.0.1');
  await soon(once(server, 'listening'), 'listening');
  t.after(() => server.close());
  const { port } = server.address();
  const fetches = ['/a', '/b', '/c'].map(async (target) => {
    const { stdout } = await run('curl', ['-sS', '--max-time', '60', `http://127.0.0.1:${port}${target}`]);
    assert.strictEqual(stdout, page + target);
  });
  await Promise.all(fetches);
});

test('chrome-net: a client of a server of Node\'s own', async (t) => {
  const port = await peer(t, (socket) => socket.pipe(socket));
  const client = chromeNet.connect({ port, host: '127.0.0.1' });
  client.setEncoding('utf8');
  client.write('there and back');
  assert.deepStrictEqual(await soon(once(client, 'data'), 'the echo'), ['there and back']);
  client.end();
  await soon(once(client, 'close'), 'the end');
});

test('chrome-dgram: a UDP echo', async (t) => {
  const server = chromeDgram.createSocket('udp4');
  server.on('message', (data, from) => server.send(data, 0, data.length, from.port, from.address));
  server.bind(0, '127.0.0.1');
  await soon(once(server, 'listening'), 'listening');
  t.after(() => server.close());
  const client = dgram.createSocket('udp4');
  t.after(() => client.close());
  client.send('ping', server.address().port, '127.0.0.1');
  const [data] = await soon(once(client, 'message'), 'the echo');
  assert.strictEqual(data.toString(), 'ping');
});

/** A broker on a port of the system's choice, which its log tells. */
async function broker(t) {
  const port = await freePort();
  const config = path.join(folder(t), 'mosquitto.conf');
  fs.writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  const process = spawn('mosquitto', ['-v', '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => process.kill());
  await line(process.stderr, /mosquitto version \S+ running/);
  return port;
}

test('an MQTT client over chrome.sockets.tcp, with mosquitto', async (t) => {
  const { chrome } = globalThis;
  const { tcp } = chrome.sockets;
  const port = await broker(t);
  const { socketId } = await tcp.create();
  t.after(() => tcp.close(socketId));
  assert.strictEqual(await ok(chrome, tcp.connect, socketId, 'localhost', port, 'ipv4'), 0);
  const parser = mqtt.parser();
  const receive = (info) => {
    if (info.socketId === socketId) parser.parse(Buffer.from(info.data));
  };
  tcp.onReceive.addListener(receive);
  t.after(() => tcp.onReceive.removeListener(receive));
  const waiting = [];
  const come = [];
  parser.on('packet', (packet) => {
    const waiter = waiting.shift();
    if (waiter) waiter(packet);
    else come.push(packet);
  });
  const packet = () => soon(new Promise((resolve) => (come.length > 0 ? resolve(come.shift()) : waiting.push(resolve))), 'a packet');
  const send = (what) => ok(chrome, tcp.send, socketId, mqtt.generate(what));

  await send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId: 'chrome', keepalive: 60 });
  assert.strictEqual((await packet()).cmd, 'connack');
  await send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/#', qos: 1 }] });
  assert.deepStrictEqual((await packet()).granted, [1]);
  const payload = 'x'.repeat(100_000);
  await send({ cmd: 'publish', messageId: 2, topic: 'a/b', payload, qos: 1 });
  const got = [await packet(), await packet()];
  const published = got.find((p) => p.cmd === 'publish');
  assert.ok(got.some((p) => p.cmd === 'puback'));
  assert.strictEqual(published.topic, 'a/b');
  assert.strictEqual(published.payload.toString(), payload);
  const closed = next(tcp.onReceiveError, (info) => info.socketId === socketId);
  await send({ cmd: 'disconnect' });
  assert.strictEqual((await closed).resultCode, -100);
});

test('a web server of a Chrome App, seen by Chromium', { timeout: 240_000 }, async (t) => {
  const app = path.join(__dirname, 'apps', 'webserver');
  const work = folder(t);
  const server = spawn(process.execPath, [RUN, '--storage', path.join(work, 'storage.json'), app]);
  t.after(() => server.kill('SIGKILL'));
  server.stderr.pipe(process.stderr);
  const [, port] = await line(server.stdout, /^port (\d+)$/m);
  const painted = line(server.stdout, /^request \/color\.json$/m);
  const picture = path.join(work, 'page.png');
  await run('chromium', [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', `--user-data-dir=${path.join(work, 'profile')}`, '--window-size=400,300',
    '--virtual-time-budget=10000', `--screenshot=${picture}`, `http://127.0.0.1:${port}/`,
  ], { timeout: 180_000 });
  await painted;
  const { width, height, data } = PNG.sync.read(fs.readFileSync(picture));
  const at = (x, y) => [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)];
  assert.deepStrictEqual([width, height], [400, 300]);
  assert.deepStrictEqual(at(200, 250), [0, 120, 60]);
  const dark = data.filter((_, n) => n % 4 === 1 && data[n] < 60 && data[n - 1] < 60);
  assert.ok(dark.length > 20, 'its text');
  server.kill('SIGTERM');
  assert.deepStrictEqual(await soon(once(server, 'exit'), 'the end of the server'), [0, null]);
});

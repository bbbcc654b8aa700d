// What the tests share: an app that ends with its test, and real peers.
'use strict';

const assert = require('node:assert');
const dgram = require('node:dgram');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { execFileSync, spawn } = require('node:child_process');
const { createChrome, destroyChrome } = require('chromesock');

const DEADLINE = 60_000;

/** An app that is gone when the test is over. */
function chromeOf(t, manifest, options) {
  const chrome = createChrome(manifest, options);
  t.after(() => destroyChrome(chrome));
  return chrome;
}

/** What comes first: the promise, or the deadline, which fails the test. */
function soon(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come`)), DEADLINE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits for what no event tells of. */
async function until(isTrue, what) {
  const end = Date.now() + DEADLINE;
  while (!isTrue()) {
    assert.ok(Date.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The first dispatch of an event that `matches`. */
function next(event, matches = () => true) {
  const come = new Promise((resolve) => {
    const listener = (info) => {
      if (!matches(info)) return;
      event.removeListener(listener);
      resolve(info);
    };
    event.addListener(listener);
  });
  return soon(come, 'an event');
}

/** A call of a method with a callback: its arguments, and the text of lastError. */
function call(chrome, method, ...values) {
  const answered = new Promise((resolve) => {
    method(...values, (...given) => resolve({ given, error: chrome.runtime.lastError?.message }));
  });
  return soon(answered, `the answer of ${method.name}`);
}

/** Like `call`, for what must not fail: the callback's argument. */
async function ok(chrome, method, ...values) {
  const { given, error } = await call(chrome, method, ...values);
  assert.strictEqual(error, undefined);
  return given[0];
}

/** A server of Node's own, closed after the test; its port. */
async function peer(t, handler) {
  const server = net.createServer(handler);
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  return server.address().port;
}

/** A web server, closed after the test; its address. */
async function web(t, handler) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}/`;
}

/** A listening socket of chrome.sockets.tcpServer: id and port. */
async function listening(chrome) {
  const { tcpServer } = chrome.sockets;
  const { socketId } = await tcpServer.create();
  assert.strictEqual(await ok(chrome, tcpServer.listen, socketId, '127.0.0.1', 0), 0);
  return { socketId, port: (await tcpServer.getInfo(socketId)).localPort };
}

/** A connected socket of chrome.sockets.tcp. */
async function connected(chrome, port, properties) {
  const { socketId } = await chrome.sockets.tcp.create(properties);
  assert.strictEqual(await ok(chrome, chrome.sockets.tcp.connect, socketId, '127.0.0.1', port), 0);
  return socketId;
}

/** A port that was free a moment ago, for TCP and for UDP. */
async function freePort() {
  for (;;) {
    const [tcp, udp] = [net.createServer(), dgram.createSocket('udp4')];
    try {
      await once(tcp.listen(0, '127.0.0.1'), 'listening');
      const { port } = tcp.address();
      await once(udp.bind(port, '127.0.0.1'), 'listening');
      return port;
    } catch (error) {
      assert.strictEqual(error.code, 'EADDRINUSE');
    } finally {
      await Promise.all([tcp, udp].map((socket) => new Promise((resolve) => socket.close(resolve))));
    }
  }
}

/** Makes a key and a certificate of localhost that nobody vouches for; their files in `work`. */
function certificate(work) {
  const [keyFile, certFile] = ['key.pem', 'cert.pem'].map((name) => path.join(work, name));
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', keyFile, '-out', certFile,
  ], { stdio: 'ignore' });
  return { keyFile, certFile };
}

/** The first line of a stream that matches. */
function line(stream, pattern) {
  let text = '';
  const found = new Promise((resolve) => {
    stream.on('data', (data) => {
      text += data;
      const match = pattern.exec(text);
      if (match) resolve(match);
    });
  });
  return soon(found, String(pattern));
}

/** Runs a program of Node; how it ended and what it wrote. */
async function node(...words) {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'], cwd: path.join(__dirname, '..') });
  const output = { stdout: '', stderr: '' };
  for (const name of Object.keys(output)) child[name].on('data', (data) => (output[name] += data));
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  return { code, signal, ...output };
}

/** Replaces a function of the console during a test; what it was given. */
function captured(t, name) {
  const lines = [];
  t.mock.method(console, name, (...words) => lines.push(words.map(String).join(' ')));
  return lines;
}

const RUN = path.join(__dirname, '..', 'bin', 'chrome-app-run.js');

/** A folder that is gone when the test is over. */
function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'chrome-app-run-'));
  // A server that has been ended may still write to it.
  t.after(() => fs.rmSync(made, { recursive: true, maxRetries: 5 }));
  return made;
}

/** The file of an app that is its manifest, with one background script and `more`. */
const manifestFile = (more) => ({
  'manifest.json': JSON.stringify({ name: 'a', version: '1', app: { background: { scripts: ['a.js'] } }, ...more }),
});

/** Makes an app of one background script, beside other `files`; the words that run it. */
function appOf(t, script, files = {}) {
  const made = folder(t);
  const all = { ...manifestFile({ permissions: ['alarms', 'power', 'storage', 'system.network'] }), 'a.js': script, ...files };
  for (const [name, data] of Object.entries(all)) fs.writeFileSync(path.join(made, name), data);
  return [RUN, '--storage', path.join(made, 'storage.json'), made];
}

/** Runs such an app; how it ended and what it wrote, also as lines. */
async function ran(t, script, files) {
  const ended = await node(...appOf(t, script, files));
  return { ...ended, lines: ended.stdout.split('\n').slice(0, -1) };
}

const text = (data) => Buffer.from(data).toString();

/** A paused socket with much to read: of its reads, 64 bytes each, the one that was under way has come. */
async function pausedWithMuch(t, chrome) {
  const { tcp } = chrome.sockets;
  const port = await peer(t, (socket) => socket.once('data', () => socket.write(Buffer.alloc(60_000))));
  const socketId = await connected(chrome, port, { bufferSize: 64 });
  await tcp.setPaused(socketId, true);
  const leftover = next(tcp.onReceive);
  await ok(chrome, tcp.send, socketId, Buffer.from('go'));
  await leftover;
  return socketId;
}

module.exports = {
  RUN, appOf, call, captured, certificate, chromeOf, connected, folder, freePort, line, listening, manifestFile, next, node, ok,
  pausedWithMuch, peer, ran, soon, text, until, web,
};

// Runs the behavioural cases (c-tests/cases/README.md) over the chrome object's public surface.
'use strict';

const { spawn } = require('node:child_process');
const readline = require('node:readline');

const { createChrome, destroyChrome } = require('..');

const DEADLINE_MS = 60_000;
const EVENTS = ['tcp.onReceive', 'tcp.onReceiveError', 'tcpServer.onAccept', 'tcpServer.onAcceptError',
  'udp.onReceive', 'udp.onReceiveError'].map((name) => `sockets.${name}`);
const WITHOUT_CALLBACK = ['socket.disconnect', 'socket.destroy'];
const PORTS = ['localPort', 'peerPort', 'remotePort', 'port'];

// ---- notation ----

function bufferOf(text) {
  if (text.startsWith('hex:')) return Buffer.from(text.slice(4), 'hex');
  const repeated = /^(.)\*(\d+)$/s.exec(text);
  return repeated ? Buffer.alloc(Number(repeated[2]), repeated[1]) : Buffer.from(text);
}

function textOf(data) {
  const bytes = Buffer.from(data);
  if (bytes.some((byte) => byte < 0x20 || byte > 0x7e)) return `hex:${bytes.toString('hex')}`;
  if (bytes.length > 32 && bytes.every((byte) => byte === bytes[0])) {
    return `${String.fromCharCode(bytes[0])}*${bytes.length}`;
  }
  return bytes.toString();
}

/** A copy with members in the order of their names, and data as text. */
function canonical(value) {
  if (value instanceof ArrayBuffer) return textOf(value);
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, canonical(value[name])]));
}

function lineOf(name, value, message) {
  const result = value === undefined ? '' : ` ${JSON.stringify(canonical(value))}`;
  return name + result + (message === undefined ? '' : ` ! ${message}`);
}

function expectedLines({ refused, steps = [] }) {
  const lines = refused === undefined ? [] : [`createChrome ! ${refused}`];
  for (const { call, await: awaited, peer, gives, fails } of steps) {
    if (call && !WITHOUT_CALLBACK.includes(call[0])) lines.push(lineOf(call[0], gives, fails));
    if (awaited) lines.push(lineOf(awaited, gives, fails));
    if (peer && gives !== undefined) lines.push(lineOf(`peer.${peer[0]}`, gives));
  }
  return lines;
}

// ---- the other end ----

class Peer {
  #process;
  #lines;

  constructor(script) {
    this.#process = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = readline.createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async ask(...request) {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const { value } = await this.#lines.next();
    return JSON.parse(value);
  }

  stop() {
    this.#process.stdin.end();
  }
}

// ---- one case ----

class Case {
  trace = []; // { line, name, call, used }
  #delivered = []; // what came and was not looked at yet
  #arrived = () => {};
  #ports = new Map();
  #marker = null; // the socket of settle
  #marked = 0; // its datagrams
  #chrome;

  constructor(test, peer, deadline) {
    this.test = test;
    this.peer = peer;
    this.deadline = deadline;
    this.expected = expectedLines(test);
  }

  async run() {
    if (await this.#open()) {
      for (const step of this.test.steps ?? []) {
        if (await this.#step(step)) continue;
        this.stoppedAt = JSON.stringify(step);
        break;
      }
      // An app with a manifest may not bind the socket this takes.
      if (!this.stoppedAt && !this.test.manifest && !(await this.#settled())) this.stoppedAt = 'the end';
      await destroyChrome(this.#chrome);
    }
    await this.peer.ask('clear');
    this.held = !this.stoppedAt && this.#asExpected() && this.trace.length === this.expected.length;
    return this;
  }

  get lines() {
    return this.trace.map(({ line }) => line);
  }

  get text() {
    return [`== ${this.test.rule}: ${this.test.name}`, ...this.lines, ''].join('\n');
  }

  async #open() {
    const options = {};
    if (this.test.quota !== undefined) options.writeQuotaBytes = this.test.quota;
    if (this.test.roots) options.extraRootsPem = (await this.peer.ask('roots')).gives;
    try {
      this.#chrome = createChrome(this.test.manifest, options);
    } catch (error) {
      // Chrome's words may come after the place in the manifest.
      const { refused } = this.test;
      const isSame = refused !== undefined && error.message.endsWith(`: ${refused}`);
      this.#add({ name: 'createChrome', message: isSame ? refused : error.message });
      return false;
    }
    for (const name of EVENTS) {
      this.#at(name).addListener((value) => this.#deliver({ name, value }));
    }
    return true;
  }

  #at(name) {
    return name.split('.').reduce((object, part) => object[part], this.#chrome);
  }

  #deliver(entry) {
    this.#delivered.push(entry);
    this.#arrived();
  }

  #add({ name, value, message, call }) {
    this.trace.push({ line: lineOf(name, value, message), name, call, used: false });
  }

  #take({ name, value, message, call }) {
    if (call) call.done = true;
    if (call?.quiet) {
      call.value = value;
    } else if (!call && this.#marker !== null && value.socketId === this.#marker) {
      this.#marked += 1;
    } else {
      if (call) this.#learnPort(call.id, value?.localPort);
      const shown = name === 'socket.getNetworkList' ? shapeOfNetworks(value) : value;
      this.#add({ name, value: this.#hidePorts(shown), message, call });
    }
  }

  /** getInfo tells the port that the system chose: from then on it is the socket's. */
  #learnPort(id, port) {
    if (port !== undefined && ![...this.#ports.values()].includes(port)) this.#ports.set(String(id), port);
  }

  #hidePorts(value) {
    if (Array.isArray(value)) return value.map((item) => this.#hidePorts(item));
    if (value === null || typeof value !== 'object') return value;
    const shown = { ...value };
    for (const name of PORTS) {
      if (!shown[name]) continue;
      const label = [...this.#ports].reverse().find(([, port]) => port === shown[name]);
      shown[name] = label ? `$${label[0]}` : '?';
    }
    return shown;
  }

  /** Waits for `done`; false when it did not come in time or the trace went wrong before. */
  async #until(done, isQuiet = false) {
    const end = Date.now() + this.deadline;
    for (;;) {
      for (const entry of this.#delivered.splice(0)) this.#take(entry);
      if (done()) return true;
      if (!isQuiet && !this.#asExpected()) return false;
      if (Date.now() > end) return false;
      let timer;
      await new Promise((resolve) => {
        this.#arrived = resolve;
        timer = setTimeout(resolve, end - Date.now() + 1);
      });
      clearTimeout(timer);
    }
  }

  /** The trace so far is a beginning of the expected one. */
  #asExpected() {
    return this.trace.every(({ line }, n) => line === this.expected[n]);
  }

  #arguments(given) {
    return given.map((value) => {
      if (typeof value === 'string' && value.startsWith('$')) return this.#ports.get(value.slice(1));
      if (typeof value?.data !== 'string') return value;
      const { buffer, byteOffset, byteLength } = bufferOf(value.data);
      return buffer.slice(byteOffset, byteOffset + byteLength);
    });
  }

  #start([name, ...given], quiet = false) {
    const call = { id: given[0], quiet, done: false };
    const callback = (value) => {
      const message = this.#chrome.runtime.lastError?.message;
      this.#deliver({ name, value, message, call });
    };
    if (WITHOUT_CALLBACK.includes(name)) {
      this.#at(name)(...this.#arguments(given));
      call.done = true;
    } else {
      this.#at(name)(...this.#arguments(given), callback);
    }
    return call;
  }

  async #completed(call) {
    const done = await this.#until(() => call.done, call.quiet);
    for (const line of this.trace) if (line.call === call) line.used = true;
    return done;
  }

  async #awaited(name) {
    let line;
    const find = () => (line = this.trace.find((one) => !one.used && one.name === name));
    const done = await this.#until(find);
    if (done) line.used = true;
    return done;
  }

  async #peerDid([operation, ...given]) {
    const { ports = {}, gives, error } = await this.peer.ask(operation, ...this.#arguments(given));
    for (const [name, port] of Object.entries(ports)) this.#ports.set(name, port);
    if (gives !== undefined || error !== undefined) {
      this.trace.push({ line: lineOf(`peer.${operation}`, this.#hidePorts(gives), error) });
    }
    return error === undefined;
  }

  async #quietly(...request) {
    const call = this.#start(request, true);
    await this.#completed(call);
    return call.value;
  }

  /**
   * Everything that was on the wire has been delivered: datagrams to a socket of our own came after it.
   * The second one is read in a later turn of the reactor than all that was readable before the first.
   */
  async #settled() {
    const { socketId } = await this.#quietly('sockets.udp.create');
    this.#marker = socketId;
    this.#marked = 0;
    await this.#quietly('sockets.udp.bind', socketId, '127.0.0.1', 0);
    const { localPort } = await this.#quietly('sockets.udp.getInfo', socketId);
    for (const n of [1, 2]) {
      await this.peer.ask('mark', localPort);
      if (!(await this.#until(() => this.#marked >= n, true))) return false;
    }
    await this.#quietly('sockets.udp.close', socketId);
    this.#marker = null;
    return true;
  }

  async #step({ call, start, await: awaited, peer, settle }) {
    if (call) return this.#completed(this.#start(call));
    if (start) return Boolean(this.#start(start));
    if (awaited) return this.#awaited(awaited);
    if (peer) return this.#peerDid(peer);
    if (settle) return this.#settled();
    throw new Error('no step');
  }
}

/** What the machine's interfaces are is its own affair; the shape is not. */
function shapeOfNetworks(list) {
  const isWellFormed = ({ name, address, prefixLength, ...rest }) =>
    typeof name === 'string' && typeof address === 'string' && Number.isInteger(prefixLength) &&
    Object.keys(rest).length === 0;
  return list.every(isWellFormed) ? 'networks' : list;
}

function runCase(test, peer, deadline = DEADLINE_MS) {
  return new Case(test, peer, deadline).run();
}

module.exports = { Peer, runCase };

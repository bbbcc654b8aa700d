// Each namespace over loopback, against peers of Node's own.
'use strict';

const assert = require('node:assert');
const dgram = require('node:dgram');
const fs = require('node:fs');
const net = require('node:net');
const { once } = require('node:events');
const { test } = require('node:test');
const { call, captured, chromeOf, connected, listening, next, ok, pausedWithMuch, peer, soon, text } = require('./support');

/** Takes the memory away from a buffer or view. */
function transferred(view) {
  const buffer = view.buffer ?? view;
  structuredClone(buffer, { transfer: [buffer] });
  return view;
}

/** How much a buffer or view shows; a DataView of what is gone throws. */
function shown(view) {
  try {
    return view.byteLength;
  } catch {
    return 0;
  }
}

/** A view of the bytes of `text` from the second on, made when there were more or fewer of them. */
function resized(View, text, before, ...length) {
  const buffer = new ArrayBuffer(before, { maxByteLength: 16 });
  const view = new View(buffer, 1, ...length);
  buffer.resize(text.length);
  new Uint8Array(buffer).set(Buffer.from(text));
  return view;
}

test('tcp.md 4: bytes go out of any view, as much of it as it shows', async (t) => {
  const chrome = chromeOf(t);
  const got = [];
  const all = new Promise((resolve) => {
    peer(t, (socket) => socket.on('data', (data) => got.push(data)).on('end', resolve)).then(async (port) => {
      const id = await connected(chrome, port);
      const whole = new TextEncoder().encode('0123456789');
      const views = [
        whole.buffer,
        whole.subarray(2, 5),
        new DataView(whole.buffer, 5, 2),
        Buffer.from('buffer'),
        new Uint16Array(whole.buffer, 0, 1),
        new ArrayBuffer(0),
        // Nothing is left of what was transferred.
        ...[new ArrayBuffer(4), new Uint8Array(4), new DataView(new ArrayBuffer(4))].map(transferred),
        // What follows its buffer shows what there is now; what reaches beyond it shows nothing.
        ...[Uint8Array, DataView].flatMap((View) => [resized(View, '-ab', 8), resized(View, '-', 8, 4), resized(View, '', 8)]),
        Buffer.from(new SharedArrayBuffer(3)).fill('s'),
        new DataView(Buffer.from(new SharedArrayBuffer(3)).fill('t').buffer, 1),
      ];
      for (const view of views) {
        const sent = await ok(chrome, chrome.sockets.tcp.send, id, view);
        assert.deepStrictEqual(sent, { resultCode: 0, bytesSent: shown(view) });
      }
      await chrome.sockets.tcp.close(id);
    });
  });
  await soon(all, 'the end');
  assert.strictEqual(Buffer.concat(got).toString(), '012345678923456buffer01ababssstt');
});

test('tcp.md S-1: what a class of the program\'s says of its length does not count', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const port = await peer(t, () => {});
  const id = await connected(chrome, port);
  for (const view of [new ArrayBuffer(3), new Uint8Array(3), new Float64Array(1), new DataView(new ArrayBuffer(3))]) {
    const bytesSent = view.byteLength;
    for (const byteLength of [1, 100_000, -1, 'none']) {
      Object.defineProperty(view, 'byteLength', { value: byteLength, configurable: true });
      assert.deepStrictEqual(await ok(chrome, tcp.send, id, view), { resultCode: 0, bytesSent });
    }
  }
});

test('tcp.md S-3: the program may use its buffer again at once', async (t) => {
  const chrome = chromeOf(t);
  const port = await peer(t, (socket) => socket.pipe(socket));
  const id = await connected(chrome, port);
  const data = new Uint8Array([1, 2, 3]);
  const echoed = next(chrome.sockets.tcp.onReceive);
  const sent = ok(chrome, chrome.sockets.tcp.send, id, data);
  data.fill(9);
  await sent;
  const info = await echoed;
  assert.ok(info.data instanceof ArrayBuffer);
  assert.deepStrictEqual(info, { socketId: id, data: new Uint8Array([1, 2, 3]).buffer });
});

test('tcp.md 3.5 row 6: what an event\'s listener calls behind a connect finds it under way', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const port = await peer(t, () => {});
  const { socketId } = await ok(chrome, tcp.create);
  const results = [];
  const told = (name) => (value) => results.push([name, value.connected ?? value, chrome.runtime.lastError?.message]);
  await new Promise((resolve) => {
    tcp.setPaused(socketId, true, () => {
      tcp.connect(socketId, '127.0.0.1', port, (result) => resolve(told('first')(result)));
      tcp.connect(socketId, '127.0.0.1', port, told('second'));
      tcp.getInfo(socketId, told('info'));
    });
  });
  assert.deepStrictEqual(results, [
    ['second', -104, 'net::ERR_CONNECTION_FAILED'],
    ['info', false, undefined],
    ['first', 0, undefined],
  ]);
});

test('README.md S2: an id that another namespace closes loses nothing of its own', async (t) => {
  const chrome = chromeOf(t);
  const { tcp, tcpServer, udp } = chrome.sockets;
  const whole = 64 * 1024;
  const port = await peer(t, (socket) => socket.write(Buffer.alloc(whole)));
  let got = 0;
  const all = new Promise((resolve) => {
    tcp.onReceive.addListener(({ socketId, data }) => {
      for (const { close } of [tcpServer, udp]) close(socketId, () => void chrome.runtime.lastError);
      got += data.byteLength;
      if (got === whole) resolve();
    });
  });
  await connected(chrome, port);
  await soon(all, 'the rest');
});

test('tcp.md 4, 5: megabytes there and back, unchanged', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const port = await peer(t, (socket) => socket.pipe(socket));
  const id = await connected(chrome, port, { bufferSize: 65536 });
  const data = new Uint8Array(8 * 1024 * 1024).map((_, n) => (n * 31 + (n >> 8)) & 255);
  const parts = [];
  let length = 0;
  const whole = new Promise((resolve) => {
    tcp.onReceive.addListener((info) => {
      assert.ok(info.data.byteLength <= 65536);
      parts.push(Buffer.from(info.data));
      length += info.data.byteLength;
      if (length >= data.length) resolve();
    });
  });
  const sent = await ok(chrome, tcp.send, id, data);
  assert.strictEqual(sent.bytesSent, data.length);
  await soon(whole, 'all of it');
  assert.ok(Buffer.concat(parts).equals(Buffer.from(data)));
});

test('tcp.md 2.2: members of SocketInfo that are absent are not there', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const { socketId } = await tcp.create();
  assert.deepStrictEqual(await tcp.getInfo(socketId), { socketId, persistent: false, paused: false, connected: false });
  await tcp.update(socketId, { name: 'n\u00e4me', bufferSize: 100, persistent: true });
  await tcp.setPaused(socketId, true);
  const port = await peer(t, () => {});
  await ok(chrome, tcp.connect, socketId, '127.0.0.1', port);
  const { localPort, ...info } = await tcp.getInfo(socketId);
  assert.ok(localPort > 0);
  assert.deepStrictEqual(info, {
    socketId,
    persistent: true,
    name: 'n\u00e4me',
    bufferSize: 100,
    paused: true,
    connected: true,
    localAddress: '127.0.0.1',
    peerAddress: '127.0.0.1',
    peerPort: port,
  });
  assert.deepStrictEqual((await tcp.getSockets()).map((s) => s.socketId), [socketId]);
});

test('tcp.md S-6, FAIL(code): a result and a lastError', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const { socketId } = await tcp.create();
  const send = await call(chrome, tcp.send, socketId, new ArrayBuffer(1));
  assert.deepStrictEqual(send, { given: [{ resultCode: -15 }], error: 'net::ERR_SOCKET_NOT_CONNECTED' });
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  const connect = await call(chrome, tcp.connect, socketId, '127.0.0.1', port);
  assert.deepStrictEqual(connect, { given: [-102], error: 'net::ERR_CONNECTION_REFUSED' });
});

test('a text with a NUL does not reach anything else', async (t) => {
  const chrome = chromeOf(t);
  const { socketId } = await chrome.sockets.tcp.create();
  const port = await peer(t, () => {});
  const { given } = await call(chrome, chrome.sockets.tcp.connect, socketId, '127.0.0.1\0.example', port);
  assert.ok(given[0] < 0);
  await chrome.sockets.tcp.update(socketId, { name: 'a\0b' });
  assert.strictEqual((await chrome.sockets.tcp.getInfo(socketId)).name, 'a\ufffdb');
});

test('permissions.md 4: without its key in the manifest a namespace exists, and what is checked is denied', async (t) => {
  const chrome = chromeOf(t, { name: 'None', version: '1', manifest_version: 2 });
  captured(t, 'warn');
  const { socketId } = await chrome.sockets.tcp.create();
  const connect = await call(chrome, chrome.sockets.tcp.connect, socketId, '127.0.0.1', 1);
  assert.deepStrictEqual(connect, { given: [], error: 'Does not have permission' });
});

test('tcp.md 8, 9: a server accepts, its clients start paused', async (t) => {
  const chrome = chromeOf(t);
  const { tcp, tcpServer } = chrome.sockets;
  const server = await listening(chrome);
  const accepted = next(tcpServer.onAccept);
  const client = net.connect(server.port, '127.0.0.1').setEncoding('utf8');
  t.after(() => client.destroy());
  const { clientSocketId, socketId, ...more } = await accepted;
  assert.strictEqual(socketId, server.socketId);
  assert.deepStrictEqual(more, {});
  assert.strictEqual((await tcp.getInfo(clientSocketId)).paused, true);
  client.write('hello');
  const received = next(tcp.onReceive);
  await tcp.setPaused(clientSocketId, false);
  assert.strictEqual(text((await received).data), 'hello');
  const answer = once(client, 'data');
  await ok(chrome, tcp.send, clientSocketId, Buffer.from('bye'));
  assert.deepStrictEqual(await answer, ['bye']);
  const failed = next(tcp.onReceiveError);
  client.end();
  assert.deepStrictEqual(await failed, { socketId: clientSocketId, resultCode: -100 });
  const busy = await tcpServer.create();
  const { given, error } = await call(chrome, tcpServer.listen, busy.socketId, '127.0.0.1', server.port);
  assert.deepStrictEqual({ given, error }, { given: [-147], error: 'net::ERR_ADDRESS_IN_USE' });
});

test('udp.md 4, 5: datagrams, with the address they came from', async (t) => {
  const chrome = chromeOf(t);
  const { udp } = chrome.sockets;
  const other = dgram.createSocket('udp4');
  t.after(() => other.close());
  other.bind(0, '127.0.0.1');
  await once(other, 'listening');
  const { socketId } = await udp.create();
  assert.strictEqual(await ok(chrome, udp.bind, socketId, '127.0.0.1', 0), 0);
  const { localPort } = await udp.getInfo(socketId);
  const arrived = once(other, 'message');
  const sent = await ok(chrome, udp.send, socketId, Buffer.from('ping'), '127.0.0.1', other.address().port);
  assert.deepStrictEqual(sent, { resultCode: 0, bytesSent: 4 });
  const [message, from] = await arrived;
  assert.deepStrictEqual([message.toString(), from.port], ['ping', localPort]);
  const received = next(udp.onReceive);
  other.send('pong', localPort, '127.0.0.1');
  const { data, ...info } = await received;
  assert.strictEqual(text(data), 'pong');
  assert.deepStrictEqual(info, { socketId, remoteAddress: '127.0.0.1', remotePort: other.address().port });
  await udp.setPaused(socketId, true);
  assert.strictEqual((await udp.getInfo(socketId)).paused, true);
});

test('udp.md 4.10 to 4.12: groups', async (t) => {
  const chrome = chromeOf(t);
  const { udp } = chrome.sockets;
  const { socketId } = await udp.create();
  assert.strictEqual(await ok(chrome, udp.setMulticastLoopbackMode, socketId, true), 0);
  await ok(chrome, udp.bind, socketId, '0.0.0.0', 0);
  assert.deepStrictEqual(await udp.getJoinedGroups(socketId), []);
  const join = await call(chrome, udp.joinGroup, socketId, '239.1.2.3');
  const expected = join.given[0] === 0 ? ['239.1.2.3'] : [];
  assert.deepStrictEqual(await udp.getJoinedGroups(socketId), expected);
});

test('objects that reuse ports all hear a group, as SSDP and mDNS need it; others do not get the address', async (t) => {
  const heard = [];
  let port = 0;
  for (let n = 0; n < 3; n++) {
    const chrome = chromeOf(t, undefined, { reusePort: true });
    const { udp } = chrome.sockets;
    heard.push(next(udp.onReceive));
    const { socketId } = await udp.create();
    assert.strictEqual(await ok(chrome, udp.bind, socketId, '0.0.0.0', port), 0);
    assert.strictEqual(await ok(chrome, udp.joinGroup, socketId, '239.1.2.3'), 0);
    ({ localPort: port } = await udp.getInfo(socketId));
    if (n === 2) await ok(chrome, udp.send, socketId, Buffer.from('all'), '239.1.2.3', port);
  }
  assert.deepStrictEqual((await Promise.all(heard)).map(({ data }) => text(data)), ['all', 'all', 'all']);
  const alone = chromeOf(t);
  const { socketId } = await alone.sockets.udp.create();
  const { given } = await call(alone, alone.sockets.udp.bind, socketId, '0.0.0.0', port);
  assert.deepStrictEqual(given, [-147]);
});

test('socket-legacy.md 2: results are objects of their own shapes', async (t) => {
  const chrome = chromeOf(t);
  const { socket } = chrome;
  const server = await ok(chrome, socket.create, 'tcp', {});
  assert.strictEqual(await ok(chrome, socket.listen, server.socketId, '127.0.0.1', 0), 0);
  const { localPort, ...serverInfo } = await socket.getInfo(server.socketId);
  assert.deepStrictEqual(serverInfo, { socketType: 'tcp', connected: false, localAddress: '127.0.0.1' });
  const accepting = ok(chrome, socket.accept, server.socketId);
  const client = await socket.create('tcp');
  assert.strictEqual(await ok(chrome, socket.connect, client.socketId, '127.0.0.1', localPort), 0);
  const accepted = await accepting;
  assert.deepStrictEqual(Object.keys(accepted), ['resultCode', 'socketId']);
  assert.deepStrictEqual(await ok(chrome, socket.write, client.socketId, Buffer.from('hello')), { bytesWritten: 5 });
  const read = await ok(chrome, socket.read, accepted.socketId, 3);
  assert.deepStrictEqual([read.resultCode, text(read.data)], [3, 'hel']);
  assert.strictEqual(await ok(chrome, socket.setNoDelay, client.socketId, true), true);
  socket.disconnect(client.socketId);
  assert.strictEqual(text((await ok(chrome, socket.read, accepted.socketId)).data), 'lo');
  const end = await ok(chrome, socket.read, accepted.socketId);
  assert.deepStrictEqual(end, { resultCode: 0, data: new ArrayBuffer(0) });
  const unknown = await call(chrome, socket.accept, 99);
  assert.deepStrictEqual(unknown, { given: [{ resultCode: -2 }], error: 'Socket not found' });
  assert.deepStrictEqual(await call(chrome, socket.setKeepAlive, 99, true), { given: [false], error: 'Socket not found' });
});

test('socket-legacy.md 4.7 to 4.9: datagrams, and failures as they are', async (t) => {
  const chrome = chromeOf(t);
  const { socket } = chrome;
  const made = await Promise.all([socket.create('udp'), socket.create('udp')]);
  const [a, b] = made.map(({ socketId }) => socketId);
  for (const id of [a, b]) assert.strictEqual(await ok(chrome, socket.bind, id, '127.0.0.1', 0), 0);
  const ports = await Promise.all([a, b].map(async (id) => (await socket.getInfo(id)).localPort));
  const receiving = ok(chrome, socket.recvFrom, b);
  assert.deepStrictEqual(await ok(chrome, socket.sendTo, a, Buffer.from('x'), '127.0.0.1', ports[1]), { bytesWritten: 1 });
  const { data, ...from } = await receiving;
  assert.strictEqual(text(data), 'x');
  assert.deepStrictEqual(from, { resultCode: 1, address: '127.0.0.1', port: ports[0] });
  // A bare number, not a WriteInfo (row 2); no argument (row 1).
  const bytes = new ArrayBuffer(1);
  assert.deepStrictEqual(await call(chrome, socket.sendTo, 99, bytes, '127.0.0.1', 1), { given: [-1], error: 'Socket not found' });
  assert.deepStrictEqual(await call(chrome, socket.sendTo, a, bytes, '127.0.0.1', 70000), {
    given: [],
    error: 'Port must be a value between 0 and 65535.',
  });
  const failed = await call(chrome, socket.recvFrom, 99);
  assert.deepStrictEqual(failed, {
    given: [{ resultCode: -1, data: new ArrayBuffer(0), address: '', port: 0 }],
    error: 'Socket not found',
  });
  assert.deepStrictEqual(await call(chrome, socket.getJoinedGroups, 99), { given: [-1], error: 'Socket not found' });
});

test('socket-legacy.md 10: the network list has an object for each address', async (t) => {
  const { socket } = chromeOf(t);
  for (const entry of await socket.getNetworkList()) {
    assert.deepStrictEqual(Object.keys(entry), ['name', 'address', 'prefixLength']);
    assert.ok(net.isIP(entry.address) && entry.prefixLength <= 128);
  }
});

test('permissions.md: the manifest is enforced, by the library; tcp.md 18: the missing rule is logged', async (t) => {
  const warnings = captured(t, 'warn');
  const port = await peer(t, () => {});
  const manifest = { name: 'a', version: '1', manifest_version: 2, sockets: { tcp: { connect: `127.0.0.1:${port}` } } };
  const chrome = chromeOf(t, manifest);
  const { tcp, udp } = chrome.sockets;
  await connected(chrome, port);
  const { socketId } = await tcp.create();
  assert.deepStrictEqual(await call(chrome, tcp.connect, socketId, '127.0.0.2', port), {
    given: [],
    error: 'Does not have permission',
  });
  const datagrams = await udp.create();
  assert.deepStrictEqual(await call(chrome, udp.bind, datagrams.socketId, '127.0.0.1', 0), {
    given: [],
    error: 'App does not have permission',
  });
  assert.deepStrictEqual(warnings, [
    `chrome.sockets.tcp.connect: no sockets.tcp.connect rule of the manifest allows host "127.0.0.2" port ${port}`,
    'chrome.sockets.udp.bind: no sockets.udp.bind rule of the manifest allows host "127.0.0.1" port 0',
  ]);
});

test('tcp.md Q-1: writeQuotaBytes bounds unfinished sends', async (t) => {
  const chrome = chromeOf(t, undefined, { writeQuotaBytes: 10 });
  const { socketId } = await chrome.sockets.tcp.create();
  const { given, error } = await call(chrome, chrome.sockets.tcp.send, socketId, new ArrayBuffer(11));
  assert.deepStrictEqual({ given, error }, { given: [], error: 'Exceeded write quota.' });
});

// What an event copies of the queue is ahead of the program: a close in between must still be the end.

test('tcp.md CL-2: no data follows a close', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const port = await peer(t, (socket) => socket.write(Buffer.alloc(256 * 1024)));
  let count = 0;
  tcp.onReceive.addListener(({ socketId }) => {
    count += 1;
    if (count === 100) tcp.close(socketId);
  });
  const ended = next(tcp.onReceiveError);
  await connected(chrome, port, { bufferSize: 64 });
  assert.strictEqual((await ended).resultCode, -100);
  assert.strictEqual(count, 100);
});

test('tcp.md PA-3: unpausing and pausing in one event ask for exactly one more read', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const READS = 10;
  const port = await peer(t, (socket) => socket.once('data', () => socket.write(Buffer.alloc(60_000))));
  let count = 0;
  const read = new Promise((resolve) => {
    tcp.onReceive.addListener(({ socketId }) => {
      count += 1;
      if (count > READS) {
        resolve();
        return;
      }
      tcp.setPaused(socketId, false);
      tcp.setPaused(socketId, true);
    });
  });
  const socketId = await connected(chrome, port);
  await tcp.setPaused(socketId, true);
  await ok(chrome, tcp.send, socketId, Buffer.from('go'));
  await soon(read, 'the reads');
  // A read that should not be would be done by now.
  for (let n = 0; n < 3; n += 1) await tcp.getInfo(socketId);
  assert.strictEqual(count, READS + 1);
});

test('tcp.md PA-3: it is one read, too, in an event that had to wait for the rest of the loop', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  let count = 0;
  tcp.onReceive.addListener(() => (count += 1));
  const socketId = await pausedWithMuch(t, chrome);
  const answered = new Promise((resolve) => {
    // Called in one event, so that their answers come together: the first one uses up the time of them all.
    tcp.getSockets(() => {
      tcp.getSockets(() => {
        for (const start = performance.now(); performance.now() - start < 20;);
      });
      tcp.getSockets(() => {
        tcp.setPaused(socketId, false);
        tcp.setPaused(socketId, true, resolve);
      });
    });
  });
  await soon(answered, 'the pause');
  // A read that should not be would be done by now.
  for (let n = 0; n < 3; n += 1) await tcp.getInfo(socketId);
  assert.strictEqual(count, 2);
});

test('udp.md 5.5: no datagram follows a close', async (t) => {
  const chrome = chromeOf(t);
  const { udp } = chrome.sockets;
  const { socketId } = await udp.create();
  await ok(chrome, udp.bind, socketId, '127.0.0.1', 0);
  await udp.setPaused(socketId, true);
  const { localPort } = await udp.getInfo(socketId);
  for (let n = 0; n < 50; n += 1) await ok(chrome, udp.send, socketId, Buffer.of(n), '127.0.0.1', localPort);
  let count = 0;
  const closed = new Promise((resolve) => {
    udp.onReceive.addListener((info) => {
      count += 1;
      if (count === 3) resolve(ok(chrome, udp.close, info.socketId));
    });
  });
  // What comes until this is answered is copied together.
  await udp.setPaused(socketId, false);
  await soon(closed, 'the answer of close');
  assert.strictEqual(count, 3);
});

test('many events at once keep neither timers nor calls waiting', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const EVENTS = 2000;
  let length = 0;
  // Counted in events, not in time, which a busy machine would spoil.
  const events = () => length / 64;
  let answeredAfter;
  const port = await peer(t, (socket) => {
    socket.once('data', () => (answeredAfter = events()));
    socket.write(Buffer.alloc(EVENTS * 64));
  });
  let tick = 0;
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, events() - tick);
    tick = events();
  }, 5);
  t.after(() => clearInterval(timer));
  const all = new Promise((resolve) => {
    tcp.onReceive.addListener(({ socketId, data }) => {
      const start = performance.now();
      if (length === 0) tcp.send(socketId, new ArrayBuffer(1), () => {});
      length += data.byteLength;
      if (length === EVENTS * 64) resolve();
      // A listener that works.
      while (performance.now() < start + 1);
    });
  });
  await connected(chrome, port, { bufferSize: 64 });
  await soon(all, 'the data');
  assert.ok(most < EVENTS / 4, `no timer for ${most} events`);
  assert.ok(answeredAfter < EVENTS, `the send took ${answeredAfter} events`);
});

test('calls one by one, each made when the one before is answered, keep no timer waiting', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 1);
  t.after(() => clearInterval(timer));
  const sockets = () => new Promise((resolve) => tcp.getSockets(resolve));
  const promises = async () => {
    while (ticks < 5) await sockets();
  };
  await soon(promises(), 'timers between promises');
  await soon(new Promise((resolve) => {
    const more = () => (ticks < 10 ? tcp.getSockets(more) : resolve());
    more();
  }), 'timers between callbacks');
});

/** How often threads of the library have gone to sleep; those of other tests do nothing meanwhile. */
function wakeUps() {
  const of = (thread) => fs.readFileSync(`/proc/self/task/${thread}/status`, 'utf8');
  const states = fs.readdirSync('/proc/self/task').map(of).filter((state) => state.startsWith('Name:\tchromesock\n'));
  return states.reduce((sum, state) => sum + Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(state)[1]), 0);
}

test('with busyPollUs the library looks for more before it sleeps', async (t) => {
  const port = await peer(t, () => {});
  const states = () => {
    const of = (thread) => fs.readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    const threads = fs.readdirSync('/proc/self/task').map(of).filter((stat) => stat.includes('(chromesock)'));
    return threads.map((stat) => /\) (\w)/.exec(stat)[1]);
  };
  await connected(chromeOf(t, undefined, { busyPollUs: 2 ** 32 - 1 }), port);
  assert.ok(states().includes('R'));
});

const CALLERS = {
  'a promise': async (call) => {
    for (let n = 0; n < 1000; n += 1) await call();
  },
  'a timer': async (call) => {
    for (let n = 0; n < 1000; n += 1) await new Promise((resolve) => setImmediate(() => call().then(resolve)));
  },
  'a promise of another': async (call) => {
    for (let n = 0; n < 1000; n += 1) {
      await call();
      await fs.promises.access('/');
    }
  },
};

for (const [who, calls] of Object.entries(CALLERS)) {
  test(`calls one by one of ${who} wake nobody`, async (t) => {
    const { tcp } = chromeOf(t).sockets;
    const call = () => new Promise((resolve) => tcp.getSockets(resolve));
    await call();
    const before = wakeUps();
    await calls(call);
    assert.ok(wakeUps() - before < 500);
  });
}

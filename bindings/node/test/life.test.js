// How long the process lives, and how it ends; worker threads; apps that come and go.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { AsyncLocalStorage } = require('node:async_hooks');
const { execFile } = require('node:child_process');
const { once } = require('node:events');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { Worker } = require('node:worker_threads');
const { createChrome, destroyChrome } = require('chromesock');
const { chromeOf, connected, listening, next, node, peer, soon, text, until } = require('./support');

const run = promisify(execFile);

/** A program with `chrome` and `tcp`, `tcpServer`, `udp` at hand, run to its end; the life of its peer is ours. */
const program = (code, ...words) =>
  node(
    '-e',
    `const chrome = require('chromesock').createChrome();
     const { tcp, tcpServer, udp } = chrome.sockets;
     const listen = async () => {
       const { socketId } = await tcpServer.create();
       await new Promise((resolve) => tcpServer.listen(socketId, '127.0.0.1', 0, resolve));
       return socketId;
     };
     const connect = async (port) => {
       const { socketId } = await tcp.create();
       await new Promise((resolve) => tcp.connect(socketId, '127.0.0.1', port, resolve));
       return socketId;
     };
     ${code}`,
    ...words,
  );

const ENDS_BY_ITSELF = {
  'nothing was done': '',
  'a socket was only created': 'tcp.create();',
  'calls are completed': 'tcp.getSockets().then(() => console.log("completed"));',
  'a listening socket has no listener': 'listen();',
  'a listening socket is paused':
    'tcpServer.onAccept.addListener(() => {}); listen().then((id) => tcpServer.setPaused(id, true));',
  'the last listening socket is closed':
    'tcpServer.onAccept.addListener(() => {}); listen().then((id) => tcpServer.close(id));',
  'the last listening socket is disconnected':
    'tcpServer.onAccept.addListener(() => {}); listen().then((id) => tcpServer.disconnect(id));',
  'the last listener is removed':
    'const f = () => {}; tcpServer.onAccept.addListener(f); listen().then(() => tcpServer.onAccept.removeListener(f));',
  'a bound socket is closed':
    'udp.onReceive.addListener(() => {}); udp.create().then(({ socketId }) => udp.bind(socketId, "127.0.0.1", 0, () => udp.close(socketId)));',
  'a bound socket has failed': `
    udp.onReceiveError.addListener(({ resultCode }) => console.log(resultCode));
    udp.create({ bufferSize: 1 }).then(({ socketId }) => udp.bind(socketId, '127.0.0.1', 0, async () => {
      const { localPort } = await udp.getInfo(socketId);
      udp.send(socketId, new ArrayBuffer(2), '127.0.0.1', localPort, () => {});
    }));`,
  'the app is destroyed':
    'tcpServer.onAccept.addListener(() => {}); listen().then(() => require("chromesock").destroyChrome(chrome)).then(() => console.log("gone"));',
};

for (const [when, code] of Object.entries(ENDS_BY_ITSELF)) {
  test(`a program ends when ${when}`, async () => {
    const { code: exit, signal, stderr } = await program(code);
    assert.deepStrictEqual({ exit, signal, stderr }, { exit: 0, signal: null, stderr: '' });
  });
}

test('tcp.md DC-2, CL-2: a program ends after a disconnect, a close, the peer\'s end', async (t) => {
  const port = await peer(t, (socket) => socket.once('data', () => socket.end()));
  for (const last of ['tcp.disconnect(id)', 'tcp.close(id)', 'tcp.send(id, new ArrayBuffer(1), () => {})']) {
    const { code, stdout } = await program(
      `tcp.onReceiveError.addListener(({ resultCode }) => console.log(resultCode));
       connect(+process.argv[1]).then((id) => ${last});`,
      String(port),
    );
    assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: '-100\n' }, last);
  }
});

test('a program lives while a peer may still speak', async (t) => {
  const port = await peer(t, (socket) => socket.once('data', () => socket.end('last words')));
  const { code, stdout } = await program(
    `tcp.onReceive.addListener(({ data }) => console.log(Buffer.from(data).toString()));
     tcp.onReceiveError.addListener(() => console.log('end'));
     // By then no call is pending: nothing but the socket, which is read, keeps the process alive.
     connect(+process.argv[1]).then((id) => {
       setTimeout(() => tcp.send(id, new ArrayBuffer(1), () => {}), 300).unref();
     });`,
    String(port),
  );
  assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: 'last words\nend\n' });
});

/** A program that ends, in one of several ways, while it exchanges data with a server that never stops. */
const TRAFFIC = `
  const block = new Uint8Array(4096);
  let count = 0;
  tcp.onReceive.addListener(({ socketId, data }) => {
    tcp.send(socketId, data, () => {});
    if (++count === 20) end();
  });
  for (let n = 0; n < 4; n += 1) connect(+process.argv[1]).then((id) => tcp.send(id, block, () => {}));
`;
const ENDS = {
  'process.exit': ['const end = () => process.exit(0);', 0],
  'an uncaught exception': ['const end = () => setImmediate(() => { throw new Error("meant"); });', 1],
  'a natural end': [
    'const end = async () => { for (const { socketId } of await tcp.getSockets()) tcp.close(socketId); };',
    0,
  ],
  'destroyChrome': ['const end = () => require("chromesock").destroyChrome(chrome);', 0],
  'an exit in a callback of many': ['const end = () => { for (;;) { tcp.getSockets(() => process.exit(0)); if (++count > 500) break; } };', 0],
};

const RUNS = Number(process.env.CHROMESOCK_EXIT_RUNS ?? 100);

test(`${RUNS} programs end with traffic running, none by a signal`, { timeout: RUNS * 3000 }, async (t) => {
  const port = await peer(t, (socket) => socket.pipe(socket));
  const ways = Object.values(ENDS);
  let started = 0;
  const worker = async () => {
    while (started < RUNS) {
      const [code, expected] = ways[started % ways.length];
      started += 1;
      const ended = await program(code + TRAFFIC, String(port));
      assert.deepStrictEqual({ code: ended.code, signal: ended.signal }, { code: expected, signal: null }, ended.stderr);
    }
  };
  await Promise.all([worker(), worker()]);
});

test('destroyChrome completes what is pending, then nothing comes and nothing is taken', async (t) => {
  const chrome = createChrome();
  const { tcp } = chrome.sockets;
  const port = await peer(t, () => {});
  const id = await connected(chrome, port);
  let isPending = true;
  tcp.send(id, new ArrayBuffer(32 * 1024 * 1024), ({ resultCode }) => {
    isPending = false;
    assert.ok(chrome.runtime.lastError && resultCode < 0);
  });
  await soon(destroyChrome(chrome), 'the end');
  assert.strictEqual(isPending, false);
  assert.throws(() => tcp.create(), { message: 'Extension context invalidated.' });
  await destroyChrome(chrome);
  assert.throws(() => destroyChrome({}), TypeError);
});

test('an app that a fault of the library ends says so, and its program ends', async () => {
  // The library's last event, without a close of the program's. What listens would keep it alive.
  const { code, stdout, stderr } = await node(
    '-e',
    `const functions = require('./lib/library').load();
     const made = functions.chromesock_app_new;
     let app;
     const value = (options, place) => {
       const status = made(options, place);
       app = Number(place[0]);
       return status;
     };
     Object.defineProperty(functions, 'chromesock_app_new', { value });
     const chrome = require('chromesock').createChrome();
     const { tcpServer } = chrome.sockets;
     tcpServer.onAccept.addListener(() => {});
     tcpServer.create(({ socketId }) => tcpServer.listen(socketId, '127.0.0.1', 0, () => functions.chromesock_app_close(app)));
     process.on('exit', () => {
       try { tcpServer.create(); } catch ({ message }) { console.log(message); }
     });`,
  );
  assert.deepStrictEqual({ code, stdout, stderr }, {
    code: 0, stdout: 'Extension context invalidated.\n', stderr: 'chromesock: the chrome object ended by an internal fault\n',
  });
});

test('what waits to be sent does not keep the memory that the program gave', async (t) => {
  const port = await peer(t, (socket) => socket.pause());
  const { stdout, stderr } = await program(
    `require('node:v8').setFlagsFromString('--expose-gc');
     const gc = require('node:vm').runInNewContext('gc');
     const later = () => new Promise(setImmediate);
     connect(Number(process.argv[1])).then(async (id) => {
       let isPending = true;
       const sent = () => {
         const data = new ArrayBuffer(32 * 1024 * 1024);
         tcp.send(id, data, () => (isPending = false));
         return new WeakRef(data);
       };
       const data = sent();
       for (let n = 0; n < 1000 && data.deref(); n += 1) {
         await later();
         gc();
       }
       console.log(isPending, data.deref());
       process.exit();
     });`,
    port,
  );
  assert.deepStrictEqual({ stdout, stderr }, { stdout: 'true undefined\n', stderr: '' });
});

test('a callback runs in the asynchronous context of its call, a listener in that of createChrome', async (t) => {
  const where = new AsyncLocalStorage();
  const chrome = where.run('the app', () => chromeOf(t));
  const { tcp } = chrome.sockets;
  const port = await peer(t, (socket) => socket.end('data'));
  const found = [];
  const note = (...words) => {
    found.push([...words, where.getStore()].join(' '));
    // Nobody else's.
    where.enterWith('left behind');
  };
  const received = next(tcp.onReceive, () => note('received in') === undefined);
  const ended = next(tcp.onReceiveError, () => note('ended in') === undefined);
  for (const name of ['one', 'two']) where.run(name, () => tcp.getSockets(() => note(name, 'in')));
  where.run('bad', () => tcp.getInfo(99, () => note(chrome.runtime.lastError.message, 'in')));
  await where.run('promise', async () => {
    await tcp.getSockets();
    note('awaited in');
  });
  await connected(chrome, port);
  await Promise.all([received, ended]);
  assert.deepStrictEqual(found, [
    'one in one',
    'two in two',
    'Socket not found in bad',
    'awaited in promise',
    'received in the app',
    'ended in the app',
  ]);
});

test('a throw stops neither the other listeners nor later events, whether the console can show it or not', async () => {
  const { code, stdout, stderr } = await program(`
    const odd = { [require('util').inspect.custom]() { throw new Error('no words'); } };
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    tcpServer.onAccept.addListener(() => { throw odd; });
    tcpServer.onAccept.addListener(({ socketId, clientSocketId }) => {
      tcp.close(clientSocketId);
      tcpServer.close(socketId);
      // Of what was thrown last nobody can be told but the process.
      console.error = () => { throw new Error('no console'); };
      tcp.getInfo(99, () => { void chrome.runtime.lastError; throw odd; });
      tcp.getSockets(() => console.log('next', chrome.runtime.lastError));
    });
    listen().then(async (id) => connect((await tcpServer.getInfo(id)).localPort));
    tcp.create(() => { throw odd; });
  `);
  const shown = 'Error in response to sockets.tcp.create: what cannot be shown\n'
    + 'Error in event handler for sockets.tcpServer.onAccept: what cannot be shown\n';
  assert.deepStrictEqual({ code, stdout, stderr }, { code: 0, stdout: 'uncaught no console\nnext undefined\n', stderr: shown });
});

test('events come to a program that has replaced what Node has as globals', async () => {
  const { code, stdout, stderr } = await program(`
    for (const name of ['performance', 'setImmediate', 'process', 'Buffer']) globalThis[name] = undefined;
    tcp.create({ name: 'socket' }, ({ socketId }) => tcp.getInfo(socketId, ({ name }) => console.log(name)));
  `);
  assert.deepStrictEqual({ code, stdout, stderr }, { code: 0, stdout: 'socket\n', stderr: '' });
});

test('an app can be made after the program has replaced JavaScript\'s own globals', async () => {
  const { code, stdout, stderr } = await node(
    '-e',
    `const { createChrome } = require('chromesock');
     for (const name of Object.keys(require('./lib/globals'))) {
       if (name !== 'console') globalThis[name] = () => { throw new TypeError(name + ' is not ours'); };
     }
     const { tcp } = createChrome({ sockets: {} }).sockets;
     tcp.create({ name: 'socket' }, ({ socketId }) => tcp.getInfo(socketId, ({ name }) => console.log(name)));`,
  );
  assert.deepStrictEqual({ code, stdout, stderr }, { code: 0, stdout: 'socket\n', stderr: '' });
});

test('several apps in one process know nothing of each other', async (t) => {
  const [a, b] = [chromeOf(t), chromeOf(t)];
  const server = await listening(a);
  b.sockets.tcpServer.onAccept.addListener(() => assert.fail('the wrong app'));
  const accepted = next(a.sockets.tcpServer.onAccept);
  await connected(b, server.port);
  assert.strictEqual((await accepted).socketId, server.socketId);
  assert.strictEqual((await b.sockets.tcpServer.getSockets()).length, 0);
});

const descriptors = () => fs.readdirSync('/proc/self/fd').length;
const threads = () => fs.readdirSync('/proc/self/task').length;

test('1,000 apps come and go, and leave neither memory, descriptors nor threads', { timeout: 240_000 }, async () => {
  const cycle = async () => {
    const chrome = createChrome();
    const { socketId } = await listening(chrome);
    await chrome.sockets.tcpServer.setPaused(socketId, true);
    await destroyChrome(chrome);
  };
  // Until JavaScript's own heap, too, is as large as it gets: since Node 24 that takes a thousand.
  for (let n = 0; n < 1000; n += 1) await cycle();
  const before = { descriptors: descriptors(), threads: threads(), rss: process.memoryUsage.rss() };
  for (let n = 0; n < 1000; n += 1) await cycle();
  // Closed descriptors are gone in the next turn of the loop.
  await new Promise(setImmediate);
  assert.ok(descriptors() <= before.descriptors + 2, `${descriptors()} of ${before.descriptors} descriptors`);
  assert.ok(threads() <= before.threads + 1, `${threads()} of ${before.threads} threads`);
  const grown = process.memoryUsage.rss() - before.rss;
  assert.ok(grown < 48 * 1024 * 1024, `${grown} bytes more`);
});

test('once data has come, the C library keeps freed memory, which data in bulk uses again', async (t) => {
  const port = await peer(t, (socket) => socket.write(Buffer.alloc(65536)));
  const { stdout } = await program(
    `const MIB = 1024 * 1024;
     const koffi = require('koffi');
     const c = koffi.load(null);
     const malloc = c.func('malloc', 'uintptr_t', ['size_t']);
     const free = c.func('free', 'void', ['uintptr_t']);
     const names = ['arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks', 'uordblks', 'fordblks', 'keepcost'];
     koffi.struct('mallinfo2', Object.fromEntries(names.map((name) => [name, 'size_t'])));
     const mallinfo2 = c.func('mallinfo2', 'mallinfo2', []);
     tcp.onReceive.addListener(({ socketId }) => {
       tcp.close(socketId, () => {
         const mapped = mallinfo2().hblks;
         const block = malloc(30 * MIB);
         const { hblks, arena } = mallinfo2();
         free(block);
         console.log(hblks === mapped, mallinfo2().arena === arena);
       });
     });
     (async () => {
       const { socketId } = await tcp.create({ bufferSize: 65536 });
       tcp.connect(socketId, '127.0.0.1', ${port}, () => {});
     })();`,
  );
  assert.strictEqual(stdout, 'true true\n');
});

test('an app that finds no descriptor for its stream leaves none behind, and no thread', async () => {
  // Frees one descriptor after the other until they suffice: some of the attempts get as far as the stream.
  const code = `
    const fs = require('node:fs');
    const { createChrome, destroyChrome } = require('chromesock');
    const made = () => {
      try {
        return createChrome();
      } catch {
        return null;
      }
    };
    destroyChrome(createChrome()).then(() => setImmediate(() => {
      const held = [];
      try {
        for (;;) held.push(fs.openSync('/dev/null'));
      } catch {}
      let freed = 0;
      let chrome = null;
      while (!chrome && freed < 20) {
        fs.closeSync(held.pop());
        freed += 1;
        for (let n = 0; n < 5 && !chrome; n += 1) chrome = made();
      }
      console.log(chrome !== null);
      process.exit();
    }));`;
  const { stdout, stderr } = await run('/bin/sh', ['-c', 'ulimit -n 64 && exec "$@"', 'sh', process.execPath, '-e', code], {
    cwd: path.join(__dirname, '..'),
  });
  assert.deepStrictEqual({ stdout, stderr }, { stdout: 'true\n', stderr: '' });
});

test('a worker thread may have many apps', async () => {
  const { code, stderr } = await node(
    '-e',
    `const inWorker = 'const { createChrome } = require("chromesock"); for (let n = 0; n < 12; n += 1) createChrome();';
     new (require('node:worker_threads').Worker)(inWorker, { eval: true });`,
  );
  assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: '' });
});

test('what listens to the exit of a worker may still call', async () => {
  const { code, stdout, stderr } = await node(
    '-e',
    `const inWorker = \`
       const { createChrome, destroyChrome } = require('chromesock');
       const chrome = createChrome();
       const { tcp } = chrome.sockets;
       process.on('exit', () => {
         tcp.send(1, new ArrayBuffer(100_000), () => console.log('an answer'));
         tcp.onReceive.addListener(() => {});
         tcp.close(1);
         destroyChrome(chrome);
         console.log('called');
       });
       tcp.create({}, () => process.exit());\`;
     new (require('node:worker_threads').Worker)(inWorker, { eval: true });`,
  );
  assert.deepStrictEqual({ code, stdout, stderr }, { code: 0, stdout: 'called\n', stderr: '' });
});

const WORKER = path.join(__dirname, 'worker.js');

test('worker threads have apps of their own, which end with them', async (t) => {
  const port = await peer(t, (socket) => socket.pipe(socket));
  const before = threads();
  const workers = [1, 2, 3].map((n) => new Worker(WORKER, { workerData: { port, message: `from ${n}` } }));
  const ends = workers.map((worker) => soon(once(worker, 'exit'), 'the end of a worker'));
  const answers = await Promise.all(
    workers.map(async (worker) => {
      const [answer] = await soon(once(worker, 'message'), 'an answer');
      return answer;
    }),
  );
  assert.deepStrictEqual(answers, ['from 1', 'from 2', 'from 3']);
  await Promise.all(ends);
  // Their own threads and the library's; none waits for more.
  assert.ok(threads() <= before + 1, `${threads()} of ${before} threads`);
});

test('workers that are terminated with traffic running take their apps along', { timeout: 300_000 }, async (t) => {
  let ended = 0;
  const port = await peer(t, (socket) => {
    socket.on('close', () => (ended += 1));
    socket.pipe(socket);
  });
  const run = async () => {
    const worker = new Worker(WORKER, { workerData: { port, message: 'for ever', isEndless: true } });
    await soon(once(worker, 'message'), 'an answer');
    assert.strictEqual(await soon(worker.terminate(), 'the end of the worker'), 1);
  };
  const several = (number) => Promise.all(Array.from({ length: number }, run));
  // What Node itself keeps for workers.
  await several(4);
  await until(() => ended === 4, 'the first connections end');
  const before = { descriptors: descriptors(), threads: threads() };
  for (let n = 0; n < 50; n += 1) await several(4);
  await until(() => ended === 204, 'every connection ends');
  await until(() => descriptors() <= before.descriptors && threads() <= before.threads, 'all is given back');
  const chrome = chromeOf(t);
  const id = await connected(chrome, port);
  const echoed = next(chrome.sockets.tcp.onReceive);
  chrome.sockets.tcp.send(id, Buffer.from('still here'), () => {});
  assert.strictEqual(text((await echoed).data), 'still here');
});

test('a worker may be terminated in any call', { timeout: 300_000 }, async () => {
  // In a process of its own, which must not end by that.
  const { code, signal, stderr } = await node(
    '-e',
    `const { Worker } = require('node:worker_threads');
     const inWorker = \`
       const { tcp } = require('chromesock').createChrome().sockets;
       const list = () => tcp.getSockets(list);
       for (let n = 0; n < 200; n += 1) tcp.create({ name: 'socket', persistent: true });
       // After the second answer all functions of the library are made, within which koffi does not survive it.
       tcp.getSockets(() => tcp.getSockets((sockets) => {
         require('node:worker_threads').parentPort.postMessage(sockets.length);
         for (let n = 0; n < 30; n += 1) list();
         for (let n = 0; n < 100; n += 1) tcp.create({ name: 'socket', bufferSize: 100 });
       }));\`;
     const run = (left) => {
       if (left === 0) return;
       const worker = new Worker(inWorker, { eval: true });
       worker.once('message', () => setImmediate(() => worker.terminate()));
       worker.once('exit', () => run(left - 1));
     };
     run(25);
     run(25);`,
  );
  assert.deepStrictEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
});

const LAST_CALLS = {
  'an event': 'send(); process.exit();',
  'a timer': 'setImmediate(() => { send(); process.exit(); });',
  'a listener of the exit': "process.on('exit', send); setImmediate(() => process.exit());",
};

for (const [where, code] of Object.entries(LAST_CALLS)) {
  test(`what is called in ${where} is carried out, though the program ends at once`, async (t) => {
    let heard = () => {};
    const port = await peer(t, (socket) => socket.on('data', (data) => heard(text(data))).on('error', () => {}));
    const got = new Promise((resolve) => (heard = resolve));
    // The library's thread has little time left if it is awake just then.
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { code: exit } = await program(`
        connect(Number(process.argv[1])).then((id) => {
          const send = () => tcp.send(id, new TextEncoder().encode('bye'), () => {});
          tcp.getSockets(() => { ${code} });
        });`, port);
      assert.strictEqual(exit, 0);
      if ((await Promise.race([got, new Promise((resolve) => setImmediate(resolve))])) === 'bye') return;
    }
    assert.strictEqual(await soon(got), 'bye');
  });
}

test('what a program calls before it blocks is carried out meanwhile', async () => {
  const { stdout, stderr } = await program(`
    const { Worker } = require('node:worker_threads');
    const shared = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(\`
      const { parentPort, workerData } = require('node:worker_threads');
      const socket = require('node:dgram').createSocket('udp4', () => {
        Atomics.store(workerData, 0, 1);
        Atomics.notify(workerData, 0);
        socket.close();
      });
      socket.bind(0, '127.0.0.1', () => parentPort.postMessage(socket.address().port));
    \`, { eval: true, workerData: shared });
    worker.once('message', async (port) => {
      const { socketId } = await udp.create();
      udp.bind(socketId, '127.0.0.1', 0, () => setImmediate(() => {
        udp.send(socketId, new ArrayBuffer(1), '127.0.0.1', port, () => udp.close(socketId));
        console.log(Atomics.wait(shared, 0, 0, 20000) !== 'timed-out');
      }));
    });`);
  assert.deepStrictEqual({ stdout, stderr }, { stdout: 'true\n', stderr: '' });
});

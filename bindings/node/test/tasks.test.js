// In tasks that are no events, as in a browser: what a task calls behind a connect finds it under way (tcp.md 3.5 row 6),
// and between setPaused(false) and setPaused(true) nothing is read (PA-3).
'use strict';

const assert = require('node:assert');
const dgram = require('node:dgram');
const { once } = require('node:events');
const net = require('node:net');
const { test } = require('node:test');
const { call, chromeOf, manifestFile, node, ok, pausedWithMuch, peer, ran, soon } = require('./support');

const TIMES = 20;

/** Where a connect is called, and what is called behind it. */
const TASKS = {
  'a timer': (chrome, first, second) => {
    setTimeout(() => {
      first();
      second();
    });
  },
  'a timer that has called before': (chrome, first, second) => {
    setTimeout(() => {
      chrome.sockets.tcp.getSockets(() => {});
      first();
      second();
    });
  },
  'the promises of a timer': (chrome, first, second) => {
    setTimeout(async () => {
      await null;
      first();
      for (let n = 0; n < 5; n += 1) await null;
      second();
    });
  },
  'a task between two events': (chrome, first, second) => {
    chrome.sockets.tcp.getSockets(() => {
      setImmediate(() => {
        first();
        second();
      });
      // Events make way for the rest of the loop.
      for (const start = Date.now(); Date.now() - start < 20;);
    });
  },
};

for (const [where, run] of Object.entries(TASKS)) {
  /** A socket, and what a connect of it gives and another call behind that, made in such a task. */
  async function both(chrome, port, name, ...values) {
    const { tcp } = chrome.sockets;
    const { socketId } = await tcp.create();
    const answers = await soon(new Promise((resolve) => {
      const made = [];
      const make = (...of) => made.push(call(chrome, ...of));
      run(chrome, () => make(tcp.connect, socketId, '127.0.0.1', port), () => {
        make(tcp[name], socketId, ...values);
        resolve(Promise.all(made));
      });
    }), name);
    return { socketId, results: answers.map(({ given }) => given[0]) };
  }

  test(`tcp.md 3.5 row 6: in ${where} disconnect, or another connect, finds a connect under way`, async (t) => {
    const chrome = chromeOf(t);
    const port = await peer(t, () => {});
    for (let n = 0; n < TIMES; n += 1) {
      assert.deepStrictEqual((await both(chrome, port, 'disconnect')).results, [-3, undefined]);
      assert.deepStrictEqual((await both(chrome, port, 'connect', '127.0.0.1', port)).results, [0, -104]);
    }
  });

  test(`tcp.md PA-2, TLS-4: in ${where} a pause behind a connect is in time`, async (t) => {
    const chrome = chromeOf(t);
    const { tcp } = chrome.sockets;
    const port = await peer(t, (socket) => {
      socket.write('greeting');
      socket.on('data', () => socket.end('no TLS')).on('error', () => {});
    });
    const events = [];
    tcp.onReceive.addListener((info) => events.push(info));
    tcp.onReceiveError.addListener((info) => events.push(info));
    for (let n = 0; n < TIMES; n += 1) {
      // A read that is under way would end by an event (DC-2), and let `secure` fail by -2.
      const { socketId } = await both(chrome, port, 'setPaused', true);
      await tcp.disconnect(socketId);
      await tcp.getInfo(socketId);
      const secured = await both(chrome, port, 'setPaused', true);
      assert.deepStrictEqual((await call(chrome, tcp.secure, secured.socketId)).given, [-107]);
    }
    assert.deepStrictEqual(events, []);
  });

  test(`tcp.md PA-3: in ${where} unpausing and pausing ask for exactly one more read`, async (t) => {
    const chrome = chromeOf(t);
    const { tcp } = chrome.sockets;
    let count = 0;
    tcp.onReceive.addListener(() => (count += 1));
    const socketId = await pausedWithMuch(t, chrome);
    const paused = new Promise((resolve) => {
      run(chrome, () => tcp.setPaused(socketId, false), () => {
        // Time for what should not be read.
        for (const start = Date.now(); Date.now() - start < 5;);
        tcp.setPaused(socketId, true, resolve);
      });
    });
    await soon(paused, 'the pause');
    for (let n = 0; n < 3; n += 1) await tcp.getInfo(socketId);
    assert.strictEqual(count, 2);
  });

  test(`udp.md 5.3, tcp.md AC-7: in ${where} a server or a UDP socket that is unpaused and paused tells of nothing`, async (t) => {
    const chrome = chromeOf(t);
    const { tcpServer, udp } = chrome.sockets;
    const events = [];
    udp.onReceive.addListener((info) => events.push(info));
    tcpServer.onAccept.addListener((info) => events.push(info));
    const flip = (api, socketId) => soon(new Promise((resolve) => {
      run(chrome, () => api.setPaused(socketId, false), () => {
        // Time for what should not come.
        for (const start = Date.now(); Date.now() - start < 5;);
        api.setPaused(socketId, true, resolve);
      });
    }), 'the pause');
    const port = async (api, method, socketId) => {
      await api.setPaused(socketId, true);
      await ok(chrome, method, socketId, '127.0.0.1', 0);
      return (await api.getInfo(socketId)).localPort;
    };
    const [server, bound] = [(await tcpServer.create()).socketId, (await udp.create()).socketId];
    const client = net.connect(await port(tcpServer, tcpServer.listen, server), '127.0.0.1').on('error', () => {});
    t.after(() => client.destroy());
    await once(client, 'connect');
    const sender = dgram.createSocket('udp4');
    t.after(() => sender.close());
    const to = await port(udp, udp.bind, bound);
    await new Promise((resolve) => sender.send('x', to, '127.0.0.1', resolve));
    await flip(tcpServer, server);
    await flip(udp, bound);
    for (const [api, id] of [[tcpServer, server], [udp, bound]]) await api.getInfo(id);
    assert.deepStrictEqual(events, []);
  });
}

test('tcp.md 3.5 row 6: the tasks of an app that chrome-app-run runs are no others', async (t) => {
  const port = await peer(t, () => {});
  const { stdout, stderr } = await ran(t, `
    const { tcp } = chrome.sockets;
    const note = (word) => (result) => console.log(word, result, chrome.runtime.lastError?.message);
    const both = (socketId) => {
      tcp.getSockets(() => {});
      tcp.connect(socketId, '127.0.0.1', ${port}, note('connect'));
      tcp.disconnect(socketId, () => tcp.close(socketId, next));
    };
    let left = ${TIMES};
    const next = () => (left-- > 0 ? tcp.create({}, ({ socketId }) => setTimeout(both, 0, socketId)) : window.close());
    next();`, manifestFile({ sockets: { tcp: { connect: '*' } } }));
  assert.deepStrictEqual({ stdout, stderr }, { stdout: 'connect -3 net::ERR_ABORTED\n'.repeat(TIMES), stderr: '' });
});

const ENDS = {
  'process.exit()': 'setImmediate(() => { calls(); process.exit(); });',
  'an exception': 'setImmediate(() => { calls(); throw new Error(); });',
  'a listener of the exit': "process.on('exit', calls); setImmediate(() => process.exit());",
};

for (const [how, code] of Object.entries(ENDS)) {
  test(`what is called behind a connect is carried out, though ${how} ends the program`, async (t) => {
    let heard;
    const got = new Promise((resolve) => (heard = resolve));
    const port = await peer(t, (socket) => socket.on('data', heard).on('error', () => {}));
    // The library's thread has little time left if it is awake just then.
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await node('-e', `
        const { tcp } = require('chromesock').createChrome().sockets;
        (async () => {
          const [{ socketId }, other] = [await tcp.create(), await tcp.create()];
          const calls = () => {
            tcp.connect(other.socketId, '127.0.0.1', ${port}, () => {});
            tcp.send(socketId, new ArrayBuffer(1), () => {});
          };
          tcp.connect(socketId, '127.0.0.1', ${port}, () => { ${code} });
        })();`);
      if (await Promise.race([got, new Promise((resolve) => setImmediate(resolve))])) return;
    }
    await soon(got, 'what was sent');
  });
}

test('tcp.md 3.5 row 6: a program that handles what a task has thrown goes on, and so do its calls', async (t) => {
  const port = await peer(t, () => {});
  const { stdout } = await node('-e', `
    const { tcp } = require('chromesock').createChrome().sockets;
    process.on('uncaughtException', () => console.log('thrown'));
    (async () => {
      const { socketId } = await tcp.create();
      setTimeout(() => {
        tcp.connect(socketId, '127.0.0.1', ${port}, (result) => {
          console.log(result);
          tcp.close(socketId);
        });
        throw new Error();
      });
    })();`);
  assert.strictEqual(stdout, 'thrown\n0\n');
});

test('a chrome object that is destroyed behind a connect ends it', async (t) => {
  const { destroyChrome } = require('chromesock');
  const chrome = chromeOf(t);
  const port = await peer(t, () => {});
  const { socketId } = await ok(chrome, chrome.sockets.tcp.create);
  const connected = new Promise((resolve) => {
    setTimeout(() => {
      chrome.sockets.tcp.connect(socketId, '127.0.0.1', port, resolve);
      destroyChrome(chrome);
    });
  });
  assert.strictEqual(await soon(connected, 'the end'), -3);
});

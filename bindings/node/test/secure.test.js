// tcp.md 7: TLS, with a server of Node's own.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { once } = require('node:events');
const { before, test } = require('node:test');
const { appOf, call, certificate, chromeOf, connected, folder, manifestFile, next, node, ok, peer, soon, text } = require('./support');

let key;
let cert;

before(() => {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'chromesock-tls-'));
  const { keyFile, certFile } = certificate(work);
  key = fs.readFileSync(keyFile);
  cert = fs.readFileSync(certFile, 'utf8');
  fs.rmSync(work, { recursive: true });
});

const echo = (socket) => socket.pipe(socket);

async function server(t, options, serve = echo) {
  const listening = tls.createServer({ key, cert, ...options }, (socket) => serve(socket.on('error', () => {})));
  listening.on('tlsClientError', () => {});
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  t.after(() => listening.close());
  return listening.address().port;
}

/** tcp.md TLS-11, recipe 1: paused before it connects. */
async function pausedAndConnected(chrome, port, properties) {
  const { tcp } = chrome.sockets;
  const { socketId } = await tcp.create(properties);
  await tcp.setPaused(socketId, true);
  assert.strictEqual(await ok(chrome, tcp.connect, socketId, 'localhost', port, 'ipv4'), 0);
  return socketId;
}

test('tcp.md TLS-11, TLS-40: a trusted server is talked to', async (t) => {
  const chrome = chromeOf(t, undefined, { extraRootsPem: cert });
  const { tcp } = chrome.sockets;
  const id = await pausedAndConnected(chrome, await server(t));
  assert.strictEqual(await ok(chrome, tcp.secure, id, { tlsVersion: { min: 'tls1.2', max: 'tls1.3' } }), 0);
  const echoed = next(tcp.onReceive);
  await tcp.setPaused(id, false);
  await ok(chrome, tcp.send, id, Buffer.from('secret'));
  const info = await echoed;
  assert.strictEqual(text(info.data), 'secret');
  await tcp.close(id);
});

test('tcp.md 7.8: a server that nobody vouches for is refused, and the socket is gone (TLS-10)', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const id = await pausedAndConnected(chrome, await server(t));
  const refused = await call(chrome, tcp.secure, id);
  assert.deepStrictEqual(refused, { given: [-202], error: 'net::ERR_CERT_AUTHORITY_INVALID' });
  assert.deepStrictEqual(await call(chrome, tcp.close, id), { given: [], error: 'Socket not found' });
});

test('tcp.md 7.3: the limits of the version are kept', async (t) => {
  const chrome = chromeOf(t, undefined, { extraRootsPem: cert });
  const id = await pausedAndConnected(chrome, await server(t, { maxVersion: 'TLSv1.2' }));
  const refused = await call(chrome, chrome.sockets.tcp.secure, id, { tlsVersion: { min: 'tls1.3' } });
  assert.deepStrictEqual(refused, { given: [-113], error: 'net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH' });
});

for (const pauses of [false, true]) {
  const state = pauses ? 'just paused' : 'not paused';
  test(`tcp.md TLS-4: no plain data follows a secure of a socket that is ${state}`, async (t) => {
    const chrome = chromeOf(t);
    const { tcp } = chrome.sockets;
    const port = await peer(t, (socket) => socket.write(Buffer.alloc(256 * 1024)));
    let count = 0;
    let refused;
    const secured = new Promise((resolve) => {
      tcp.onReceive.addListener(({ socketId }) => {
        count += 1;
        if (count !== 100) return;
        if (pauses) tcp.setPaused(socketId, true, () => {});
        refused = call(chrome, tcp.secure, socketId);
        resolve();
      });
    });
    const codes = [];
    tcp.onReceiveError.addListener(({ resultCode }) => codes.push(resultCode));
    await connected(chrome, port, { bufferSize: 64 });
    await soon(secured, 'the data');
    const { given } = await refused;
    // What was raised with that answer comes before this one.
    await tcp.getSockets();
    // The read that a pause leaves in flight (PA-3) may be over when `secure` starts: the handshake then meets plain data.
    const isOver = pauses && given[0] === -107;
    assert.deepStrictEqual({ given, codes }, isOver ? { given: [-107], codes: [] } : { given: [-2], codes: [-100] });
    assert.strictEqual(count, 100);
  });
}

test('tcp.md TLS-2, TLS-9, 7.5: calls beside a secure change nothing; a program lives on for what the server says', async (t) => {
  const port = await server(t, {}, (socket) => socket.once('data', () => {
    // Long after all calls are completed.
    setTimeout(() => socket.end('answer'), 300);
  }));
  const { code, stdout } = await node(
    '-e',
    `const chrome = require('chromesock').createChrome(undefined, { extraRootsPem: process.argv[2] });
     const { tcp } = chrome.sockets;
     const asked = (method, ...values) => new Promise((resolve) => {
       method(...values, (result) => resolve([result, chrome.runtime.lastError]));
     });
     tcp.onReceive.addListener(({ data }) => console.log(Buffer.from(data).toString()));
     (async () => {
       const { socketId } = await tcp.create();
       await tcp.setPaused(socketId, true);
       await asked(tcp.connect, socketId, 'localhost', +process.argv[1], 'ipv4');
       const during = [asked(tcp.secure, socketId), asked(tcp.secure, socketId), asked(tcp.send, socketId, Buffer.from('lost'))];
       const [[first], [second], [{ resultCode }]] = await Promise.all(during);
       console.log(first, second, resultCode, (await asked(tcp.secure, socketId))[0]);
       await asked(tcp.send, socketId, Buffer.from('question'));
       await tcp.setPaused(socketId, false);
     })();`,
    String(port),
    cert,
  );
  assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: '0 -2 -15 -4\nanswer\n' });
});

test('a program lives on for a connection that it has secured before it heard of the connect', async (t) => {
  const port = await server(t, {}, (socket) => setTimeout(() => socket.end('answer'), 300));
  const { code, stdout } = await node(
    '-e',
    `const { tcp } = require('chromesock').createChrome(undefined, { extraRootsPem: process.argv[2] }).sockets;
     tcp.onReceive.addListener(({ data }) => console.log(Buffer.from(data).toString()));
     (async () => {
       const { socketId } = await tcp.create();
       let isConnected = false;
       setImmediate(() => {
         tcp.setPaused(socketId, true);
         tcp.connect(socketId, '127.0.0.1', +process.argv[1], () => { isConnected = true; });
       });
       // Before the loop brings an event of these.
       setImmediate(() => {
         for (const start = Date.now(); Date.now() - start < 50;);
         console.log(isConnected);
         tcp.secure(socketId, (result) => {
           console.log(result);
           tcp.setPaused(socketId, false);
         });
       });
     })();`,
    String(port),
    cert,
  );
  assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: 'false\n0\nanswer\n' });
});

for (const [name, expected] of Object.entries({ close: ['one'], secure: ['one', 'two'] })) {
  test(`tcp.md CL-2, TLS-2: what has come of a secured socket, behind a ${name}`, async (t) => {
    const chrome = chromeOf(t, undefined, { extraRootsPem: cert });
    const { tcp } = chrome.sockets;
    const port = await server(t, {}, (socket) => socket.write('onetwo'));
    // Of two pieces that come together, the first one's listener makes the call.
    const received = [];
    const called = new Promise((resolve) => {
      tcp.onReceive.addListener(({ socketId, data }) => {
        if (received.push(text(data)) === 1) resolve(call(chrome, tcp[name], socketId));
      });
    });
    const socketId = await pausedAndConnected(chrome, port, { bufferSize: 3 });
    assert.strictEqual(await ok(chrome, tcp.secure, socketId), 0);
    await tcp.setPaused(socketId, false);
    await called;
    assert.deepStrictEqual(received, expected);
  });
}

test('tcp.md TLS-10, DC-6: a program ends when a handshake has failed of which it awaited data', async (t) => {
  const port = await peer(t, (socket) => socket.once('data', () => socket.end('no TLS')));
  for (const [then, result] of [['', -107], ['await tcp.disconnect(socketId);', -3]]) {
    const { code, stdout } = await node(
      '-e',
      `const { runtime, sockets: { tcp } } = require('chromesock').createChrome();
       tcp.onReceive.addListener(() => console.log('data'));
       (async () => {
         const { socketId } = await tcp.create();
         await tcp.setPaused(socketId, true);
         await new Promise((resolve) => tcp.connect(socketId, '127.0.0.1', +process.argv[1], resolve));
         tcp.secure(socketId, (code) => console.log(code, runtime.lastError !== undefined));
         tcp.setPaused(socketId, false, () => runtime.lastError);
         ${then}
       })();`,
      String(port),
    );
    assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: `${result} true\n` });
  }
});

test('socket-legacy.md 7: chrome.socket.secure', async (t) => {
  const chrome = chromeOf(t, undefined, { extraRootsPem: cert });
  const { socket } = chrome;
  const port = await server(t);
  const { socketId } = await socket.create('tcp');
  assert.strictEqual(await ok(chrome, socket.connect, socketId, 'localhost', port), 0);
  assert.strictEqual(await ok(chrome, socket.secure, socketId), 0);
  assert.deepStrictEqual(await ok(chrome, socket.write, socketId, Buffer.from('secret')), { bytesWritten: 6 });
  assert.strictEqual(text((await ok(chrome, socket.read, socketId)).data), 'secret');
  socket.destroy(socketId);
});

test('chrome-app-run --cacert: an app is given certificates that may vouch for its servers', async (t) => {
  const port = await server(t);
  const files = manifestFile({ sockets: { tcp: { connect: 'localhost' } } });
  const words = appOf(t, `
    chrome.app.runtime.onLaunched.addListener(function () {
      var tcp = chrome.sockets.tcp;
      tcp.create({}, function (created) {
        tcp.setPaused(created.socketId, true);
        tcp.connect(created.socketId, 'localhost', ${port}, 'ipv4', function () {
          tcp.secure(created.socketId, function (result) {
            console.log(result, chrome.runtime.lastError);
          });
        });
      });
    });`, files);
  const [run, ...others] = words;
  const roots = path.join(folder(t), 'roots.pem');
  fs.writeFileSync(roots, cert);
  const { stdout, stderr } = await node(run, '--cacert', roots, ...others);
  assert.deepStrictEqual({ stdout, stderr }, { stdout: '0 undefined\n', stderr: '' });
  assert.match((await node(...words)).stdout, /^-202 /);
  fs.writeFileSync(roots, 'none');
  const empty = await node(run, '--cacert', roots, ...others);
  assert.deepStrictEqual([empty.code, empty.stderr], [1, `chrome-app-run: ${roots} has no certificate that can be read\n`]);
  const unreadable = await node(run, '--cacert', `${roots}.none`, ...others);
  assert.deepStrictEqual([unreadable.code, unreadable.stderr.split(':')[1]], [1, ` cannot read ${roots}.none`]);
});

test('tcp.md 7.1: a wrong option throws', (t) => {
  const { tcp } = chromeOf(t).sockets;
  const signature = 'sockets.tcp.secure(integer socketId, optional sockets.tcp.SecureOptions options, function callback)';
  assert.throws(() => tcp.secure(1, { tlsVersion: { min: 1 } }, () => {}), {
    name: 'TypeError',
    message:
      `Error in invocation of ${signature}: Error at parameter 'options': Error at property 'tlsVersion': ` +
      "Error at property 'min': Invalid type: expected string, found integer.",
  });
});

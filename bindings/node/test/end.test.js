// chrome-app-run: how an app ends.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const { test } = require('node:test');
const { appOf, manifestFile, node, peer, ran, soon, text } = require('./support');

const FILES = manifestFile({ sockets: { tcp: { connect: '*' } }, permissions: ['storage'] });

/** Runs an app until it has said `word`, then ends it by a signal; how it ended and what it wrote. */
async function endedAt(t, word, script) {
  const child = spawn(process.execPath, appOf(t, script, FILES));
  t.after(() => child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  for (const name of Object.keys(output)) {
    child[name].on('data', (data) => {
      output[name] += data;
      if (output.stdout === `${word}\n`) child.kill('SIGTERM');
    });
  }
  const [code] = await soon(once(child, 'close'), 'the end');
  return { code, ...output };
}

test('tcp.md LC-6: an app that is ended says good-bye, and nothing of it runs any more', async (t) => {
  const deaf = await peer(t, (socket) => socket.pause());
  let heard;
  const said = new Promise((resolve) => (heard = resolve));
  const polite = await peer(t, async (socket) => {
    const parts = [];
    for await (const part of socket) parts.push(part);
    heard(text(Buffer.concat(parts)));
  });
  const ended = await endedAt(t, 'ready', `
    const { tcp } = chrome.sockets;
    const open = (port, then) => tcp.create(({ socketId }) => tcp.connect(socketId, '127.0.0.1', port, () => then(socketId)));
    const note = (word) => () => { void chrome.runtime.lastError; console.log(word); };
    open(${deaf}, (busy) => open(${polite}, (socketId) => {
      tcp.send(busy, new ArrayBuffer(64 * 1024 * 1024), note('sent'));
      setInterval(() => tcp.getSockets(() => {}));
      chrome.runtime.onSuspend.addListener(() => {
        console.log('suspended');
        tcp.send(socketId, new TextEncoder().encode('QUIT'), () => tcp.close(socketId, note('closed')));
        tcp.getSockets((sockets) => sockets.forEach(({ socketId }) => tcp.close(socketId)));
        tcp.getSockets().then(note('awaited'), note('rejected'));
        chrome.storage.local.set({ last: 1 }, () => tcp.getSockets(note('stored')));
      });
      console.log('ready');
    }));`);
  assert.deepStrictEqual(ended, { code: 0, stdout: 'ready\nsuspended\n', stderr: '' });
  assert.strictEqual(await soon(said, 'what was said'), 'QUIT');
});

test('what an app stores as it ends is kept, and what fails then is nobody\'s', async (t) => {
  const words = appOf(t, `
    const { local } = chrome.storage;
    chrome.runtime.onSuspend.addListener(() => local.set({ suspended: true }));
    local.get(null, (items) => {
      console.log(JSON.stringify(items));
      local.set({ first: 1 });
      local.set({ second: 2 });
      window.close();
    });`);
  const storage = words[2];
  for (const expected of ['{}', '{"first":1,"second":2,"suspended":true}']) {
    assert.deepStrictEqual(await node(...words), { code: 0, signal: null, stdout: `${expected}\n`, stderr: '' });
  }
  // No file can be made where a folder is.
  fs.rmSync(storage);
  fs.mkdirSync(`${storage}.new`);
  assert.deepStrictEqual(await node(...words), { code: 0, signal: null, stdout: '{}\n', stderr: '' });
});

test('an app ends itself by window.close', async (t) => {
  const { code, lines, stderr } = await ran(t, `
    chrome.runtime.onSuspend.addListener(() => console.log('suspended'));
    chrome.app.runtime.onLaunched.addListener(() => chrome.socket.create('tcp', ({ socketId }) => {
      chrome.socket.destroy(socketId);
      console.log('ready');
      window.close();
    }));
    setInterval(() => {}, 1e6);`);
  assert.deepStrictEqual({ code, lines, stderr }, { code: 0, lines: ['ready', 'suspended'], stderr: '' });
});

test('an app that begins something as it is suspended is not suspended again', async (t) => {
  const { code, lines, stderr } = await ran(t, `
    chrome.runtime.onSuspend.addListener(() => {
      console.log('suspended');
      setTimeout(() => console.log('more'));
    });`);
  assert.deepStrictEqual({ code, lines, stderr }, { code: 0, lines: ['suspended', 'more'], stderr: '' });
});

test('tcp.md LC-6: an app that ends itself as it is loaded is not launched any more', async (t) => {
  const { code, lines, stderr } = await ran(t, `
    const note = (word) => () => console.log(word);
    chrome.runtime.onInstalled.addListener(note('installed'));
    chrome.runtime.onSuspend.addListener(note('suspended'));
    chrome.app.runtime.onLaunched.addListener(note('launched'));
    window.onload = note('loaded');
    // So many that the end of them all takes a while.
    for (let n = 0; n < 50000; n += 1) chrome.sockets.tcp.getSockets(note('answered'));
    console.log(window.close());
    Promise.prototype.then = null;`);
  assert.deepStrictEqual({ code, lines, stderr }, { code: 0, lines: ['suspended', 'undefined'], stderr: '' });
});

test('tcp.md LC-6: an app that has ended itself hears of nothing that it has begun', async (t) => {
  const { code, lines, stderr } = await ran(t, `
    const note = (word) => () => console.log(word);
    chrome.alarms.onAlarm.addListener(note('alarm'));
    chrome.storage.onChanged.addListener(note('changed'));
    chrome.runtime.onSuspend.addListener(() => {
      for (let n = 0; n < 50000; n += 1) chrome.sockets.tcp.getSockets(note('answered'));
      chrome.storage.local.set({ a: 1 }, note('stored'));
      chrome.alarms.create('now', { when: Date.now() });
      setTimeout(note('timer'));
      Promise.resolve().then(note('promised'));
    });
    chrome.socket.create('tcp', () => window.close());`);
  assert.deepStrictEqual({ code, lines, stderr }, { code: 0, lines: ['promised'], stderr: '' });
});

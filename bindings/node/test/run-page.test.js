// chrome-app-run: what a page finds around it: window, its events, its globals.
'use strict';

const assert = require('node:assert');
const vm = require('node:vm');
const { test } = require('node:test');
const { appOf, manifestFile, node, ran, web } = require('./support');

test('window is what its listeners are called on, and what its events are of', async (t) => {
  const { lines, stderr } = await ran(t, `
    function listener(event) { console.log(event.type, [this, event.target, event.currentTarget].every((object) => object === window)); }
    const object = { handleEvent(event) { console.log(this === object, event.target === window); } };
    for (const each of [listener, object, listener]) window.addEventListener('load', each);
    window.addEventListener('own', listener);
    window.addEventListener('own', () => { throw new Error('heard'); }, { once: true });
    window.onerror = (message) => console.log(message) ?? true;
    window.dispatchEvent(new CustomEvent('own', { detail: 5 }));
    window.removeEventListener('own', listener);
    console.log(window.dispatchEvent(new Event('own', { cancelable: true })));`);
  assert.deepStrictEqual(lines, ['own true', 'Uncaught Error: heard', 'true', 'load true', 'true true'], stderr);
  assert.strictEqual(stderr, '');
});

test('a page hears that it is there before it is loaded, and posts messages to itself', async (t) => {
  const { lines, stderr } = await ran(t, `
    for (const type of ['load', 'DOMContentLoaded']) window.addEventListener(type, function (event) { console.log(event.type, this === window); });
    window.onmessage = ({ data }) => console.log('onmessage', String(data));
    window.addEventListener('message', ({ data, origin, source, target }) => {
      console.log('message', typeof data === 'object' ? JSON.stringify(data) : data, origin === location.origin, source === window, target === window);
    });
    chrome.app.runtime.onLaunched.addListener(() => {
      const object = { a: 1 };
      window.postMessage(object, '*');
      object.a = 2;
      const buffer = new ArrayBuffer(1);
      postMessage('moved', location.origin, [buffer]);
      postMessage('other', 'https://example.com');
      postMessage('own');
      postMessage('options', { targetOrigin: '/' });
      try { postMessage(() => {}, '*'); } catch ({ name }) { console.log(name, buffer.byteLength); }
    });`);
  const message = (data) => [`onmessage ${data}`, `message ${data} true true true`];
  assert.deepStrictEqual(lines, [
    'DOMContentLoaded true', 'load true', 'DataCloneError 0',
    'onmessage [object Object]', 'message {"a":1} true true true', ...['moved', 'own', 'options'].flatMap(message),
  ], stderr);
});

test('what no Chrome App has is a line on the console, and nothing', async (t) => {
  const { lines, stderr } = await ran(t, `
    console.log(alert('a'), confirm('b'), window.prompt('c'), localStorage ? 'some' : 'none');
    localStorage = { own: 1 };
    console.log(localStorage.own, window.localStorage.own);`);
  assert.deepStrictEqual(lines, ['undefined undefined undefined none', '1 1']);
  assert.deepStrictEqual(stderr.trimEnd().split('\n'), [
    ...['alert', 'confirm', 'prompt'].map((name) => `window.${name} is not available in packaged apps.`),
    'window.localStorage is not available in packaged apps. Use chrome.storage.local instead.',
  ]);
});

test('an app that ends in a callback still says which error it has not looked at', async (t) => {
  const { lines, stderr } = await ran(t, `
    chrome.sockets.tcp.getInfo(99, () => { console.log('answered'); window.close(); });
    chrome.sockets.tcp.getInfo(98, () => console.log('answered, too'));`);
  assert.deepStrictEqual({ lines, stderr }, { lines: ['answered'], stderr: 'Unchecked runtime.lastError: Socket not found\n' });
});

test('a page may have many listeners of one event', async (t) => {
  const { lines, stderr } = await ran(t, `
    let heard = 0;
    const targets = [window, new XMLHttpRequest(), new FileReader(), new EventTarget(), new AbortController().signal];
    for (const target of targets) {
      for (let n = 0; n < 20; n += 1) target.addEventListener('load', () => { heard += 1; });
      target.dispatchEvent(new Event('load'));
    }
    console.log(heard);`);
  assert.deepStrictEqual({ lines, stderr }, { lines: ['100'], stderr: '' });
});

test('a library that asks where it runs finds a browser', async (t) => {
  const { lines, stderr } = await ran(t, `
    // As compilers to JavaScript, digests and bundles ask.
    const isNode = typeof process === 'object' && typeof process.versions === 'object' && typeof process.versions.node === 'string';
    const read = isNode ? require('fs').readFileSync : fetch;
    (function (root, factory) {
      if (typeof define === 'function' && define.amd) define([], factory);
      else if (typeof module === 'object' && module.exports) module.exports = factory();
      else root.made = factory();
    })(typeof self !== 'undefined' ? self : this, () => 'by a global');
    console.log(made, window.made === made, top === window, parent === window, frames === window);
    // Node's own fetch does without.
    read('data:,fetched').then((response) => response.text()).then(console.log);`);
  assert.deepStrictEqual(lines, ['by a global true true true true', 'fetched'], stderr);
});

test('navigator says which Chrome has this engine', async (t) => {
  const { lines, stderr } = await ran(t, `
    const [, version] = navigator.userAgent.match(/Chrome\\/([0-9]+)/);
    console.log(version >= 113, /Chrome/.test(navigator.userAgent) && /Google Inc/.test(navigator.vendor));
    console.log(navigator.appVersion === navigator.userAgent.slice('Mozilla/'.length));`);
  assert.deepStrictEqual(lines, ['true true', 'true'], stderr);
});

test('a script may import modules that lie beside it', { skip: !vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER }, async (t) => {
  const { lines, stderr } = await ran(t, "import('./b.mjs').then(({ one }) => console.log(one));", {
    'b.mjs': "import { two } from './c.mjs'; export const one = typeof chrome.sockets + two;",
    'c.mjs': 'export const two = 2;',
  });
  assert.deepStrictEqual(lines, ['object2'], stderr);
});

test('a page may have names of its own for everything that is global', async (t) => {
  const files = manifestFile({ sockets: { udp: { bind: '*', send: '*' } }, permissions: ['alarms', 'socket', 'storage'] });
  const { lines, stderr } = await ran(t, `
    const [log, names, text] = [console.log.bind(console), Object.getOwnPropertyNames(window), JSON.stringify];
    const [blob, data, now] = [new Blob(['read']), new Uint8Array([1, 2, 3]), Date.now()];
    window.addEventListener('load', () => log('load'));
    const { onLaunched } = chrome.app.runtime;
    // WebAssembly is what Node's own fetch needs as soon as anybody looks at Response.
    const kept = ['chrome', 'window', 'self', 'globalThis', 'FileReader', 'WebAssembly'];
    for (const name of names) {
      if (['function', 'object'].includes(typeof window[name]) && !kept.includes(name)) {
        window[name] = function () { throw name; };
      }
    }
    const { sockets, storage, alarms, socket } = chrome;
    onLaunched.addListener(() => {
      storage.local.set({ a: [1] }, () => storage.local.get('a', (items) => log('stored', text(items))));
      const reader = new FileReader();
      reader.onload = ({ loaded }) => log(reader.result, loaded);
      reader.readAsText(blob);
      alarms.onAlarm.addListener(({ name }) => log('alarm', name));
      alarms.create('a', { when: now });
      sockets.tcp.getInfo(99, () => log('error', chrome.runtime.lastError.message));
      sockets.tcp.update(99, { name: 'a' });
      try { sockets.tcp.connect(); } catch (error) { log('wrong', error.name); }
      socket.getNetworkList((list) => log('list', list.length > 0));
      sockets.udp.create({ name: 'a' }, ({ socketId }) => {
        sockets.udp.bind(socketId, '127.0.0.1', 0, async () => {
          const info = await sockets.udp.getInfo(socketId);
          sockets.udp.onReceive.addListener((received) => {
            log(text([info.name, received.data.byteLength, received.remoteAddress]));
            sockets.udp.close(socketId);
          });
          sockets.udp.send(socketId, data, info.localAddress, info.localPort, ({ bytesSent }) => log('sent', bytesSent));
        });
      });
    });`, files);
  assert.deepStrictEqual(lines.sort(), [
    '["a",3,"127.0.0.1"]', 'alarm a', 'error Socket not found', 'list true', 'load', 'read 4', 'sent 3', 'stored {"a":[1]}', 'wrong TypeError',
  ], stderr);
  assert.match(stderr, /^Unchecked runtime.lastError: Socket not found$/m);
});

test('timers are numbers, of one list for both kinds', async (t) => {
  const { lines, stderr } = await ran(t, `
    const timer = setInterval(() => {}, 1e6);
    const other = setTimeout(() => console.log('never'), 0);
    console.log(typeof timer, Number.isInteger(timer), timer > 0, other > timer, structuredClone(timer) === timer);
    chrome.storage.local.set({ timer }, () => chrome.storage.local.get('timer', (items) => console.log(items.timer === timer)));
    // As programs clear what may be a timer.
    for (const none of [undefined, null, {}, 0, -1, NaN, '', 'a', 1e9]) clearTimeout(none);
    clearInterval(String(other));
    clearTimeout(timer + 0.5);
    setTimeout(function (a, b) { console.log(this === window, a, b); }, 0, 1, 2);
    setTimeout();
    setTimeout(undefined, 1);
    const turns = setInterval(() => { console.log('turn'); clearTimeout(turns); });`);
  assert.deepStrictEqual(lines.sort(), ['number true true true true', 'true', 'true 1 2', 'turn'].sort(), stderr);
  assert.strictEqual(stderr, '');
});

test('what a timer has done is forgotten', async (t) => {
  const { stdout, stderr } = await node('--expose-gc', ...appOf(t, `
    const made = () => Object.assign(() => {}, { data: new Uint8Array(9) });
    const seen = [];
    const keep = (handler) => { seen.push(new WeakRef(handler)); return handler; };
    setTimeout(keep(made()));
    clearTimeout(setTimeout(keep(made()), 1e6));
    clearInterval(setInterval(keep(made()), 1e6));
    setTimeout(() => { gc(); setTimeout(() => console.log(seen.filter((each) => each.deref()).length)); }, 5);`));
  assert.deepStrictEqual({ stdout, stderr }, { stdout: '0\n', stderr: '' });
});

test('Node\'s own fetch has its own timers', async (t) => {
  const address = await web(t, (request, response) => response.end('page'));
  // A page that shows no stack traces, too.
  const { lines, stderr } = await ran(t, `
    Error.stackTraceLimit = 0;
    const load = async () => (await fetch('${address}')).text();
    (async () => console.log(await load(), await load(), Error.stackTraceLimit))();`);
  assert.deepStrictEqual({ lines, stderr }, { lines: ['page page 0'], stderr: '' });
});

test('importScripts runs files of the app at once, in the page', async (t) => {
  const { lines, stderr } = await ran(t, `
    importScripts('./b.js', chrome.runtime.getURL('/c d.js?x#y'));
    console.log(typeof two, four);
    importScripts();
    window.addEventListener('load', () => { importScripts('b.js'); console.log(two); });
    for (const name of ['none.js', '../../none.js', 'https://example.com/a.js', 'data:,1', 'wrong.js', 'throws.js', 'http://']) {
      try { importScripts('e.js', name); } catch ({ name, message }) { console.log(name, message.replace(chrome.runtime.id, 'id')); }
    }`, {
    'b.js': 'var two = (window.two ?? 0) + 2;', 'c d.js': 'var { four } = { four: two + 2 };', 'e.js': 'two += 1;',
    'wrong.js': 'var in;', 'throws.js': "throw new Error('own');",
  });
  const failed = (url) => `NetworkError Failed to execute 'importScripts': The script at '${url}' failed to load.`;
  assert.deepStrictEqual(lines, [
    'number 4', failed('chrome-extension://id/none.js'), failed('chrome-extension://id/none.js'), failed('https://example.com/a.js'),
    failed('data:,1'), "SyntaxError Unexpected token 'in'", 'Error own', 'TypeError Invalid URL', '11',
  ], stderr);
  assert.strictEqual(stderr, '');
});

test('a program that names WebSocket is loaded, and told where there is one', async (t) => {
  const { lines, stderr } = await ran(t, `
    class Own extends WebSocket {}
    console.log(typeof Own, typeof window.WebSocket);
    try { new Own('own:'); } catch ({ message }) { console.log(message); }`);
  assert.deepStrictEqual(lines.slice(0, 1), ['function function'], stderr);
  const message = 'WebSocket is not available in this Node: Node 22 has it, or Node 20 with NODE_OPTIONS=--experimental-websocket';
  if (typeof WebSocket === 'undefined') assert.deepStrictEqual(lines.slice(1), [message]);
  else assert.notStrictEqual(lines[1], message);
});

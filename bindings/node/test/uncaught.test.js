// chrome-app-run: what an app throws and nothing catches, and consoles that do not work.
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { spawn } = require('node:child_process');
const { test } = require('node:test');
const { appOf, ran, soon } = require('./support');

test('a page survives whatever it throws', async (t) => {
  const { lines, code } = await ran(t, `
    const wrong = [undefined, null, 'text', 5n, Symbol('a'), {}, Object.create(null), () => {}, new Proxy({}, {})];
    const words = { get() { throw new Error('no words'); } };
    wrong.push(Object.defineProperties(Object.create(Error.prototype), { message: words, stack: words }));
    window.onerror = (message) => console.log(message);
    const next = () => { if (wrong.length > 0) { setTimeout(next); throw wrong.shift(); } };
    next();`);
  assert.strictEqual(code, 0);
  assert.deepStrictEqual(lines, [
    'Uncaught undefined', 'Uncaught null', 'Uncaught text', 'Uncaught 5', 'Uncaught Symbol(a)',
    'Uncaught [object Object]', 'Uncaught [object Object]', 'Uncaught () => {}', 'Uncaught [object Object]', 'Uncaught what cannot be shown',
  ]);
});

test('window hears of errors that nothing has caught, and may take care of them', async (t) => {
  const { lines, stderr } = await ran(t, `
    window.addEventListener('error', ({ message, error }) => {
      console.log('error', message, error.message);
      throw new Error('of the listener');
    });
    window.onerror = (message, file, line, column, error) => {
      console.log('onerror', message, error.message);
      return error.message === 'mine';
    };
    window.addEventListener('unhandledrejection', (event) => {
      console.log('rejection', event.reason, event.promise instanceof Promise);
      if (event.reason === 'mine') event.preventDefault();
    });
    setTimeout(() => { throw new Error('mine'); });
    setTimeout(() => { throw new TypeError('other'); });
    setTimeout(() => Promise.reject('mine'));
    setTimeout(() => Promise.reject('other'));
    // All of them are due at once.
    for (const now = Date.now(); Date.now() === now;);`);
  assert.deepStrictEqual(lines, [
    'error Uncaught Error: mine mine', 'onerror Uncaught Error: mine mine',
    'error Uncaught TypeError: other other', 'onerror Uncaught TypeError: other other',
    'rejection mine true', 'rejection other true',
  ], stderr);
  const uncaught = stderr.split('\n').filter((line) => line.startsWith('Uncaught'));
  const ofListener = 'Uncaught Error: of the listener';
  assert.deepStrictEqual(uncaught.sort(), ['Uncaught (in promise) other', ofListener, ofListener, 'Uncaught TypeError: other']);
});

test('a page whose handler of rejected promises is rejected itself is suspended by a signal', async (t) => {
  const child = spawn(process.execPath, appOf(t, `
    window.addEventListener('unhandledrejection', async () => { throw 'again'; });
    chrome.runtime.onSuspend.addListener(() => console.log('suspended'));
    chrome.sockets.tcp.create({}, () => console.log('created'));
    setInterval(() => {}, 1e6);
    Promise.reject('first');`), { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const ended = soon(once(child, 'close'), 'the end');
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
    if (output === 'created\n') child.kill('SIGTERM');
  });
  assert.deepStrictEqual(await ended, [0, null]);
  assert.strictEqual(output, 'created\nsuspended\n');
});

test('a page may have a console of its own, which need not work', async (t) => {
  const { code, lines, stderr } = await ran(t, `
    const log = console.log;
    for (const name in console) console[name] = () => { throw new ReferenceError(name); };
    chrome.sockets.tcp.getInfo(99, () => {});
    chrome.sockets.tcp.create({}, () => { log('created'); throw 'in a callback'; });
    setTimeout(() => { throw 'in a timer'; });
    Promise.reject('in a promise');
    chrome.app.runtime.onLaunched.addListener(() => { throw 'in a listener'; });`);
  assert.strictEqual(code, 0, stderr);
  assert.deepStrictEqual(lines, ['created']);
  assert.deepStrictEqual(stderr.trim().split('\n').sort(), [
    'Error in event handler for app.runtime.onLaunched: in a listener',
    'Error in response to sockets.tcp.create: in a callback',
    'Unchecked runtime.lastError: Socket not found',
    'Uncaught (in promise) in a promise',
    'Uncaught in a timer',
  ].sort());
});

test('a promise that is caught late is nothing that Node has a word on', async (t) => {
  const { lines, stderr } = await ran(t, `
    window.onunhandledrejection = (event) => { event.preventDefault(); promise.catch((reason) => console.log('caught', reason)); };
    const promise = Promise.reject('late');`);
  assert.deepStrictEqual(lines, ['caught late']);
  assert.strictEqual(stderr, '');
});

test('an app ends when nobody reads what it writes, whatever it has made of Reflect', async (t) => {
  const broken = "for (const name of Reflect.ownKeys(Reflect)) if (typeof Reflect[name] === 'function') Reflect[name] = () => { throw name; };";
  const rejected = "window.onunhandledrejection = () => { Promise.reject('again'); };";
  for (const script of [broken, rejected]) {
    const child = spawn(process.execPath, appOf(t, `${script} console.log('runs'); setInterval(() => Promise.reject('no'), 1);`));
    t.after(() => child.kill('SIGKILL'));
    child.stdout.once('data', () => ['stdout', 'stderr'].forEach((name) => child[name].destroy()));
    assert.deepStrictEqual(await soon(once(child, 'exit'), 'the end'), [1, null]);
  }
});

test('an app ends when nobody reads what it writes', async (t) => {
  const words = appOf(t, `
    window.onerror = (message) => console.log('error', message);
    setInterval(() => console.log('line'), 1);`);
  for (const outputs of [['stdout'], ['stdout', 'stderr']]) {
    const child = spawn(process.execPath, words);
    t.after(() => child.kill('SIGKILL'));
    child.stdout.once('data', () => outputs.forEach((name) => child[name].destroy()));
    assert.deepStrictEqual(await soon(once(child, 'exit'), 'the end'), [1, null]);
  }
});

// chrome-app-run: an app's background page from its manifest.
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const vm = require('node:vm');
const { test } = require('node:test');
const { RUN, appOf, folder, node, ran } = require('./support');

const SMALL = path.join(__dirname, 'apps', 'small');
const PAGE = path.join(__dirname, 'apps', 'page');

test('the background scripts share a page, are launched, keep what they store, and are suspended', async (t) => {
  const storage = path.join(folder(t), 'storage.json');
  for (const count of [0, 1]) {
    const { code, stdout, stderr } = await node(RUN, '--storage', storage, SMALL);
    const lines = stdout.trim().split('\n').sort();
    assert.strictEqual(code, 0, stderr);
    const change = count === 0 ? '{"count":{"newValue":1}}' : '{"count":{"oldValue":1,"newValue":2}}';
    const expected = [
      'Does not have permission',
      `changed local ${change}`,
      `count ${count}`,
      'launched command_line from the first script true',
      'suspended',
    ];
    assert.deepStrictEqual(lines, expected);
    assert.match(stderr, /^Uncaught Error: a page survives this/m);
    assert.match(stderr, /^Unchecked runtime\.lastError: chrome\.app\.window\.create is not available in chrome-app-run$/m);
  }
});

test('a script that throws stops no other; a page has the globals that networking code uses', async (t) => {
  const { code, stdout, stderr } = await node(RUN, '--storage', path.join(folder(t), 'storage.json'), PAGE);
  assert.strictEqual(code, 0, stderr);
  assert.deepStrictEqual(stdout.trim().split('\n').sort(), [
    'hé data:text/plain;base64,aMOp true 3',
    'onload,load,launched',
    'socket 1',
    'string boolean string string',
    'true',
    'true true',
  ]);
  assert.match(stderr, /^Error: the other script still runs$/m);
  assert.strictEqual(stderr.match(/Uncaught/g).length, 1, stderr);
});

test('what cannot be run says why', async (t) => {
  const empty = folder(t);
  const cases = [
    [[], /^chrome-app-run: Usage: chrome-app-run \[--storage FILE\] \[--cacert FILE\] DIR$/m],
    [['--unknown', empty], /^chrome-app-run: Unknown option '--unknown'/m],
    [[empty], /^chrome-app-run: cannot read .*manifest\.json: ENOENT/m],
  ];
  for (const [words, message] of cases) {
    const { code, stderr } = await node(RUN, ...words);
    assert.strictEqual(code, 1);
    assert.match(stderr, message);
  }
  const app = { background: { scripts: ['none.js'] } };
  const manifests = [
    ['{ "name": ', `${path.join(empty, 'manifest.json')}: ValueExpected at character 10`],
    [{ name: 'a' }, 'the manifest has neither app.background.scripts nor app.background.page'],
    [null, 'the manifest has neither app.background.scripts nor app.background.page'],
    [{ app: { background: { page: 'none.html' } } }, `cannot read ${path.join(empty, 'none.html')}: ENOENT: no such file or directory, open '${path.join(empty, 'none.html')}'`],
    [{ app: { background: { scripts: ['a.js', 5] } } }, "Invalid value for 'app.background.scripts[1]'."],
    [{ app, sockets: { tcp: { connect: ['*', 'a:b:c'] } } }, "sockets.tcp.connect[1]: Invalid host:port pattern 'a:b:c'"],
    [{ app, permissions: 'socket' }, "permissions: Invalid value for 'permissions'."],
    [{ app }, `cannot read ${path.join(empty, 'none.js')}: ENOENT: no such file or directory, open '${path.join(empty, 'none.js')}'`],
  ];
  for (const [manifest, message] of manifests) {
    fs.writeFileSync(path.join(empty, 'manifest.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
    // In words only: a stack trace of this package helps no user.
    const { code, stderr } = await node(RUN, '--storage', path.join(empty, 'storage.json'), empty);
    assert.deepStrictEqual({ code, stderr }, { code: 1, stderr: `chrome-app-run: ${message}\n` });
  }
  fs.writeFileSync(path.join(empty, 'storage.json'), '{');
  assert.match((await node(RUN, '--storage', path.join(empty, 'storage.json'), empty)).stderr, /^chrome-app-run: cannot read .*storage\.json: .*\n$/);
});

test('an app speaks the language of the user, else its own', async (t) => {
  const before = process.env.LC_ALL;
  process.env.LC_ALL = 'de_AT.UTF-8';
  t.after(() => {
    if (before === undefined) delete process.env.LC_ALL;
    else process.env.LC_ALL = before;
  });
  const made = folder(t);
  const put = (name, data) => {
    fs.mkdirSync(path.dirname(path.join(made, name)), { recursive: true });
    fs.writeFileSync(path.join(made, name), typeof data === 'string' ? data : JSON.stringify(data));
  };
  put('manifest.json', { name: '__MSG_Name__', description: 'of __MSG_none__', version: '1', default_locale: 'en', app: { background: { scripts: ['a.js'] } } });
  put('_locales/en/messages.json', {
    name: { message: 'Sockets', description: 'for translators' },
    port: { message: 'Port $PORT$ of $host$: $3, $$1, $other$', placeholders: { port: { content: '$1', example: '80' }, Host: { content: '$2!' } } },
    only: { message: 'English only' },
  });
  put('_locales/de/messages.json', '\ufeff{ "name": { "message": "Buchsen" }, "port": { "message": "Anschluss $1" } } // de');
  put('_locales/de_AT/messages.json', { name: { message: 'Steckdosen' } });
  put('a.js', `
    const { getMessage } = chrome.i18n;
    const { name, description } = chrome.runtime.getManifest();
    console.log([name, description, chrome.i18n.getUILanguage(), getMessage('@@ui_locale')].join('; '));
    console.log([getMessage('NAME'), getMessage('port', 80), getMessage('only'), getMessage('none'), getMessage(5)].join('; '));
    console.log(getMessage('port', [1, 2, 3]), getMessage('@@extension_id') === chrome.runtime.id, getMessage('only', '0123456789'.split('')));`);
  const run = async () => {
    const { stdout, stderr } = await node(RUN, '--storage', path.join(made, 'storage.json'), made);
    return stdout.trim().split('\n').concat(stderr || []);
  };
  assert.deepStrictEqual(await run(), [
    'Steckdosen; of __MSG_none__; de-AT; de_AT', 'Steckdosen; Anschluss 80; English only; ; ', 'Anschluss 1 true undefined',
  ]);
  fs.rmSync(path.join(made, '_locales/de'), { recursive: true });
  assert.strictEqual((await run())[2], 'Port 1 of 2!: 3, $1, $other$ true undefined');
  put('_locales/en/messages.json', { port: { text: 'a' } });
  const file = path.join(made, '_locales/en/messages.json');
  assert.deepStrictEqual(await run(), ['', `chrome-app-run: ${file}: There is no "message" element for key port.\n`]);
});

test('a background page of the app\'s own runs the scripts that it names', async (t) => {
  const manifest = (page) => JSON.stringify({ name: 'a', version: '1', app: { background: { page } } });
  const html = `<!doctype html><html><!-- <script src="never.js"></script> --><scripts src="never.js"></scripts>
    <SCRIPT type="text/javascript" data-src="never.js" src = '/a.js?v=2'></SCRIPT>
    <script> </script><script type="text/template"><p></script><script type=application/json>{}</script>
    <script src=b%20c.js></script><body></body></html>`;
  const files = { 'manifest.json': manifest('own.html'), 'own.html': html, 'b c.js': 'console.log(here, location.pathname);' };
  const { lines, stderr } = await ran(t, 'var here = location.href === chrome.runtime.getURL("own.html");', files);
  assert.deepStrictEqual({ lines, stderr }, { lines: ['true /own.html'], stderr: '' });
  for (const inline of ["<script>console.log('no')</script>", "<script type='module'>\nconsole.log('no')"]) {
    const ended = await ran(t, 'var here = true;', { ...files, 'own.html': html + inline });
    assert.deepStrictEqual(ended.lines, lines, ended.stderr);
    assert.strictEqual(ended.stderr, 'Refused to execute an inline script of own.html: the Content Security Policy of apps forbids it\n');
  }
  const refused = {
    'https://example.com/a.js': 'own.html: https://example.com/a.js is not in the app',
    'http://app/a.js': 'own.html: http://app/a.js is not in the app',
    'http://': 'own.html: http://: Invalid URL',
    '100%.js': 'own.html: 100%.js: URI malformed',
    'a.js" type="module': 'own.html: a.js is a module; they are not available in chrome-app-run',
  };
  for (const [source, message] of Object.entries(refused)) {
    const ended = await ran(t, '', { ...files, 'own.html': `<script src="${source}"></script>` });
    assert.deepStrictEqual([ended.code, ended.stderr], [1, `chrome-app-run: ${message}\n`]);
  }
});

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

test('alarms ring, once or again and again; the app lives for those that somebody waits for', async (t) => {
  const { lines, code, stderr } = await ran(t, `
    const { alarms } = chrome;
    const far = { delayInMinutes: 60 * 24 * 100 };
    const error = () => console.log(chrome.runtime.lastError.message);
    let first;
    const rung = async (alarm) => {
      console.log(alarm.name, Object.keys(alarm).join(), alarm.scheduledTime <= Date.now());
      if (alarm.name === '') {
        console.log((await alarms.get('replaced')).scheduledTime > Date.now(), await alarms.clearAll(), await alarms.clearAll());
        alarms.create('far', far);
        alarms.create('again', { periodInMinutes: 0.0005 });
      } else if (!first) {
        first = alarm;
      } else {
        console.log(alarm.scheduledTime > first.scheduledTime, await alarms.clear('again'), await alarms.clear('again'));
        console.log((await alarms.getAll()).map(({ name }) => name).join());
        alarms.onAlarm.removeListener(rung);
      }
    };
    alarms.onAlarm.addListener(rung);
    alarms.create('replaced', { when: 0 });
    alarms.create('replaced', far);
    alarms.create({ when: Date.now() - 1 });
    alarms.create('never', {}, error);
    alarms.create('never', { when: 1, delayInMinutes: 1 }, error);
    alarms.get('never', (...given) => console.log(given.length));`);
  const again = 'again name,scheduledTime,periodInMinutes true';
  const expected = [
    'Must set at least one of when, delayInMinutes, or periodInMinutes.', 'Cannot set both when and delayInMinutes.', '0',
    ' name,scheduledTime true', 'true true false', again, again, 'true true false', 'far',
  ];
  assert.deepStrictEqual({ code, lines: lines.sort() }, { code: 0, lines: expected.sort() }, stderr);
});

test('an app knows its network, its page and its power', async (t) => {
  const { lines, stderr } = await ran(t, `
    chrome.power.requestKeepAwake(chrome.power.Level.SYSTEM);
    chrome.power.releaseKeepAwake();
    chrome.runtime.getBackgroundPage((page) => console.log(page === window));
    chrome.runtime.requestUpdateCheck((status) => console.log(status));
    for (const name of ['onUpdateAvailable', 'onRestartRequired', 'onBrowserUpdateAvailable']) chrome.runtime[name].addListener(() => {});
    chrome.runtime.getPlatformInfo(({ os, arch, nacl_arch }) => console.log(os, arch, nacl_arch));
    const { getNetworkInterfaces } = chrome.system.network;
    getNetworkInterfaces((those) => {
      chrome.socket.getNetworkList((same) => console.log(JSON.stringify(those) === JSON.stringify(same)));
    });
    try { getNetworkInterfaces('all'); } catch ({ message }) { console.log(message); }`);
  const wrong = 'Error in invocation of system.network.getNetworkInterfaces(function callback): No matching signature.';
  const system = process.platform === 'darwin' ? 'mac' : 'linux';
  const arch = { x64: 'x86-64 x86-64', ia32: 'x86-32 x86-32', arm64: 'arm64 arm' }[process.arch] ?? `${process.arch} ${process.arch}`;
  assert.deepStrictEqual(lines.sort(), [wrong, `${system} ${arch}`, 'no_update', 'true', 'true'].sort(), stderr);
});

test('storage areas know nothing of each other, tell their changes, and are kept', async (t) => {
  const words = appOf(t, `
    chrome.storage.onChanged.addListener((changes, area) => console.log(area, JSON.stringify(changes)));
    for (const area of ['local', 'sync']) {
      const { get, set, onChanged, QUOTA_BYTES } = chrome.storage[area];
      onChanged.addListener((changes) => console.log('own', area, JSON.stringify(changes), QUOTA_BYTES));
      get({ from: 'nobody' }, ({ from }) => {
        console.log(area, from);
        set({ from: area });
      });
    }
    chrome.runtime.onInstalled.addListener(() => console.log('installed'));`);
  const first = ['own local {"from":{"newValue":"local"}} 10485760', 'local {"from":{"newValue":"local"}}',
    'own sync {"from":{"newValue":"sync"}} 102400', 'sync {"from":{"newValue":"sync"}}', 'local nobody', 'sync nobody', 'installed'];
  for (const expected of [first, ['local local', 'sync sync']]) {
    const { stdout, stderr } = await node(...words);
    assert.deepStrictEqual(stdout.trim().split('\n').sort(), expected.sort(), stderr);
  }
  // One of them is enough.
  fs.rmSync(words[2]);
  assert.doesNotMatch((await node(...words)).stdout, /installed/);
});

test('an app that wants a window goes on without one', async (t) => {
  const { lines, stderr } = await ran(t, `
    const windows = chrome.app.window;
    chrome.app.runtime.onLaunched.addListener(async () => {
      windows.create('window.html', { id: 'main' }, (...given) => console.log('callback', given.length, chrome.runtime.lastError.message));
      windows.create('window.html').catch(({ message }) => console.log('promise', message));
      try { windows.create(); } catch ({ message }) { console.log(message); }
      for (const name of ['onBoundsChanged', 'onClosed', 'onFullscreened', 'onMaximized', 'onMinimized', 'onRestored']) {
        windows[name].addListener(() => {});
      }
      console.log(windows.current(), windows.get('main'), windows.getAll().length, windows.canSetVisibleOnAllWorkspaces());
      chrome.sockets.tcp.create({}, () => console.log('serves'));
    });`);
  const missing = 'chrome.app.window.create is not available in chrome-app-run';
  assert.deepStrictEqual(lines.sort(), [
    'Error in invocation of app.window.create(string url, optional object options, function callback): No matching signature.',
    `callback 0 ${missing}`, 'null null 0 false', `promise ${missing}`, 'serves',
  ].sort(), stderr);
  assert.strictEqual(stderr, 'chrome-app-run runs the background page only: there are no windows\n');
});

test('chrome.storage.managed has nothing, and cannot be written', async (t) => {
  const { lines, stderr } = await ran(t, `
    const { managed } = chrome.storage;
    managed.onChanged.addListener(() => {});
    (async () => {
      console.log(JSON.stringify([await managed.get(), await managed.get('a'), await managed.get({ a: 1 }), await managed.getBytesInUse()]));
      for (const write of [() => managed.set({ a: 1 }), () => managed.remove('a'), () => managed.clear()]) {
        await write().catch(({ message }) => console.log(message));
      }
    })();`);
  const refusal = 'This is a read-only store.';
  assert.deepStrictEqual(lines, ['[{},{},{"a":1},0]', refusal, refusal, refusal], stderr);
});

test('what is not here says its name when it is called, and can be looked at', async (t) => {
  const manifest = {
    name: 'a', version: '1', app: { background: { scripts: ['a.js'] } }, bluetooth: { socket: true },
    permissions: ['experimental', 'notifications', 'storage', 'usb', 'system.cpu', { fileSystem: ['write'] }],
  };
  const { lines, stderr } = await ran(t, `
    const use = {
      method: () => chrome.runtime.reload(),
      away: () => { const { restart } = chrome.runtime; restart(); },
      namespace: () => chrome.notifications.create('a', {}),
      deep: () => chrome.system.cpu.getInfo(() => {}),
    };
    for (const [how, f] of Object.entries(use)) {
      try { f(); } catch ({ name, message }) { console.log(how, name, message); }
    }
    console.log(!!chrome.usb.getDevices, !!chrome.runtime.reload, 'usb' in chrome, Object.keys(chrome.runtime).includes('id'));
    for (let n = 0; n < 2; n += 1) {
      chrome.usb.onDeviceAdded.addListener(console.log);
      console.log(chrome.usb.onDeviceAdded.hasListeners());
      chrome.usb.onDeviceAdded.removeListener(console.log);
    }
    // As in Chrome, an API that the manifest does not ask for is not there: programs take another way then.
    const { serial, mdns, fileSystem, bluetoothSocket, system, constructor } = chrome;
    console.log(serial, mdns, !!fileSystem, !!bluetoothSocket, system.memory, constructor === Object);
    console.log(chrome.experimental, Object.values(chrome).every(Boolean));
    // A page may put things of its own in their place, as a test of it does.
    chrome.runtime.onSuspend = { addListener() {} };
    chrome.app = {};
    delete chrome.storage;
    chrome.usb = { mine: true };
    console.log(chrome.storage, chrome.usb.mine, delete chrome.usb);
  `, { 'manifest.json': JSON.stringify(manifest) });
  assert.deepStrictEqual(lines, [
    'method Error chrome.runtime.reload is not available in chrome-app-run',
    'away Error chrome.runtime.restart is not available in chrome-app-run',
    'namespace Error chrome.notifications.create is not available in chrome-app-run',
    'deep Error chrome.system.cpu.getInfo is not available in chrome-app-run',
    'true true true true',
    'true', 'true',
    'undefined undefined true true undefined true',
    'undefined true',
    'undefined true true',
  ], stderr);
  assert.strictEqual(stderr, 'chrome.usb.onDeviceAdded is not available in chrome-app-run\n');
});

test('what Chrome does not have either is undefined; a page may keep what it likes in the API\'s objects', async (t) => {
  const { lines, stderr } = await ran(t, `
    const objects = { chrome, app: chrome.app, runtime: chrome.runtime, storage: chrome.storage, local: chrome.storage.local,
      window: chrome.app.window, alarms: chrome.alarms, i18n: chrome.i18n, system: chrome.system, power: chrome.power };
    for (const [name, object] of Object.entries(objects)) {
      if (object.retries !== undefined || 'retries' in object) console.log(name, object.retries);
      object.retries = 3;
      if (object.retries !== 3 || !Object.keys(object).includes('retries')) console.log(name, object.retries);
    }
    // None of these begins with the key app, or with a permission.
    console.log(chrome.apple, chrome.appviewTag, chrome.app.getDetails, chrome.extension, chrome.types, chrome.storage.session);
    console.log('window' in chrome.app, !!chrome.app.window, chrome.app.window.getAll ? chrome.app.window.getAll().length : 'none');
    console.log(JSON.stringify(Object.keys(JSON.parse(JSON.stringify(chrome.app)))), String(chrome.app));`);
  assert.deepStrictEqual(lines, [
    'undefined undefined undefined undefined undefined undefined', 'true true 0', '["runtime","window","retries"] [object Object]',
  ], stderr);
});

test('tcp.md PM-5: an app that asks for one of the two socket APIs does not find the other', async (t) => {
  const app = { background: { scripts: ['a.js'] } };
  const cases = [
    [{ sockets: { tcp: { connect: '*' } } }, 'sockets'],
    [{ permissions: ['socket'] }, 'socket'],
    [{ permissions: ['storage', { socket: ['tcp-connect'] }] }, 'socket'],
    [{ sockets: {}, permissions: [{ socket: ['tcp-connect'] }] }, 'socket sockets'],
    // The console then says what each call lacks.
    [{}, 'socket sockets'],
  ];
  for (const [manifest, found] of cases) {
    const files = { 'manifest.json': JSON.stringify({ name: 'a', version: '1', app, ...manifest }) };
    const { lines, stderr } = await ran(t, `
      const names = ['socket', 'sockets'];
      const ways = [(name) => chrome[name], (name) => name in chrome, (name) => Object.keys(chrome).includes(name)];
      for (const way of ways) console.log(...names.filter(way));
      // What libraries do that are written for both.
      for (const name of names) chrome[name] ??= { isMine: true };
      console.log(...names.filter((name) => !chrome[name].isMine));`, files);
    assert.deepStrictEqual({ lines, stderr }, { lines: Array(4).fill(found), stderr: '' });
  }
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
  const app = { background: { scripts: ['a.js'] } };
  const manifest = { app, sockets: { udp: { bind: '*', send: '*' } }, permissions: ['socket'] };
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
    });`, { 'manifest.json': JSON.stringify(manifest) });
  assert.deepStrictEqual(lines.sort(), [
    '["a",3,"127.0.0.1"]', 'alarm a', 'error Socket not found', 'list true', 'load', 'read 4', 'sent 3', 'stored {"a":[1]}', 'wrong TypeError',
  ], stderr);
  assert.match(stderr, /^Unchecked runtime.lastError: Socket not found$/m);
});

test('timers have a page\'s manners, and those that Node itself needs', async (t) => {
  const { lines, stderr } = await ran(t, `
    setTimeout(function (a, b) { console.log(this === window, a, b); }, 0, 1, 2);
    const timer = setInterval(() => {}, 1e6);
    console.log(JSON.stringify({ timer }) === '{"timer":' + timer + '}', timer > 0);
    clearInterval(Number(timer));
    setTimeout();
    setTimeout(undefined, 1);
    setInterval(() => {}, 1e6).unref();`);
  assert.deepStrictEqual(lines, ['true true', 'true 1 2'], stderr);
  assert.strictEqual(stderr, '');
});

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

const FILES = { 'index.html': '<p>h\u00e9', 'data.bin': Buffer.from([0, 255, 128]), 'a b.json': '{"a":1}' };

test('fetch and XMLHttpRequest know the files of the app', async (t) => {
  const { lines, stderr } = await ran(t, `
    const show = async (name, what) => console.log(name, await what.catch(({ name, message }) => name + ' ' + message));
    const load = (url, type = '', method = 'GET') => new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.responseType = type;
      request.onload = function () { resolve([this.status, request.getResponseHeader('Content-Type'), request.response]); };
      request.onerror = ({ type, target }) => reject(new Error(type + target.status + target.readyState));
      request.send();
    });
    (async () => {
      await show('fetch', fetch('/index.html').then(async (r) => [r.status, r.headers.get('content-type'), await r.text()].join()));
      await show('own', fetch(chrome.runtime.getURL('a b.json')).then((r) => r.json()).then(({ a }) => a));
      await show('outside', fetch('../../../../etc/passwd'));
      await show('other', fetch('chrome-extension://' + 'a'.repeat(32) + '/index.html'));
      await show('text', load('index.html').then(String));
      await show('binary', load('data.bin?x#y', 'arraybuffer').then(([, , data]) => new Uint8Array(data).join()));
      await show('json', load(chrome.runtime.getURL('/a b.json'), 'json').then(([, , { a }]) => a));
      await show('none', load('none'));
    })();`, FILES);
  assert.deepStrictEqual(lines, [
    'fetch 200,text/html,<p>h\u00e9',
    'own 1',
    'outside TypeError Failed to fetch',
    'other TypeError fetch failed',
    'text 200,text/html,<p>h\u00e9',
    'binary 0,255,128',
    'json 1',
    'none Error error04',
  ], stderr);
});

test('XMLHttpRequest: states, headers, bodies, time-outs and ends', async (t) => {
  const address = await web(t, async (request, response) => {
    const body = [];
    for await (const part of request) body.push(part);
    if (request.url === '/never') return;
    response.writeHead(request.url === '/' ? 201 : 404, { 'X-Own': request.headers['x-own'] ?? 'none', 'Content-Type': 'text/plain; charset="latin1"' });
    response.end(Buffer.concat([Buffer.from(request.method), Buffer.concat(body), Buffer.from([0xe9])]));
  });
  const { lines, stderr } = await ran(t, `
    const KINDS = ['readystatechange', 'loadstart', 'progress', 'load', 'error', 'abort', 'timeout', 'loadend'];
    const run = (name, path, prepare = () => {}, body = undefined) => new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const seen = [];
      for (const kind of KINDS) {
        request.addEventListener(kind, () => seen.push(kind === 'readystatechange' ? request.readyState : kind));
      }
      request.open(body === undefined ? 'get' : 'POST', path);
      request.addEventListener('loadend', () => {
        console.log(name, seen.join(), request.status, request.getResponseHeader('x-own'), request.responseText);
        resolve();
      });
      prepare(request);
      request.send(body);
      if (name === 'abort') request.abort();
    });
    const address = ${JSON.stringify(address)};
    (async () => {
      await run('get', address);
      await run('post', address, (request) => request.setRequestHeader('X-Own', 'mine'), new Uint8Array([65, 66]).buffer);
      await run('missing', address + 'none');
      await run('mime', address, (request) => request.overrideMimeType('text/plain; charset=iso-8859-2'));
      await run('timeout', address + 'never', (request) => { request.timeout = 1; });
      await run('abort', address + 'never');
      await run('refused', 'http://127.0.0.1:1/');
      for (const wrong of [(r) => r.send(), (r) => r.setRequestHeader('a', 'b'), (r) => r.open('GET', '/', false)]) {
        try { wrong(new XMLHttpRequest()); } catch ({ name }) { console.log(name); }
      }
      console.log('withCredentials' in new XMLHttpRequest(), 'onload' in new XMLHttpRequest(), XMLHttpRequest.DONE, new XMLHttpRequest().OPENED);
    })();`);
  assert.deepStrictEqual(lines, [
    'get 1,loadstart,2,3,progress,4,load,loadend 201 none GET\u00e9',
    'post 1,loadstart,2,3,progress,4,load,loadend 201 mine POSTAB\u00e9',
    'missing 1,loadstart,2,3,progress,4,load,loadend 404 none GET\u00e9',
    'mime 1,loadstart,2,3,progress,4,load,loadend 201 none GET\u00e9',
    'timeout 1,loadstart,4,timeout,loadend 0 null ',
    'abort 1,loadstart,4,abort,loadend 0 null ',
    'refused 1,loadstart,4,error,loadend 0 null ',
    'InvalidStateError', 'InvalidStateError', 'InvalidAccessError',
    'true true 4 1',
  ], stderr);
});

test('an unpacked app is known by its folder, or its key; it is installed while nothing is stored', async (t) => {
  const home = folder(t);
  const apps = [folder(t), folder(t)];
  const before = process.env.XDG_DATA_HOME;
  process.env.XDG_DATA_HOME = home;
  t.after(() => {
    if (before === undefined) delete process.env.XDG_DATA_HOME;
    else process.env.XDG_DATA_HOME = before;
  });
  const run = async (made, more) => {
    const manifest = { name: 'a', version: '1', app: { background: { scripts: ['a.js'] } }, ...more };
    fs.writeFileSync(path.join(made, 'manifest.json'), JSON.stringify(manifest));
    fs.writeFileSync(path.join(made, 'a.js'), `
      chrome.runtime.onInstalled.addListener(({ reason }) => console.log(reason));
      chrome.app.runtime.onLaunched.addListener(async () => {
        const { count = 0 } = await chrome.storage.local.get('count');
        console.log(count, chrome.runtime.id, chrome.runtime.getURL('a'), location.host);
        await chrome.storage.local.set({ count: count + 1 });
      });`);
    const { stdout } = await node(RUN, made);
    return stdout.replaceAll(/[a-p]{32}/g, (id) => (ids.has(id) ? ids : ids.set(id, ids.size)).get(id)).trim().split('\n');
  };
  const ids = new Map();
  const line = (count, id) => `${count} ${id} chrome-extension://${id}/a ${id}`;
  assert.deepStrictEqual(await run(apps[0]), ['install', line(0, 0)]);
  assert.deepStrictEqual(await run(apps[0], { version: '2' }), [line(1, 0)]);
  assert.deepStrictEqual(await run(apps[1]), ['install', line(0, 1)]);
  assert.deepStrictEqual(await run(apps[0], { key: 'AAAA' }), ['install', line(0, 2)]);
  assert.deepStrictEqual(await run(apps[1], { key: 'AAAA' }), [line(1, 2)]);
});

test('FileReader: one Blob at a time, which may be aborted; the encoding that a text says of itself', async (t) => {
  const { lines, stderr } = await ran(t, `
    const text = (...bytes) => new Blob([new Uint8Array(bytes)]);
    const read = (reader, blob, ...more) => new Promise((resolve) => {
      const order = [];
      for (const kind of ['loadstart', 'progress', 'load', 'abort', 'error', 'loadend']) {
        if (reader['on' + kind] !== null) console.log('no', kind);
        reader['on' + kind] = ({ type, loaded, total, target }) => order.push(type + loaded + total + target.readyState);
      }
      reader.addEventListener('loadend', () => resolve(console.log(order.join(), JSON.stringify(reader.result), reader.DONE)), { once: true });
      reader.readAsText(blob, ...more);
    });
    (async () => {
      await read(new FileReader(), text(0xff, 0xfe, 65, 0));
      await read(new FileReader(), text(0xfe, 0xff, 0, 65), 'utf-8');
      await read(new FileReader(), text(0xef, 0xbb, 0xbf, 65), 'latin1');
      const reader = new FileReader();
      const aborted = read(reader, text(65));
      try { reader.readAsText(text(66)); } catch ({ name, message }) { console.log(name, message); }
      reader.abort();
      await aborted;
      reader.abort();
      // The second one begins within the first one's load, which then has no loadend.
      reader.onload = () => { reader.onload = () => console.log(reader.result); reader.readAsText(text(68)); };
      reader.onloadend = ({ type }) => console.log(type);
      reader.readAsText(text(67));
    })();`);
  assert.deepStrictEqual(lines, [
    'loadstart001,progress441,load442,loadend442 "A" 2', 'loadstart001,progress441,load442,loadend442 "A" 2',
    'loadstart001,progress441,load442,loadend442 "A" 2', 'InvalidStateError The object is already busy reading Blobs.',
    'loadstart001,abort002,loadend002 null 2', 'D', 'loadend',
  ], stderr);
});

test('FileReader: what is no Blob throws at once, an unknown encoding is UTF-8', async (t) => {
  const { lines, stderr } = await ran(t, `
    for (const wrong of [undefined, 'text', new ArrayBuffer(1)]) {
      try { new FileReader().readAsText(wrong); } catch ({ name }) { console.log(name); }
    }
    const reader = new FileReader();
    const order = [];
    for (const kind of ['loadstart', 'load', 'loadend']) reader['on' + kind] = ({ type }) => order.push(type + reader.readyState);
    reader.addEventListener('loadend', () => console.log(order.join(), reader.result));
    reader.readAsText(new Blob(['h\u00e9']), 'nonsense');`);
  assert.deepStrictEqual(lines, ['TypeError', 'TypeError', 'TypeError', 'loadstart1,load2,loadend2 h\u00e9'], stderr);
});

test('windows-1252 and x-user-defined are what the Encoding Standard says', async (t) => {
  const { lines, stderr } = await ran(t, `
    const bytes = Uint8Array.from({ length: 256 }, (none, n) => n);
    const codes = (text) => [...text].map((one) => one.codePointAt(0).toString(16)).join(' ');
    const high = bytes.subarray(0x80, 0xa1);
    for (const label of ['windows-1252', ' Latin1', 'iso-8859-1', 'ascii', 'us-ascii', 'x-user-defined', 'UTF8', 'koi8-r']) {
      const decoder = new TextDecoder(label, { fatal: true });
      console.log(decoder.encoding, decoder instanceof TextDecoder, decoder.fatal, label === 'UTF8' ? '' : codes(decoder.decode(high)));
    }
    const latin = new TextDecoder('latin1');
    console.log(latin.decode(bytes).length, latin.decode(new DataView(bytes.buffer, 0x80, 1)), latin.decode(bytes.buffer.slice(0x80, 0x81)), latin.decode() === '');
    const wrong = { label: () => new TextDecoder('nonsense'), data: () => latin.decode('text'), bytes: () => new TextDecoder('utf-8', { fatal: true }).decode(high) };
    for (const [name, f] of Object.entries(wrong)) {
      try { f(); } catch (error) { console.log(name, error.name); }
    }
    const reader = new FileReader();
    reader.onload = () => console.log('file', codes(reader.result));
    reader.readAsText(new Blob([high.subarray(0, 3)]), 'x-user-defined');
    const request = new XMLHttpRequest();
    request.open('GET', 'data.bin');
    request.overrideMimeType('text/plain; charset=x-user-defined');
    request.onload = () => console.log('request', [...request.responseText].map((one) => one.charCodeAt(0) & 0xff).join());
    request.send();`, FILES);
  const windows = '20ac 81 201a 192 201e 2026 2020 2021 2c6 2030 160 2039 152 8d 17d 8f '
    + '90 2018 2019 201c 201d 2022 2013 2014 2dc 2122 161 203a 153 9d 17e 178 a0';
  const own = Array.from({ length: 33 }, (none, n) => (0xf780 + n).toString(16)).join(' ');
  assert.deepStrictEqual(lines.slice(0, 6), [...Array(5).fill(`windows-1252 true true ${windows}`), `x-user-defined true true ${own}`], stderr);
  assert.deepStrictEqual(lines.slice(6, 8).map((line) => line.slice(0, 20)), ['utf-8 true true ', 'koi8-r true true 250']);
  assert.deepStrictEqual(lines.slice(8).sort(), [
    '256 \u20ac \u20ac true', 'bytes TypeError', 'data TypeError', 'file f780 f781 f782', 'label RangeError', 'request 0,255,128',
  ].sort());
});

test('a message finds nobody, as in an app without windows', async (t) => {
  const { lines, stderr } = await ran(t, `
    chrome.runtime.sendMessage({ a: 1 });
    chrome.runtime.sendMessage('checked', (...given) => console.log(given.length, chrome.runtime.lastError.message));
    chrome.runtime.sendMessage('caught').catch(({ message }) => console.log(message));`);
  const nobody = 'Could not establish connection. Receiving end does not exist.';
  assert.deepStrictEqual(lines, [`0 ${nobody}`, nobody]);
  assert.strictEqual(stderr, `Unchecked runtime.lastError: ${nobody}\n`);
});

test('a failure that nobody looks at is a warning, and no rejection that the page hears of', async (t) => {
  const { lines, stderr } = await ran(t, `
    window.onunhandledrejection = ({ reason }) => console.log('unhandled', reason.message);
    const { alarms, storage } = chrome;
    storage.sync.set({ a: 'a'.repeat(10000) });
    storage.sync.set({ a: 'a'.repeat(10000) }, () => {});
    alarms.create('a', {});
    alarms.create('a', {}).catch(({ message }) => console.log('caught', message));
    (async () => {
      try { await storage.sync.set({ a: 'a'.repeat(10000) }); } catch ({ message }) { console.log('caught', message); }
      // What becomes of the promise that it is made into is the page's own concern.
      storage.sync.set({ a: 'a'.repeat(10000) }).then(() => {});
    })();`);
  const [quota, missing] = ['QUOTA_BYTES_PER_ITEM quota exceeded', 'Must set at least one of when, delayInMinutes, or periodInMinutes.'];
  assert.deepStrictEqual(lines, [`caught ${missing}`, `caught ${quota}`, `unhandled ${quota}`], stderr);
  const warnings = stderr.split('\n').filter((line) => line.startsWith('Unchecked'));
  assert.deepStrictEqual(warnings.sort(), [missing, quota, quota].map((message) => `Unchecked runtime.lastError: ${message}`).sort());
});

test('a port finds nobody, and says so when it is disconnected', async (t) => {
  const { lines, stderr } = await ran(t, `
    const { connect } = chrome.runtime;
    const port = connect({ name: 'a' });
    console.log(port.name, port.sender, connect().name === '', connect('a'.repeat(32), { name: 'b' }).name);
    port.onMessage.addListener(() => {});
    port.postMessage(1);
    port.onDisconnect.addListener((same) => {
      console.log(same === port, chrome.runtime.lastError.message);
      try { port.postMessage(2); } catch ({ message }) { console.log(message); }
      port.disconnect();
    });
    const closed = connect();
    closed.onDisconnect.addListener(() => console.log('never'));
    closed.disconnect();
    try { closed.postMessage(1); } catch ({ message }) { console.log('closed:', message); }
    try { connect(5); } catch ({ message }) { console.log(message); }`);
  const [nobody, gone] = ['Could not establish connection. Receiving end does not exist.', 'Attempting to use a disconnected port object'];
  assert.deepStrictEqual(lines, [
    'a undefined true b', `closed: ${gone}`,
    'Error in invocation of runtime.connect(optional string extensionId, optional object connectInfo): No matching signature.',
    `true ${nobody}`, gone,
  ], stderr);
  assert.strictEqual(stderr, `Unchecked runtime.lastError: ${nobody}\n`.repeat(2));
});

test('chrome.runtime has its enums', async (t) => {
  const { lines, stderr } = await ran(t, `
    const { OnInstalledReason, OnRestartRequiredReason, PlatformArch, PlatformNaclArch, PlatformOs, RequestUpdateCheckStatus } = chrome.runtime;
    console.log(OnInstalledReason.INSTALL, OnRestartRequiredReason.OS_UPDATE, PlatformArch.X86_64, PlatformNaclArch.ARM, PlatformOs.LINUX, RequestUpdateCheckStatus.NO_UPDATE);`);
  assert.deepStrictEqual(lines, ['install os_update x86-64 arm linux no_update'], stderr);
});

test('chrome.permissions: what the manifest asks for, and no more', async (t) => {
  const manifest = {
    name: 'a', version: '1', app: { background: { scripts: ['a.js'] } },
    permissions: ['storage', 'http://*.example.com/', 'https://a.b/*', { socket: ['tcp-connect'] }], optional_permissions: ['usb', '*://*/*'],
  };
  const { lines, stderr } = await ran(t, `
    const { permissions } = chrome;
    permissions.onAdded.addListener(() => {});
    permissions.onRemoved.addListener(() => {});
    const show = (name, answer) => answer.then((value) => console.log(name, JSON.stringify(value)), ({ message }) => console.log(name, message));
    (async () => {
      await show('all', permissions.getAll());
      const has = { permissions: ['storage', 'socket'], origins: ['http://example.com/', 'http://*.a.example.com/b', 'https://a.b/'] };
      await show('has', permissions.contains(has));
      await show('none', permissions.contains({}));
      for (const lacks of ['http://badexample.com/', 'https://example.com/', 'https://*.a.b/', 'http://*/', '<all_urls>', 'nonsense']) {
        await show(lacks, permissions.contains({ origins: [lacks] }));
      }
      await show('optional', permissions.contains({ permissions: ['usb'] }));
      await show('request', permissions.request(has));
      await show('request', permissions.request({ permissions: ['usb'], origins: ['http://other.com/'] }));
      await show('request', permissions.request({ permissions: ['serial'] }));
      await show('remove', permissions.remove({ permissions: ['usb', 'storage'] }));
      await show('remove', permissions.remove({ permissions: ['usb'] }));
      permissions.contains({ permissions: ['storage'] }, (result) => console.log('callback', result));
    })();`, { 'manifest.json': JSON.stringify(manifest) });
  assert.deepStrictEqual(lines, [
    'all {"permissions":["storage","socket"],"origins":["http://*.example.com/","https://a.b/*"]}', 'has true', 'none true',
    'http://badexample.com/ false', 'https://example.com/ false', 'https://*.a.b/ false', 'http://*/ false', '<all_urls> false', 'nonsense false',
    'optional false', 'request true', 'request false', 'request Only permissions specified in the manifest may be requested.',
    'remove You cannot remove required permissions.', 'remove true', 'callback true',
  ], stderr);
});

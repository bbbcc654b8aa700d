// chrome-app-run: an app's background page from its manifest.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { node } = require('./support');

const RUN = path.join(__dirname, '..', 'bin', 'chrome-app-run.js');
const SMALL = path.join(__dirname, 'apps', 'small');
const PAGE = path.join(__dirname, 'apps', 'page');

function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'chrome-app-run-'));
  t.after(() => fs.rmSync(made, { recursive: true }));
  return made;
}

/** Runs an app of one background script; `more` of its manifest. */
async function ran(t, script, more) {
  const made = folder(t);
  const manifest = { name: 'a', version: '1', app: { background: { scripts: ['a.js'] } }, ...more };
  fs.writeFileSync(path.join(made, 'manifest.json'), JSON.stringify(manifest));
  fs.writeFileSync(path.join(made, 'a.js'), script);
  const ended = await node(RUN, '--storage', path.join(made, 'storage.json'), made);
  return { ...ended, lines: ended.stdout.split('\n').slice(0, -1) };
}

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
    assert.match(stderr, /^Uncaught Error: chrome\.app\.window\.create is not available in chrome-app-run/m);
  }
});

test('a script that throws stops no other; a page has the globals that networking code uses', async (t) => {
  const { code, stdout, stderr } = await node(RUN, '--storage', path.join(folder(t), 'storage.json'), PAGE);
  assert.strictEqual(code, 0, stderr);
  assert.deepStrictEqual(stdout.trim().split('\n').sort(), [
    'hé data:text/plain;base64,aMOp true 3',
    'onload,load,launched',
    'socket 1',
    'string boolean string',
    'true true',
  ]);
  assert.match(stderr, /^Error: the other script still runs$/m);
  assert.strictEqual(stderr.match(/Uncaught/g).length, 1, stderr);
});

test('what cannot be run says why', async (t) => {
  const empty = folder(t);
  const cases = [
    [[], /^chrome-app-run: Usage: chrome-app-run \[--storage FILE\] DIR$/m],
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
    [{ name: 'a' }, 'the manifest has no app.background.scripts'],
    [null, 'the manifest has no app.background.scripts'],
    [{ app: { background: { scripts: ['a.js', 5] } } }, "Invalid value for 'app.background.scripts[1]'."],
    [{ app, sockets: { tcp: { connect: ['*', 'a:b:c'] } } }, "sockets.tcp.connect[1]: Invalid host:port pattern 'a:b:c'"],
    [{ app, permissions: 'socket' }, "permissions: Invalid value for 'permissions'."],
    [{ app }, `cannot read ${path.join(empty, 'none.js')}: ENOENT: no such file or directory, open '${path.join(empty, 'none.js')}'`],
  ];
  for (const [manifest, message] of manifests) {
    fs.writeFileSync(path.join(empty, 'manifest.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
    // In words only: nobody is helped by a stack of ours.
    const { code, stderr } = await node(RUN, '--storage', path.join(empty, 'storage.json'), empty);
    assert.deepStrictEqual({ code, stderr }, { code: 1, stderr: `chrome-app-run: ${message}\n` });
  }
  fs.writeFileSync(path.join(empty, 'storage.json'), '{');
  assert.match((await node(RUN, '--storage', path.join(empty, 'storage.json'), empty)).stderr, /^chrome-app-run: cannot read .*storage\.json: .*\n$/);
});

test('a storage area tells its changes, too', async (t) => {
  const { lines, stderr } = await ran(t, `
    chrome.storage.local.onChanged.addListener((changes) => console.log(JSON.stringify(changes)));
    chrome.storage.local.set({ a: 1 });`);
  assert.deepStrictEqual(lines, ['{"a":{"newValue":1}}'], stderr);
});

test('what is not here says its name when it is used, and can be looked at', async (t) => {
  const { lines, stderr } = await ran(t, `
    const use = {
      method: () => chrome.runtime.sendMessage('a'),
      away: () => { const { getDetails } = chrome.app; getDetails(); },
      namespace: () => chrome.notifications.create('a', {}),
      deep: () => chrome.app.window.onClosed.addListener(() => {}),
      storage: () => chrome.storage.sync.get('a'),
    };
    for (const [how, f] of Object.entries(use)) {
      try { f(); } catch ({ name, message }) { console.log(how, name, message); }
    }
    console.log(!!chrome.alarms, !!chrome.runtime.sendMessage, 'alarms' in chrome, Object.keys(chrome.runtime).includes('id'));`);
  assert.deepStrictEqual(lines, [
    'method Error chrome.runtime.sendMessage is not available in chrome-app-run',
    'away Error chrome.app.getDetails is not available in chrome-app-run',
    'namespace Error chrome.notifications.create is not available in chrome-app-run',
    'deep Error chrome.app.window.onClosed is not available in chrome-app-run',
    'storage Error chrome.storage.sync.get is not available in chrome-app-run',
    'true true false true',
  ], stderr);
});

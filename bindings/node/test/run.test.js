// chrome-app-run: an app's background page from its manifest.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { RUN, appOf, folder, manifestFile, node, ran } = require('./support');

const SMALL = path.join(__dirname, 'apps', 'small');
const PAGE = path.join(__dirname, 'apps', 'page');

/** Gives what the test starts a variable of the environment. */
function environment(t, name, value) {
  const before = process.env[name];
  process.env[name] = value;
  t.after(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
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
    assert.match(stderr, /^Unchecked runtime\.lastError: chrome\.app\.window\.create is not available in chrome-app-run$/m);
  }
});

test('a manifest may have comments, and in strings what Chrome takes there', async (t) => {
  const words = appOf(t, 'console.log(JSON.stringify(chrome.runtime.getManifest().name));');
  const name = String.raw`"a${'\t\n'}// \x41\xe9\v\\x41\\v\"/*"`;
  const text = `\ufeff// "\n{ "name": ${name}, "version": "1", /* " */ "app": { "background": { "scripts": ["a.js"] } } } // "`;
  fs.writeFileSync(path.join(words.at(-1), 'manifest.json'), text);
  const { code, stdout, stderr } = await node(...words);
  assert.strictEqual(code, 0, stderr);
  assert.strictEqual(JSON.parse(stdout), 'a\t\n// Aé\v\\x41\\v"/*');
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
  const named = { name: 'a', version: '1.65535' };
  const wrongVersion = "Required value 'version' is missing or invalid. It must be between 1-4 dot-separated integers each between 0 and 65536.";
  fs.writeFileSync(path.join(empty, 'some.js'), "console.log('runs');");
  const manifests = [
    ['{ "name": ', `${path.join(empty, 'manifest.json')}:1:11: ValueExpected`],
    ['{\n  "name": "a",\n}', `${path.join(empty, 'manifest.json')}:3:1: PropertyNameExpected`],
    ['{\n  "a\n\t\\v\\x41": nope }', `${path.join(empty, 'manifest.json')}:3:11: InvalidSymbol`],
    [named, 'the manifest has neither app.background.scripts nor app.background.page'],
    [
      { ...named, background: { scripts: ['a.js'] } },
      'the manifest has neither app.background.scripts nor app.background.page: it is an extension\'s, not an app\'s',
    ],
    [null, "Required value 'name' is missing or invalid."],
    [{ app, version: '1' }, "Required value 'name' is missing or invalid."],
    ...[undefined, 1, '', '1.2.3.4.5', '1.0-beta', '65536'].map((version) => [{ name: 'a', version, app }, wrongVersion]),
    [{ ...named, app: { background: { page: 'none.html' } } }, `cannot read ${path.join(empty, 'none.html')}: ENOENT: no such file or directory, open '${path.join(empty, 'none.html')}'`],
    [{ ...named, app: { background: { scripts: ['a.js', 5] } } }, "Invalid value for 'app.background.scripts[1]'."],
    [{ ...named, app, sockets: { tcp: { connect: ['*', 'a:b:c'] } } }, "sockets.tcp.connect[1]: Invalid host:port pattern 'a:b:c'"],
    [{ ...named, app, permissions: 'socket' }, "permissions: Invalid value for 'permissions'."],
    // None of them is run then.
    [{ ...named, app: { background: { scripts: ['some.js', 'none.js'] } } }, `cannot read ${path.join(empty, 'none.js')}: ENOENT: no such file or directory, open '${path.join(empty, 'none.js')}'`],
  ];
  for (const [manifest, message] of manifests) {
    fs.writeFileSync(path.join(empty, 'manifest.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
    // In words only: a stack trace of this package helps no user.
    const { code, stdout, stderr } = await node(RUN, '--storage', path.join(empty, 'storage.json'), empty);
    assert.deepStrictEqual({ code, stdout, stderr }, { code: 1, stdout: '', stderr: `chrome-app-run: ${message}\n` });
  }
  fs.writeFileSync(path.join(empty, 'storage.json'), '{');
  fs.writeFileSync(path.join(empty, 'manifest.json'), JSON.stringify({ ...named, app, permissions: ['storage'] }));
  assert.match((await node(RUN, '--storage', path.join(empty, 'storage.json'), empty)).stderr, /^chrome-app-run: cannot read .*storage\.json: .*\n$/);
});

test('a Node that is too old says so', async (t) => {
  const old = path.join(folder(t), 'old.js');
  fs.writeFileSync(old, "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } });");
  const { code, stdout, stderr } = await node('-r', old, RUN, SMALL);
  const { engines } = require('../package.json');
  assert.deepStrictEqual({ code, stdout, stderr }, { code: 1, stdout: '', stderr: `chrome-app-run: this is Node 18.20.4, and ${engines.node} is needed\n` });
});

test('an app speaks the language of the user, else its own', async (t) => {
  environment(t, 'LC_ALL', 'de_AT.UTF-8');
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

test('an app knows in which direction its language is written', async (t) => {
  const script = `
    const names = ['@@bidi_dir', '@@bidi_reversed_dir', '@@bidi_start_edge', '@@bidi_end_edge'];
    console.log(chrome.runtime.getManifest().description, names.map((name) => chrome.i18n.getMessage(name)).join());`;
  for (const [language, expected] of [['de_AT', 'ltr ltr,rtl,left,right'], ['ar_EG', 'rtl rtl,ltr,right,left'], ['he', 'rtl rtl,ltr,right,left']]) {
    await t.test(language, async (t) => {
      environment(t, 'LC_ALL', `${language}.UTF-8`);
      const { lines, stderr } = await ran(t, script, manifestFile({ description: '__MSG_@@bidi_dir__' }));
      assert.deepStrictEqual(lines, [expected], stderr);
    });
  }
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

test('a background page may say RequireJS its main script', async (t) => {
  const manifest = { name: 'a', version: '1', app: { background: { page: 'own.html' } } };
  const cases = [
    ["data-main='js/main.js'", '', 'js/ main'], ['data-main=main', '', './ main'],
    ['data-main="js/main.js"', '<script src=config.js></script>', '/lib/ first,js/main'],
  ];
  for (const [attribute, before, expected] of cases) {
    // As RequireJS does where there is no document: it takes the object that is there before it.
    const { lines, stderr } = await ran(t, 'var { baseUrl, deps } = require; require = () => {}; console.log(baseUrl, deps.join());', {
      'manifest.json': JSON.stringify(manifest), 'own.html': `${before}<script ${attribute} src="a.js"></script>`,
      'config.js': "var require = { baseUrl: '/lib/', deps: ['first'] };",
    });
    assert.deepStrictEqual({ lines, stderr }, { lines: [expected], stderr: '' });
  }
});

test('tcp.md PM-5: an app that asks for one of the two socket APIs does not find the other', async (t) => {
  const cases = [
    [{ sockets: { tcp: { connect: '*' } } }, 'sockets'],
    [{ permissions: ['socket'] }, 'socket'],
    [{ permissions: ['storage', { socket: ['tcp-connect'] }] }, 'socket'],
    [{ sockets: {}, permissions: [{ socket: ['tcp-connect'] }] }, 'socket sockets'],
    // The console then says what each call lacks.
    [{}, 'socket sockets'],
  ];
  for (const [manifest, found] of cases) {
    const { lines, stderr } = await ran(t, `
      const names = ['socket', 'sockets'];
      const ways = [(name) => chrome[name], (name) => name in chrome, (name) => Object.keys(chrome).includes(name)];
      for (const way of ways) console.log(...names.filter(way));
      // What libraries do that are written for both.
      for (const name of names) chrome[name] ??= { isMine: true };
      console.log(...names.filter((name) => !chrome[name].isMine));`, manifestFile(manifest));
    assert.deepStrictEqual({ lines, stderr }, { lines: Array(4).fill(found), stderr: '' });
  }
});

test('an unpacked app is known by its folder, or its key; it is installed while nothing is stored', async (t) => {
  const home = folder(t);
  const apps = [folder(t), folder(t)];
  environment(t, 'XDG_DATA_HOME', home);
  const run = async (made, more) => {
    fs.writeFileSync(path.join(made, 'manifest.json'), manifestFile({ permissions: ['storage'], ...more })['manifest.json']);
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

// chrome-app-run: the APIs of `chrome` beside the sockets.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { test } = require('node:test');
const { appOf, manifestFile, node, ran } = require('./support');

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
    ' name,scheduledTime true', 'true true true', again, again, 'true true false', 'far',
  ];
  assert.deepStrictEqual({ code, lines: lines.sort(), stderr }, { code: 0, lines: expected.sort(), stderr: '' });
});

test('alarms: null is not given, and a member of another type is refused in Chrome\'s words', async (t) => {
  const { lines, stderr } = await ran(t, `
    const { alarms } = chrome;
    const wrong = [{ delayInMinutes: '1' }, { when: true }, { periodInMinutes: {} }, []];
    for (const info of wrong) {
      try { alarms.create('a', info); } catch ({ name, message }) { console.log(name, message); }
    }
    let rung = 0;
    alarms.onAlarm.addListener(async () => {
      rung += 1;
      console.log(rung, (await alarms.getAll()).length);
    });
    alarms.create('a', { when: null, delayInMinutes: 0.0005, periodInMinutes: null });`);
  const words = 'TypeError Error in invocation of alarms.create(optional string name, alarms.AlarmCreateInfo alarmInfo, optional function callback): ';
  const member = (name, type) =>
    `${words}Error at parameter 'alarmInfo': Error at property '${name}': Invalid type: expected number, found ${type}.`;
  assert.deepStrictEqual(lines, [
    member('delayInMinutes', 'string'), member('when', 'boolean'), member('periodInMinutes', 'object'), `${words}No matching signature.`, '1 0',
  ], stderr);
});

test('alarms: no time is NaN or infinite, as in Chrome', async (t) => {
  const { lines, stderr } = await ran(t, `
    for (const info of [{ delayInMinutes: NaN }, { when: -Infinity }, { delayInMinutes: 1, periodInMinutes: NaN }]) {
      try { chrome.alarms.create('a', info); } catch ({ name, message }) { console.log(name, message.slice(message.indexOf(': ') + 2)); }
    }
    chrome.alarms.getAll((all) => console.log(all.length));`);
  const refused = (name) => `TypeError Error at parameter 'alarmInfo': Error at property '${name}': Value must not be NaN or Infinity.`;
  assert.deepStrictEqual(lines, [refused('delayInMinutes'), refused('when'), refused('periodInMinutes'), '0'], stderr);
});

test('an alarm that is looked at is a copy', async (t) => {
  const { lines, stderr } = await ran(t, `
    const { alarms } = chrome;
    (async () => {
      alarms.create('a', { when: 5e12 });
      (await alarms.get('a')).scheduledTime = 1;
      (await alarms.getAll())[0].scheduledTime = 2;
      console.log((await alarms.get('a')).scheduledTime);
    })();`);
  assert.deepStrictEqual(lines, ['5000000000000'], stderr);
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
      onChanged.addListener((changes, ...more) => {
        console.log('own', area, JSON.stringify(changes), QUOTA_BYTES, more.length);
        changes.from = 'mine';
      });
      get({ from: 'nobody' }, ({ from }) => {
        console.log(area, from);
        set({ from: area });
      });
    }
    chrome.runtime.onInstalled.addListener(() => console.log('installed'));`);
  const first = ['own local {"from":{"newValue":"local"}} 10485760 0', 'local {"from":{"newValue":"local"}}',
    'own sync {"from":{"newValue":"sync"}} 102400 0', 'sync {"from":{"newValue":"sync"}}', 'local nobody', 'sync nobody', 'installed'];
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
      console.log(JSON.stringify(await managed.getKeys()));
      for (const write of [() => managed.set({ a: 1 }), () => managed.remove('a'), () => managed.clear()]) {
        await write().catch(({ message }) => console.log(message));
      }
    })();`);
  const refusal = 'This is a read-only store.';
  assert.deepStrictEqual(lines, ['[{},{},{"a":1},0]', '[]', refusal, refusal, refusal], stderr);
});

test('a method that is not here says so, fails by lastError, and lets the program go on', async (t) => {
  const files = manifestFile({ permissions: ['contextMenus', 'system.cpu', 'usb'] });
  const { code, lines, stderr } = await ran(t, `
    window.onunhandledrejection = (event) => { event.preventDefault(); console.log('unhandled', event.reason.message); };
    for (let n = 0; n < 2; n += 1) chrome.contextMenus.create({ id: 'a', title: 'b' });
    const { reload } = chrome.runtime;
    reload();
    let isLater = false;
    chrome.usb.getDevices({}, (...given) => console.log('callback', given.length, isLater, chrome.runtime.lastError.message));
    chrome.usb.getDevices({}, () => {});
    isLater = true;
    chrome.system.cpu.getInfo().catch(({ message }) => console.log('promise', message));
    (async () => { await chrome.system.cpu.getInfo(); })();
    console.log('goes on');`, files);
  const missing = (name) => `chrome.${name} is not available in chrome-app-run`;
  assert.deepStrictEqual(lines.sort(), [
    `callback 0 true ${missing('usb.getDevices')}`, 'goes on', `promise ${missing('system.cpu.getInfo')}`, `unhandled ${missing('system.cpu.getInfo')}`,
  ], stderr);
  assert.strictEqual(code, 0);
  const told = ['contextMenus.create', 'runtime.reload', 'system.cpu.getInfo', 'usb.getDevices'].map((name) => `${missing(name)}: it does nothing`);
  assert.deepStrictEqual(stderr.trimEnd().split('\n').sort(), [`Unchecked runtime.lastError: ${missing('usb.getDevices')}`, ...told]);
});

test('a notification is a line on the console', async (t) => {
  const files = manifestFile({ permissions: ['notifications'] });
  const { lines, stderr } = await ran(t, `
    const { create, onClicked } = chrome.notifications;
    onClicked.addListener(() => {});
    const options = { type: 'basic', iconUrl: 'a.png', title: 'Server', message: 'It listens.' };
    create('own', options, (id) => console.log(id, chrome.runtime.lastError));
    create(options, (id) => console.log(id.length > 0));
    create('', { ...options, title: 'Other' }).then((id) => console.log(id.length > 0));
    try { create('own'); } catch ({ name }) { console.log(name); }`, files);
  assert.deepStrictEqual(lines.sort(), [
    'Notification: Other: It listens.', ...Array(2).fill('Notification: Server: It listens.'), 'TypeError', 'own undefined', 'true', 'true',
  ], stderr);
  assert.strictEqual(stderr, 'chrome.notifications.onClicked is not available in chrome-app-run\n');
});

test('what is not here can be looked at and listened to, as far as the manifest asks for it', async (t) => {
  const files = manifestFile({
    bluetooth: { socket: true }, permissions: ['experimental', 'notifications', 'storage', 'usb', 'system.cpu', { fileSystem: ['write'] }],
  });
  const { lines, stderr } = await ran(t, `
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
  `, files);
  assert.deepStrictEqual(lines, [
    'true true true true',
    'true', 'true',
    'undefined undefined true true undefined true',
    'undefined true',
    'undefined true true',
  ], stderr);
  assert.strictEqual(stderr, 'chrome.usb.onDeviceAdded is not available in chrome-app-run\n');
});

test('storage, alarms, power and system.network are there for those that ask for them', async (t) => {
  const names = ['alarms', 'power', 'storage', 'system.network'];
  for (const permissions of [undefined, [], ...names.map((name) => [name]), names]) {
    const { lines, stderr } = await ran(t, `
      console.log(...['alarms', 'power', 'storage', 'system'].filter((name) => name in chrome));
      chrome.system?.network.getNetworkInterfaces((list) => console.log(list.length > 0));`, manifestFile({ permissions }));
    const found = [(permissions ?? []).join(' ').replace('system.network', 'system')];
    assert.deepStrictEqual({ lines, stderr }, { lines: permissions?.includes('system.network') ? [...found, 'true'] : found, stderr: '' });
  }
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

test('a port to another program finds none', async (t) => {
  for (const permissions of [[], ['nativeMessaging']]) {
    const { lines, stderr } = await ran(t, `
      const port = chrome.runtime.connectNative?.('org.example.host');
      port?.onMessage.addListener(() => {});
      port?.onDisconnect.addListener((same) => console.log(same === port, chrome.runtime.lastError.message));
      console.log(typeof port);`, manifestFile({ permissions }));
    const expected = permissions.length > 0 ? ['object', 'true Specified native messaging host not found.'] : ['undefined'];
    assert.deepStrictEqual({ lines, stderr }, { lines: expected, stderr: '' });
  }
});

test('chrome.runtime has its enums', async (t) => {
  const { lines, stderr } = await ran(t, `
    const { OnInstalledReason, OnRestartRequiredReason, PlatformArch, PlatformNaclArch, PlatformOs, RequestUpdateCheckStatus } = chrome.runtime;
    console.log(OnInstalledReason.INSTALL, OnRestartRequiredReason.OS_UPDATE, PlatformArch.X86_64, PlatformNaclArch.ARM, PlatformOs.LINUX, RequestUpdateCheckStatus.NO_UPDATE);`);
  assert.deepStrictEqual(lines, ['install os_update x86-64 arm linux no_update'], stderr);
});

test('so have the other APIs that take them', async (t) => {
  const manifest = { name: 'a', version: '1', app: { background: { scripts: ['a.js'] } }, permissions: ['notifications'] };
  const { lines, stderr } = await ran(t, `
    const { PermissionLevel, TemplateType } = chrome.notifications;
    console.log(JSON.stringify([TemplateType, PermissionLevel, chrome.app.window.State, chrome.app.window.WindowType]));
    chrome.app.runtime.onLaunched.addListener(({ source }) => console.log(source === chrome.app.runtime.LaunchSource.COMMAND_LINE));
    console.log(chrome.app.runtime.LaunchSource.URL_HANDLER);`, { 'manifest.json': JSON.stringify(manifest) });
  const enums = [
    { BASIC: 'basic', IMAGE: 'image', LIST: 'list', PROGRESS: 'progress' }, { DENIED: 'denied', GRANTED: 'granted' },
    { FULLSCREEN: 'fullscreen', MAXIMIZED: 'maximized', MINIMIZED: 'minimized', NORMAL: 'normal' }, { PANEL: 'panel', SHELL: 'shell' },
  ];
  assert.deepStrictEqual(lines, [JSON.stringify(enums), 'url_handler', 'true'], stderr);
});

test('chrome.runtime.getVersion is the manifest\'s', async (t) => {
  const manifest = { name: 'a', version: '1.20.3', app: { background: { scripts: ['a.js'] } } };
  const { lines, stderr } = await ran(t, 'console.log(chrome.runtime.getVersion());', { 'manifest.json': JSON.stringify(manifest) });
  assert.deepStrictEqual(lines, ['1.20.3'], stderr);
});

test('chrome.permissions: what the manifest asks for, and no more', async (t) => {
  const files = manifestFile({
    permissions: ['storage', 'http://*.example.com/', 'https://a.b/*', { socket: ['tcp-connect'] }], optional_permissions: ['usb', '*://*/*'],
  });
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
      await show('null', permissions.contains({ permissions: ['storage'], origins: null }));
      for (const wrong of [{ permissions: 'storage' }, { origins: ['http://a/', 5] }]) {
        try { permissions.contains(wrong); } catch ({ message }) { console.log(message); }
      }
      permissions.contains({ permissions: ['storage'] }, (result) => console.log('callback', result));
    })();`, files);
  const words = 'Error in invocation of permissions.contains(permissions.Permissions permissions, function callback): '
    + "Error at parameter 'permissions': Error at property ";
  assert.deepStrictEqual(lines, [
    'all {"permissions":["storage","socket"],"origins":["http://*.example.com/","https://a.b/*"]}', 'has true', 'none true',
    'http://badexample.com/ false', 'https://example.com/ false', 'https://*.a.b/ false', 'http://*/ false', '<all_urls> false', 'nonsense false',
    'optional false', 'request true', 'request false', 'request Only permissions specified in the manifest may be requested.',
    'remove You cannot remove required permissions.', 'remove true', 'null true',
    `${words}'permissions': Invalid type: expected array, found string.`,
    `${words}'origins': Error at index 1: Invalid type: expected string, found integer.`, 'callback true',
  ], stderr);
});

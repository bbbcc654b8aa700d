// The JavaScript surface: members, arguments, callbacks, promises, lastError, events.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const { createChrome } = require('chromesock');
const { call, captured, chromeOf, connected, next, ok, peer, soon } = require('./support');

/** An object of which nothing can be asked. */
function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const loopTurn = () => new Promise(setImmediate);

const COMPLETE = /^Error in invocation of /;

test('every member is there, and works away from its object', async (t) => {
  const chrome = chromeOf(t);
  const { api } = require('../lib/library');
  for (const { name, kind } of api.members) {
    const found = name.split('.').slice(1).reduce((object, key) => object[key], chrome);
    assert.strictEqual(typeof (kind === 'event' ? found.addListener : found), 'function', name);
  }
  const { create } = chrome.sockets.tcp;
  const { addListener, hasListener } = chrome.sockets.tcp.onReceive;
  assert.deepStrictEqual(await create(), { socketId: 1 });
  const listener = () => {};
  addListener(listener);
  assert.ok(hasListener(listener));
});

test('options that are null are not given; one of a wrong type throws', (t) => {
  chromeOf(t, undefined, null);
  chromeOf(t, undefined, { writeQuotaBytes: null, extraRootsPem: undefined, reusePort: null, busyPollUs: null, libraryPath: null });
  const wrong = {
    writeQuotaBytes: [['10', true, -1, 1.5, NaN, 2 ** 53, 10n, {}], 'a whole number'],
    extraRootsPem: [[5, true, Buffer.from('a')], 'a string'],
    libraryPath: [[5, {}], 'a string'],
    reusePort: [[1, 'true', {}], 'true or false'],
    busyPollUs: [['10', true, -1, 1.5, NaN, 2 ** 32, 10n, {}], 'a number of microseconds'],
  };
  for (const [name, [values, named]] of Object.entries(wrong)) {
    for (const value of values) {
      const error = { name: 'TypeError', message: `createChrome: the option ${name} must be ${named}` };
      assert.throws(() => createChrome(undefined, { [name]: value }), error, String(value));
    }
  }
});

test('options of other names are ignored, as Node does; what is no object is refused', (t) => {
  chromeOf(t, undefined, { anotherName: 1 });
  for (const options of ['writeQuotaBytes', 5, true, () => {}, []]) {
    const error = { name: 'TypeError', message: 'createChrome: options must be an object' };
    assert.throws(() => createChrome(undefined, options), error, String(options));
  }
  chromeOf(t, undefined, null);
  chromeOf(t, undefined, Object.create({ toString: null }));
});

test('roots that cannot be read are told', (t) => {
  const noRoots = ['', 'nonsense', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'];
  const error = { name: 'Error', message: 'createChrome: the option extraRootsPem has no certificate that can be read' };
  for (const extraRootsPem of noRoots) assert.throws(() => createChrome(undefined, { extraRootsPem }), error);
  chromeOf(t, undefined, {});
});

test('import works as require does', async () => {
  const imported = await import('chromesock');
  assert.strictEqual(imported.createChrome, require('chromesock').createChrome);
  assert.strictEqual(imported.destroyChrome, require('chromesock').destroyChrome);
  assert.strictEqual(imported.default, require('chromesock'));
});

test('enums are objects of their namespaces', (t) => {
  const chrome = chromeOf(t);
  assert.deepStrictEqual(chrome.sockets.tcp.DnsQueryType, { ANY: 'any', IPV4: 'ipv4', IPV6: 'ipv6' });
  assert.deepStrictEqual(chrome.sockets.udp.DnsQueryType, { ANY: 'any', IPV4: 'ipv4', IPV6: 'ipv6' });
  assert.deepStrictEqual(chrome.socket.SocketType, { TCP: 'tcp', UDP: 'udp' });
});

test('tcp.md G-10: a wrong argument throws at once, in Chrome\'s words', (t) => {
  const chrome = chromeOf(t);
  const { tcp, tcpServer, udp } = chrome.sockets;
  const ignore = () => {};
  const connect =
    'sockets.tcp.connect(integer socketId, string peerAddress, integer peerPort, ' +
    'optional sockets.tcp.DnsQueryType dnsQueryType, function callback)';
  const listen =
    'sockets.tcpServer.listen(integer socketId, string address, integer port, optional integer backlog, function callback)';
  const create = 'sockets.tcp.create(optional sockets.tcp.SocketProperties properties, function callback)';
  const cases = [
    [() => tcp.connect('1', 'a', 1, ignore), connect, 'No matching signature.'],
    [() => tcp.connect(1, 'a', 1), connect, 'No matching signature.'],
    [() => tcp.connect(1, 'a', 1, 'any', ignore, 2), connect, 'No matching signature.'],
    [() => tcp.connect(1, 'a', 1, 'ipv5', ignore), connect,
      "Error at parameter 'dnsQueryType': Value must be one of any, ipv4, ipv6."],
    [() => tcpServer.listen(1, 'a', 1.5, ignore), listen, 'No matching signature.'],
    [() => tcp.create(5), create, 'No matching signature.'],
    [() => tcp.getInfo(), 'sockets.tcp.getInfo(integer socketId, function callback)', 'No matching signature.'],
    [() => udp.getJoinedGroups(), 'sockets.udp.getJoinedGroups(integer socketId, function callback)',
      'No matching signature.'],
    [() => chrome.socket.getNetworkList(1), 'socket.getNetworkList(function callback)', 'No matching signature.'],
    // Only a callback that gets nothing may be left out.
    [() => tcp.setPaused(), 'sockets.tcp.setPaused(integer socketId, boolean paused, optional function callback)',
      'No matching signature.'],
    [() => tcp.disconnect(), 'sockets.tcp.disconnect(integer socketId, optional function callback)', 'No matching signature.'],
    [() => tcp.close(), 'sockets.tcp.close(integer socketId, optional function callback)', 'No matching signature.'],
    [() => tcp.create({ name: 1 }), create,
      "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found integer."],
    [() => tcp.create({ name: 1, zzz: 2 }), create,
      "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found integer."],
    [() => tcp.create({ zzz: 2, name: 1 }), create,
      "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found integer."],
    [() => tcp.create({ name: 1n }), create,
      "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found other."],
    [() => tcp.create({ name: Symbol('a') }), create,
      "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found other."],
    [() => tcp.create([]), create, 'No matching signature.'],
    [() => tcp.create({ bufferSize: 1.5 }), create,
      "Error at parameter 'properties': Error at property 'bufferSize': Invalid type: expected integer, found number."],
    [() => tcp.create({ get name() { throw new Error('mine'); } }), create, "Error at parameter 'properties': Script threw an error."],
    [() => tcp.create(revoked()), create, "Error at parameter 'properties': Script threw an error."],
    [() => tcp.create(new Proxy({}, { ownKeys() { throw new Error('mine'); } })), create,
      "Error at parameter 'properties': Script threw an error."],
  ];
  for (const [wrong, signature, why] of cases) {
    assert.throws(wrong, { name: 'TypeError', message: `Error in invocation of ${signature}: ${why}` });
  }
});

test('tcp.md G-14: members that the API does not know are ignored', async (t) => {
  const { tcp } = chromeOf(t).sockets;
  const { socketId } = await tcp.create({ nam: 'a', name: 'b', zzz: { deep: 1 } });
  assert.equal((await tcp.getInfo(socketId)).name, 'b');
  await tcp.update(socketId, { '': 1, name: 'c' });
  assert.equal((await tcp.getInfo(socketId)).name, 'c');
  await tcp.create(new Uint8Array(1));
});

test('tcp.md G-11: an integer is a whole number of 32 bits', (t) => {
  const { tcp } = chromeOf(t).sockets;
  for (const wrong of [NaN, 1.5, 2 ** 31, -(2 ** 31) - 1, '1', true, null, undefined, {}, 1n]) {
    assert.throws(() => tcp.setPaused(wrong, true, () => {}), { name: 'TypeError', message: COMPLETE }, String(wrong));
  }
});

test('tcp.md G-13: null and undefined stand for what is left out', async (t) => {
  const chrome = chromeOf(t);
  const { tcp, tcpServer } = chrome.sockets;
  for (const nothing of [null, undefined]) {
    const { socketId } = await ok(chrome, tcp.create, nothing);
    const info = await tcp.getInfo(socketId);
    assert.strictEqual('name' in info, false);
    const server = await tcpServer.create(nothing);
    assert.strictEqual(await ok(chrome, tcpServer.listen, server.socketId, '127.0.0.1', 0, nothing), 0);
  }
  assert.deepStrictEqual(await tcp.create({ name: null, bufferSize: undefined }, undefined), { socketId: 5 });
});

test('only an object\'s own properties count', async (t) => {
  const { tcp } = chromeOf(t).sockets;
  const { socketId } = await tcp.create(Object.create({ name: 'inherited' }));
  assert.strictEqual('name' in (await tcp.getInfo(socketId)), false);
});

test('optional arguments in the middle are known by their type', async (t) => {
  const chrome = chromeOf(t);
  const port = await peer(t, () => {});
  const { tcp } = chrome.sockets;
  const id = await connected(chrome, port);
  assert.strictEqual(await ok(chrome, tcp.setKeepAlive, id, true), 0);
  assert.strictEqual(await ok(chrome, tcp.setKeepAlive, id, true, 30), 0);
  const other = await tcp.create();
  assert.strictEqual(await ok(chrome, tcp.connect, other.socketId, '127.0.0.1', port, 'ipv4'), 0);
});

test('tcp.md 0.3: FAIL("m") calls back without arguments, and lastError tells why only then', async (t) => {
  const chrome = chromeOf(t);
  assert.strictEqual(chrome.runtime.lastError, undefined);
  const { given, error } = await call(chrome, chrome.sockets.tcp.connect, 99, 'localhost', 1);
  assert.deepStrictEqual(given, []);
  assert.strictEqual(error, 'Socket not found');
  await loopTurn();
  assert.strictEqual(chrome.runtime.lastError, undefined);
});

test('lastError is a property of its own, and only while there is an error', async (t) => {
  const { runtime, sockets: { tcp } } = chromeOf(t);
  const asks = () => ['lastError' in runtime, Object.hasOwn(runtime, 'lastError'), Object.keys(runtime).includes('lastError')];
  const during = (method, ...values) => new Promise((resolve) => method(...values, () => resolve(asks())));
  assert.deepStrictEqual(asks(), [false, false, false]);
  assert.deepStrictEqual(await soon(during(tcp.getInfo, 99), 'the answer'), [true, true, true]);
  assert.deepStrictEqual(await soon(during(tcp.getSockets), 'the answer'), [false, false, false]);
});

test('lastError is there for what awaits the callback, however deep, and not for the next one', async (t) => {
  const warnings = captured(t, 'warn');
  const { runtime, sockets: { tcp } } = chromeOf(t);
  const promised = (method, ...values) => new Promise((resolve) => method(...values, resolve));
  const deep = async () => promised(tcp.getInfo, 99);
  const seen = [];
  const both = Promise.all([
    (async () => {
      await (async () => await deep())();
      seen.push(runtime.lastError?.message);
    })(),
    promised(tcp.getSockets).then(() => seen.push(runtime.lastError)),
  ]);
  await soon(both, 'the answers');
  assert.deepStrictEqual(seen, ['Socket not found', undefined]);
  await loopTurn();
  assert.deepStrictEqual(warnings, []);
});

test('an app that freezes chrome.runtime gets its answers', async (t) => {
  const { runtime, sockets: { tcp } } = chromeOf(t);
  Object.freeze(runtime);
  captured(t, 'warn');
  const seen = await soon(new Promise((resolve) => tcp.getInfo(99, () => resolve(runtime.lastError))), 'the answer');
  assert.strictEqual(seen, undefined);
});

test('lastError may be assigned to and deleted, as in Chrome, and is right the next time', async (t) => {
  const chrome = chromeOf(t);
  const { getInfo } = chrome.sockets.tcp;
  for (const tamper of [
    () => delete chrome.runtime.lastError,
    () => (chrome.runtime.lastError = undefined),
    () => (chrome.runtime.lastError = { message: 'own' }),
  ]) {
    await soon(new Promise((resolve) => getInfo(99, () => resolve(chrome.runtime.lastError && tamper()))), 'the answer');
    await loopTurn();
    assert.strictEqual(chrome.runtime.lastError, undefined);
    assert.strictEqual((await call(chrome, getInfo, 99)).error, 'Socket not found');
  }
});

test('tcp.md G-21: no callback runs within the call', async (t) => {
  const { tcp } = chromeOf(t).sockets;
  let isWithin = true;
  const seen = new Promise((resolve) => tcp.getSockets(() => resolve(isWithin)));
  isWithin = false;
  assert.strictEqual(await soon(seen, 'the callback'), false);
});

test('a lastError that nobody reads is a warning on the console', async (t) => {
  const warnings = captured(t, 'warn');
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  await soon(new Promise((resolve) => tcp.update(99, {}, resolve)), 'the callback');
  await loopTurn();
  assert.deepStrictEqual(warnings, ['Unchecked runtime.lastError: Socket not found']);
  await call(chrome, tcp.update, 99, {});
  assert.strictEqual(warnings.length, 1, 'that one was read');
});

test('socket-legacy.md 4.5: disconnect has no callback, so its failure is a warning', async (t) => {
  const warnings = captured(t, 'warn');
  const chrome = chromeOf(t);
  assert.strictEqual(chrome.socket.disconnect(99), undefined);
  chrome.socket.destroy(99);
  await chrome.sockets.tcp.getSockets();
  assert.deepStrictEqual(warnings, ['Unchecked runtime.lastError: Socket not found']);
});

test('a promise rejects with the text of lastError; one that nobody awaits is a warning, not the end', async (t) => {
  const warnings = captured(t, 'warn');
  const { tcp } = chromeOf(t).sockets;
  await assert.rejects(tcp.getInfo(99), { name: 'Error', message: 'Socket not found' });
  await assert.rejects(async () => tcp.getInfo(99), { message: 'Socket not found' });
  assert.deepStrictEqual(warnings, []);
  assert.ok(tcp.close(99) instanceof Promise);
  await tcp.getSockets();
  assert.deepStrictEqual(warnings, ['Unchecked runtime.lastError: Socket not found']);
});

test('a callback and a listener that throw stop nobody else', async (t) => {
  const errors = captured(t, 'error');
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const port = await peer(t, (socket) => socket.end('x'));
  tcp.onReceive.addListener(() => {
    throw new Error('first');
  });
  const received = next(tcp.onReceive);
  const { socketId } = await tcp.create();
  tcp.connect(socketId, '127.0.0.1', port, () => {
    throw new Error('second');
  });
  await received;
  assert.strictEqual(errors.length, 2);
  assert.match(errors[0], /^Error in response to sockets.tcp.connect: Error: second/);
  assert.match(errors[1], /^Error in event handler for sockets.tcp.onReceive: Error: first/);
});

test('listeners: once each, in order, as they were when the dispatch began', async (t) => {
  const chrome = chromeOf(t);
  const { onReceiveError } = chrome.sockets.tcp;
  const port = await peer(t, (socket) => socket.end());
  const seen = [];
  const late = () => seen.push('late');
  const second = () => seen.push('second');
  const first = () => {
    seen.push('first');
    onReceiveError.removeListener(second);
    onReceiveError.addListener(late);
  };
  onReceiveError.addListener(first);
  onReceiveError.addListener(second);
  onReceiveError.addListener(first);
  assert.ok(onReceiveError.hasListeners() && onReceiveError.hasListener(second));
  await connected(chrome, port);
  await next(onReceiveError);
  assert.deepStrictEqual(seen, ['first', 'second']);
  assert.strictEqual(onReceiveError.hasListener(second), false);
  await connected(chrome, port);
  await next(onReceiveError);
  assert.deepStrictEqual(seen.slice(2), ['first', 'late']);
  for (const wrong of [undefined, 'no function']) assert.strictEqual(onReceiveError.addListener(wrong), undefined);
  const filtered = () => {};
  assert.throws(() => onReceiveError.addListener(filtered, {}), {
    name: 'TypeError',
    message: 'This event does not support filters',
  });
  assert.strictEqual(onReceiveError.hasListener(filtered), false);
});

test('what a program awaits runs before the next event, as after each task of a browser', async (t) => {
  const chrome = chromeOf(t);
  const { tcp } = chrome.sockets;
  const order = [];
  const three = [1, 2, 3].map(async (n) => {
    await tcp.getSockets();
    order.push(`${n} done`);
    await null;
    await null;
    order.push(`${n} went on`);
  });
  await Promise.all(three);
  assert.deepStrictEqual(order, [1, 2, 3].flatMap((n) => [`${n} done`, `${n} went on`]));
});

test('runtime: id, manifest and URLs', (t) => {
  const manifest = { name: 'a', sockets: { udp: { bind: '*' } } };
  const { runtime } = chromeOf(t, manifest);
  assert.match(runtime.id, /^[a-p]{32}$/);
  assert.deepStrictEqual(runtime.getManifest(), manifest);
  assert.strictEqual(runtime.getURL('/a.html'), `chrome-extension://${runtime.id}/a.html`);
});

test('null is no manifest, as undefined is: everything is allowed', async (t) => {
  for (const none of [null, undefined]) {
    const chrome = chromeOf(t, none);
    const { socketId } = await chrome.sockets.udp.create();
    assert.strictEqual(await new Promise((done) => chrome.sockets.udp.bind(socketId, '127.0.0.1', 0, done)), 0);
  }
});

test('a manifest is what it is when the app is made, and no function', (t) => {
  const manifest = { name: 'a', extra: () => {}, toJSON: undefined };
  const { runtime } = chromeOf(t, manifest);
  manifest.name = 'b';
  assert.deepStrictEqual(runtime.getManifest(), { name: 'a' });
  runtime.getManifest().name = 'c';
  assert.deepStrictEqual(runtime.getManifest(), { name: 'a' });
  const error = { name: 'TypeError', message: 'createChrome: the manifest must be an object' };
  for (const wrong of [() => {}, Symbol('a'), { toJSON: () => undefined }]) assert.throws(() => createChrome(wrong), error);
});

test('permissions.md 2.3, 5.2: what a manifest is warned of is on the console', (t) => {
  const warnings = captured(t, 'warn');
  chromeOf(t, { sockets: { tcp: { connect: 'a.com.:80' } } });
  assert.strictEqual(warnings.length, 1);
  assert.match(warnings.pop(), /^tcp-connect:a\.com\.:80: /);
  chromeOf(t, { permissions: ['storage', { socket: ['tcp-connect', 'bogus:1:2'] }, 'nonsense'] });
  assert.deepStrictEqual(warnings, ['"bogus:1:2"', 'nonsense'].map((item) => `Permission '${item}' is unknown or URL pattern is malformed.`));
});

// The areas of chrome.storage of chrome-app-run.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { runtimeOf } = require('../lib/runtime');
const { LIMITS, storageArea } = require('../lib/run/storage');
const { call, chromeOf, folder, ok } = require('./support');

/** An area on a file of its own, with `chrome` and the changes that were told. */
function area(t, limits = LIMITS.local, isUnlimited = false) {
  const chrome = chromeOf(t);
  const file = path.join(folder(t), 'storage', 'items.json');
  const changes = [];
  const open = () => storageArea(file, runtimeOf(chrome.runtime), (change) => changes.push(change), limits, isUnlimited);
  return { chrome, file, changes, open, local: open() };
}

test('items are asked for by name, names, defaults, or all; callback or promise', async (t) => {
  const { chrome, local, open } = area(t);
  await local.set({ a: 1, b: [1, { c: null }], gone: undefined });
  const cases = [
    [[], { a: 1, b: [1, { c: null }] }],
    [[null], { a: 1, b: [1, { c: null }] }],
    [[undefined], { a: 1, b: [1, { c: null }] }],
    [['a'], { a: 1 }],
    [['none'], {}],
    [[['a', 'none', 'toString']], { a: 1 }],
    [[[]], {}],
    [[{}], {}],
    [[{ a: 2, d: 'default', e: undefined, f: null }], { a: 1, d: 'default', f: null }],
  ];
  for (const [given, expected] of cases) {
    assert.deepStrictEqual(await local.get(...given), expected);
    assert.deepStrictEqual(await ok(chrome, local.get, ...given), expected);
  }
  assert.strictEqual(await local.getBytesInUse('a'), 2);
  assert.deepStrictEqual(await local.getKeys(), ['a', 'b']);
  assert.deepStrictEqual(await ok(chrome, local.getKeys), ['a', 'b']);
  assert.deepStrictEqual((await call(chrome, local.remove, ['a', 'none'])).given, []);
  assert.deepStrictEqual(await open().get(), { b: [1, { c: null }] });
  await local.clear();
  assert.deepStrictEqual(await open().get(), {});
});

test('wrong arguments throw, in Chrome\'s words, and cost nothing that is stored', async (t) => {
  const { local } = area(t);
  await local.set({ a: 1 });
  const none = 'No matching signature.';
  const get = 'storage.get(optional [string|array|object] keys, function callback)';
  const set = 'storage.set(object items, optional function callback)';
  const remove = 'storage.remove([string|array] keys, optional function callback)';
  const cases = [
    [get, none, local.get, [5, true]],
    [get, "Error at parameter 'keys': Value did not match any choice.", local.get, [['a', 5]]],
    ['storage.getBytesInUse(optional [string|array] keys, function callback)', none, local.getBytesInUse, [{ a: 1 }]],
    [set, none, local.set, [undefined, null, 'a', [1], () => {}]],
    [remove, none, local.remove, [undefined, null, { a: 1 }, 5]],
    ['storage.clear(optional function callback)', none, local.clear, ['a']],
  ];
  for (const [signature, why, method, wrong] of cases) {
    for (const value of wrong) {
      const message = `Error in invocation of ${signature}: ${why}`;
      assert.throws(() => method(value), { name: 'TypeError', message }, String(value));
    }
  }
  assert.deepStrictEqual(await local.get(), { a: 1 });
});

test('what is stored and what is got are copies; any name is just a name', async (t) => {
  const { changes, local, open } = area(t);
  const given = { deep: { n: 1 }, constructor: 2 };
  await local.set(given);
  given.deep.n = 2;
  const defaults = { none: { n: 3 } };
  const got = await local.get(['deep', 'constructor']);
  assert.deepStrictEqual(got, { deep: { n: 1 }, constructor: 2 });
  got.deep.n = 4;
  (await local.get(defaults)).none.n = 5;
  assert.deepStrictEqual(defaults, { none: { n: 3 } });
  assert.deepStrictEqual(await local.get('deep'), { deep: { n: 1 } });
  await new Promise(setImmediate);
  assert.deepStrictEqual(changes, [{ deep: { newValue: { n: 1 } }, constructor: { newValue: 2 } }]);
  await local.set(JSON.parse('{ "__proto__": 3 }'));
  assert.strictEqual(JSON.stringify(await open().get('__proto__')), '{"__proto__":3}');
  assert.strictEqual(JSON.stringify(await local.get(JSON.parse('{ "__proto__": 4, "e": 5 }'))), '{"__proto__":3,"e":5}');
  await local.remove('__proto__');
  assert.deepStrictEqual(await local.get('__proto__'), {});
});

test('an area holds what its limits say, counted in bytes', async (t) => {
  const limits = { QUOTA_BYTES: 24, QUOTA_BYTES_PER_ITEM: 10, MAX_ITEMS: 4 };
  const { chrome, local, changes, open } = area(t, limits);
  assert.strictEqual(local.MAX_ITEMS, 4);
  await local.set({ 'h\u00e9': '\u00e9' });
  assert.strictEqual(await local.getBytesInUse(), 7);
  await local.set({ a: 1, b: 'seven78' });
  const wrong = [
    [{ a: 'eight789' }, 'QUOTA_BYTES_PER_ITEM quota exceeded'],
    [{ a: 'seven78' }, 'QUOTA_BYTES quota exceeded'],
    [{ c: 1, d: 1 }, 'MAX_ITEMS quota exceeded'],
  ];
  for (const [items, message] of wrong) {
    assert.strictEqual((await call(chrome, local.set, items)).error, message);
    await assert.rejects(local.set(items), { name: 'Error', message });
  }
  assert.deepStrictEqual(await local.get(), { 'h\u00e9': '\u00e9', a: 1, b: 'seven78' });
  await new Promise(setImmediate);
  assert.strictEqual(changes.length, 2);
  // What came there before there was a limit can be removed.
  const less = open();
  limits.QUOTA_BYTES = 1;
  await less.remove('b');
  assert.deepStrictEqual(await less.get(), { 'h\u00e9': '\u00e9', a: 1 });
  const endless = area(t, limits, true);
  await endless.local.set({ a: 'eight789' });
});

test('what cannot be stored fails by lastError, and changes nothing', async (t) => {
  const { changes, chrome, file, local } = area(t);
  // No folder can be made where a file is.
  fs.writeFileSync(path.dirname(file), '');
  const { given, error } = await call(chrome, local.set, { a: 1 });
  assert.deepStrictEqual(given, []);
  assert.match(error, /storage/);
  await assert.rejects(local.set({ a: 1 }), { message: error });
  assert.deepStrictEqual(await local.get(), {});
  assert.deepStrictEqual(changes, []);
});

test('who is told of a change has a copy of it', async (t) => {
  const { changes, local, open } = area(t);
  await local.set({ a: { n: 1 } });
  await new Promise(setImmediate);
  changes[0].a.newValue.n = 2;
  assert.deepStrictEqual(await local.get(), { a: { n: 1 } });
  await local.set({ b: 1 });
  assert.deepStrictEqual(await open().get(), { a: { n: 1 }, b: 1 });
});

test('what is set in one turn of the loop is written at once, and answered in order', async (t) => {
  const { changes, chrome, file, local, open } = area(t);
  const writes = t.mock.method(fs, 'renameSync').mock;
  const atExit = process.listenerCount('exit');
  const order = [];
  const answered = Promise.all([
    ok(chrome, local.set, { a: 1 }).then(() => order.push('set')),
    ok(chrome, local.get, 'a').then(({ a }) => order.push(`get ${a}`)),
    ok(chrome, local.set, { a: 2, b: [1] }).then(() => order.push('set again')),
    ok(chrome, local.getBytesInUse).then((bytes) => order.push(`${bytes} bytes`)),
    ok(chrome, local.remove, 'none').then(() => order.push('removed')),
  ]);
  assert.strictEqual(fs.existsSync(file), false);
  await answered;
  assert.strictEqual(writes.callCount(), 1);
  assert.deepStrictEqual(order, ['set', 'get 1', 'set again', '6 bytes', 'removed']);
  assert.strictEqual(process.listenerCount('exit'), atExit);
  assert.deepStrictEqual(changes, [{ a: { newValue: 1 } }, { a: { oldValue: 1, newValue: 2 }, b: { newValue: [1] } }]);
  assert.deepStrictEqual(await open().get(), { a: 2, b: [1] });
});

test('what is written together fails together, and can be set again', async (t) => {
  const { changes, file, local, open } = area(t, { QUOTA_BYTES: 6 });
  await local.set({ a: 1 });
  const folder = path.dirname(file);
  fs.renameSync(folder, `${folder}.kept`);
  fs.writeFileSync(folder, '');
  const all = await Promise.allSettled([local.set({ a: 22 }), local.set({ a: 333, b: 1 }), local.remove('a')]);
  assert.deepStrictEqual(all.map(({ status }) => status), ['rejected', 'rejected', 'rejected']);
  assert.deepStrictEqual(await local.get(), { a: 1 });
  assert.strictEqual(await local.getBytesInUse(), 2);
  fs.rmSync(folder);
  fs.renameSync(`${folder}.kept`, folder);
  await local.set({ a: 4, b: 123 });
  assert.deepStrictEqual(await open().get(), { a: 4, b: 123 });
  await new Promise(setImmediate);
  assert.deepStrictEqual(changes.slice(1), [{ a: { oldValue: 1, newValue: 4 }, b: { newValue: 123 } }]);
});

test('of what JSON has not the same is kept as in Chromium', async (t) => {
  const { local } = area(t);
  const [shared, array] = [{ s: 1 }, [1]];
  const circle = { a: 1, down: { b: 2 } };
  circle.down.up = circle;
  array.push(array);
  let deep = {};
  for (let n = 0; n < 150; n += 1) deep = { a: deep };
  class Named {
    own = 1;

    get inherited() {
      return this.own;
    }
  }
  const cases = {
    date: [new Date(0), {}],
    pattern: [/x/, {}],
    map: [new Map([[1, 2]]), {}],
    error: [new Error('x'), {}],
    text: [Object('x'), { 0: 'x' }],
    number: [Object(5), {}],
    named: [new Named(), { own: 1 }],
    toJSON: [{ toJSON: () => 5 }, {}],
    shared: [[shared, shared], [shared, shared]],
    circle: [circle, { a: 1, down: { b: 2, up: null } }],
    array: [array, [1, null]],
    places: [[NaN, 1, Infinity, 10n, () => {}, Symbol('x'), undefined, , new Date(0)], [null, 1, null, null, null, null, null, null, {}]],
    members: [{ a: undefined, b: () => {}, c: NaN, d: 1n, e: Symbol('x'), [Symbol('f')]: 1 }, {}],
    getters: [{ get a() { throw new Error('thrown'); }, get b() { return 2; } }, { a: null, b: 2 }],
    proto: [JSON.parse('{"__proto__":5}'), JSON.parse('{"__proto__":5}')],
  };
  for (const [name, [value, expected]] of Object.entries(cases)) {
    await local.set({ [name]: value });
    assert.deepStrictEqual((await local.get())[name], expected, name);
    assert.deepStrictEqual((await local.get({ default: value })).default, expected, name);
  }
  await local.set({ deep });
  assert.strictEqual(JSON.stringify((await local.get()).deep).length, 596);
  await local.clear();
  // What was stored before stays, and defaults apply.
  await local.set({ kept: 5 });
  for (const value of [undefined, NaN, -Infinity, 10n, () => {}, Symbol('x')]) await local.set({ kept: value, none: value });
  assert.deepStrictEqual(await local.get({ kept: 1, none: 1, nothing: NaN }), { kept: 5, none: 1 });
  for (const value of [new Uint8Array(1), new ArrayBuffer(1), new DataView(new ArrayBuffer(1)), Buffer.from('a')]) {
    await assert.rejects(local.set({ a: { b: [value] } }), { message: 'Cannot serialize value to JSON' });
  }
});

// chrome.storage: its areas, each on a file.
'use strict';

const { dispatch } = require('../event');
const { Array, Error, JSON, Map, Object, structuredClone } = require('./globals');
const { Store, sizeOf } = require('./items');
const { eventsOf, methodsOf } = require('./methods');
const { membersOf } = require('./values');

/** The limits of the areas. Those on the number of writes are shown, but not enforced: no network is involved. */
const LIMITS = {
  local: { QUOTA_BYTES: 10 * 1024 * 1024 },
  sync: {
    QUOTA_BYTES: 100 * 1024, QUOTA_BYTES_PER_ITEM: 8 * 1024, MAX_ITEMS: 512,
    MAX_WRITE_OPERATIONS_PER_HOUR: 1800, MAX_WRITE_OPERATIONS_PER_MINUTE: 120,
    MAX_SUSTAINED_WRITE_OPERATIONS_PER_MINUTE: 1_000_000,
  },
};

/** The names, null for all, and defaults that `get` is given: nothing, a name, names, or names with defaults. */
function wanted(keys) {
  if (keys === null) return { names: null, defaults: {} };
  if (typeof keys === 'string') return { names: [keys], defaults: {} };
  if (Array.isArray(keys)) return { names: [...keys], defaults: {} };
  return { names: Object.keys(keys), defaults: membersOf(keys) };
}

/** Parameters and outcomes of the methods, as the reference has them. */
const keys = (choices, optional) => ({ name: 'keys', type: 'choices', choices, optional });
const MEMBERS = {
  get: { parameters: [keys(['string', 'array', 'object'], true)], outcome: 'items' },
  getBytesInUse: { parameters: [keys(['string', 'array'], true)], outcome: 'bytesInUse' },
  getKeys: { parameters: [], outcome: 'keys' },
  set: { parameters: [{ name: 'items', type: 'object' }], outcome: null },
  remove: { parameters: [keys(['string', 'array'], false)], outcome: null },
  clear: { parameters: [], outcome: null },
};

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** Throws if edits make items too large or too many, or one of them is too large. */
function checkLimits(limits, items, edits) {
  const grown = edits.map(([name, json]) => sizeOf(name, json) - sizeOf(name, items.get(name)));
  const added = edits.filter(([name]) => !items.has(name));
  const exceeded = {
    QUOTA_BYTES_PER_ITEM: edits.some(([name, json]) => sizeOf(name, json) > limits.QUOTA_BYTES_PER_ITEM),
    QUOTA_BYTES: sum([items.bytes, ...grown]) > limits.QUOTA_BYTES,
    MAX_ITEMS: items.size + added.length > limits.MAX_ITEMS,
  };
  const limit = Object.keys(exceeded).find((name) => exceeded[name]);
  if (limit) throw new Error(`${limit} quota exceeded`);
}

/** What `get` gives of items. */
function answerOf({ names, defaults }, items) {
  const held = (names ?? [...items.keys()]).filter((name) => items.has(name)).map((name) => [name, JSON.parse(items.get(name))]);
  return { ...defaults, ...Object.fromEntries(held) };
}

/** A storage area; `changed` hears of changes, `runtime` of answers to callbacks. An unlimited one only shows its limits. */
function storageArea(file, runtime, changed, limits, isUnlimited) {
  const store = new Store(file, changed);
  const check = isUnlimited ? undefined : (items, edits) => checkLimits(limits, items, edits);
  const removal = (names) => store.change(names.map((name) => [name, undefined]));
  // What is given is read at once: the page may change it.
  const operations = {
    get(keys) {
      const asked = wanted(keys);
      return store.later((items) => answerOf(asked, items));
    },
    getBytesInUse(keys) {
      const { names } = wanted(keys);
      return store.later((items) => (names ? sum(names.map((name) => sizeOf(name, items.get(name)))) : items.bytes));
    },
    getKeys: () => store.later((items) => [...items.keys()]),
    set(items) {
      const edits = Object.entries(membersOf(items)).map(([name, value]) => [name, JSON.stringify(value)]);
      return store.later(() => store.change(edits, check));
    },
    remove(keys) {
      const { names } = wanted(keys);
      return store.later(() => removal(names));
    },
    clear: () => store.later((items) => removal([...items.keys()])),
  };
  return { ...methodsOf('storage', MEMBERS, operations, runtime), ...limits };
}

/** The area of an administrator, who has set nothing here. */
function managedArea(runtime) {
  const refuse = () => {
    throw new Error('This is a read-only store.');
  };
  const answers = { get: (keys) => answerOf(wanted(keys), new Map()), getBytesInUse: () => 0, getKeys: () => [] };
  const operations = { ...answers, set: refuse, remove: refuse, clear: refuse };
  return methodsOf('storage', MEMBERS, operations, runtime);
}

/** Where an area is kept, beside the first one. */
const filesOf = (file) => ({ local: file, sync: `${file}.sync` });

/** chrome.storage. */
function storageOf(file, runtime, isUnlimited) {
  const { onChanged } = eventsOf('storage', ['onChanged']);
  const area = ([name, place]) => {
    const own = eventsOf(`storage.${name}`, ['onChanged']);
    const changed = (changes) => {
      const same = structuredClone(changes);
      dispatch(own.onChanged, changes);
      dispatch(onChanged, same, name);
    };
    // Nothing is synchronised, as where nobody is signed in; its limits count all the same.
    const methods = storageArea(place, runtime, changed, LIMITS[name], isUnlimited && name === 'local');
    return [name, { ...methods, ...own }];
  };
  const managed = { ...managedArea(runtime), ...eventsOf('storage.managed', ['onChanged']) };
  return { ...Object.fromEntries(Object.entries(filesOf(file)).map(area)), managed, onChanged };
}

module.exports = { LIMITS, filesOf, storageArea, storageOf };

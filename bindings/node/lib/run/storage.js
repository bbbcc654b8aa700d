// Areas of chrome.storage, each on a file.
'use strict';

const { Buffer } = require('node:buffer');
const fs = require('node:fs');
const path = require('node:path');
const { setImmediate } = require('node:timers');
const { Array, Error, JSON, Object } = require('../globals');
const { methodsOf } = require('./methods');
const { kept, membersOf } = require('./values');

/** The limits of the areas. Those on the number of writes are shown, but not enforced: no network is involved. */
const LIMITS = {
  local: { QUOTA_BYTES: 10 * 1024 * 1024 },
  sync: {
    QUOTA_BYTES: 100 * 1024, QUOTA_BYTES_PER_ITEM: 8 * 1024, MAX_ITEMS: 512,
    MAX_WRITE_OPERATIONS_PER_HOUR: 1800, MAX_WRITE_OPERATIONS_PER_MINUTE: 120,
    MAX_SUSTAINED_WRITE_OPERATIONS_PER_MINUTE: 1_000_000,
  },
};

/** Items by name. They have no prototype: any name is just a name. */
const itemsOf = (object) => Object.assign(Object.create(null), object);

function load(file) {
  try {
    return itemsOf(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch (error) {
    if (error.code === 'ENOENT') return itemsOf({});
    throw new Error(`cannot read ${file}: ${error.message}`);
  }
}

function save(file, items) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  // Whole or not at all, also if the process dies meanwhile.
  fs.writeFileSync(`${file}.new`, JSON.stringify(items));
  fs.renameSync(`${file}.new`, file);
}

/** The names and defaults that `get` is given: null for all, a name, names, or names with defaults. */
function wanted(keys, all) {
  if (keys === null) return { names: Object.keys(all), defaults: {} };
  if (typeof keys === 'string') return { names: [keys], defaults: {} };
  if (Array.isArray(keys)) return { names: keys, defaults: {} };
  return { names: Object.keys(keys), defaults: membersOf(keys) };
}

/** Parameters and outcomes of the methods, as the reference has them. */
const keys = (choices, optional) => ({ name: 'keys', type: 'choices', choices, optional });
const MEMBERS = {
  get: { parameters: [keys(['string', 'array', 'object'], true)], outcome: 'items' },
  getBytesInUse: { parameters: [keys(['string', 'array'], true)], outcome: 'bytesInUse' },
  set: { parameters: [{ name: 'items', type: 'object' }], outcome: null },
  remove: { parameters: [keys(['string', 'array'], false)], outcome: null },
  clear: { parameters: [], outcome: null },
};

/** An item's size, as the reference has it: that of its name and of its JSON. */
const sizeOf = ([name, value]) => Buffer.byteLength(name) + Buffer.byteLength(JSON.stringify(value));

/** Throws if items are too large, too many, or one that is new or changed is. */
function checkLimits(limits, items, changes) {
  const sizes = Object.entries(items).map(sizeOf);
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const exceeded = {
    QUOTA_BYTES_PER_ITEM: Object.keys(changes).some((name) => sizeOf([name, items[name]]) > limits.QUOTA_BYTES_PER_ITEM),
    QUOTA_BYTES: sum(sizes) > limits.QUOTA_BYTES,
    MAX_ITEMS: sizes.length > limits.MAX_ITEMS,
  };
  const limit = Object.keys(exceeded).find((name) => exceeded[name]);
  if (limit) throw new Error(`${limit} quota exceeded`);
}

/** What `get` gives of the items that are held. */
function answerOf(asked, held) {
  const { names, defaults } = wanted(asked, held);
  const all = { ...defaults, ...held };
  return Object.fromEntries(names.filter((name) => Object.hasOwn(all, name)).map((name) => [name, kept(all[name])]));
}

/** A storage area; `changed` hears of changes, `runtime` of answers to callbacks. An unlimited one only shows its limits. */
function storageArea(file, runtime, changed, limits, isUnlimited) {
  let items = load(file);

  const change = (edits, check = () => {}) => {
    const told = [];
    const after = itemsOf(items);
    for (const [name, newValue] of edits) {
      const oldValue = items[name];
      if (JSON.stringify(oldValue) === JSON.stringify(newValue)) continue;
      told.push([name, { ...(oldValue !== undefined && { oldValue }), ...(newValue !== undefined && { newValue }) }]);
      if (newValue === undefined) delete after[name];
      else after[name] = newValue;
    }
    if (told.length === 0) return;
    // Not by assignment: a name may be `__proto__`.
    const changes = Object.fromEntries(told);
    check(after, changes);
    save(file, after);
    items = after;
    setImmediate(changed, changes);
  };

  const removal = (names) => change(names.map((name) => [name, undefined]));
  const operations = {
    get: (asked) => answerOf(asked, items),
    getBytesInUse(asked) {
      const held = wanted(asked, items).names.filter((name) => name in items);
      return held.reduce((sum, name) => sum + sizeOf([name, items[name]]), 0);
    },
    set: (edits) => change(Object.entries(membersOf(edits)), isUnlimited ? undefined : checkLimits.bind(null, limits)),
    remove: (asked) => removal([asked].flat()),
    clear: () => removal(Object.keys(items)),
  };

  return { ...methodsOf('storage', MEMBERS, operations, runtime), ...limits };
}

/** The area of an administrator, who has set nothing here. */
function managedArea(runtime) {
  const refuse = () => {
    throw new Error('This is a read-only store.');
  };
  const operations = { get: (asked) => answerOf(asked, {}), getBytesInUse: () => 0, set: refuse, remove: refuse, clear: refuse };
  return methodsOf('storage', MEMBERS, operations, runtime);
}

module.exports = { LIMITS, managedArea, storageArea };

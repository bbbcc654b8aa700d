// chrome.storage.local, on a file.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { setImmediate } = require('node:timers');
const { argumentsOf } = require('../arguments');

const MEGABYTE = 1024 * 1024;

/** Items by name. They have no prototype: any name is just a name. */
const itemsOf = (object) => Object.assign(Object.create(null), object);

/** Only what JSON can hold is stored. */
const plain = (value) => JSON.parse(JSON.stringify(value));

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
  return { names: Object.keys(keys), defaults: plain(keys) };
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

/** A storage area; `changed` hears of changes, `runtime` of answers to callbacks. */
function storageArea(file, runtime, changed) {
  let items = load(file);

  const change = (edits) => {
    const changes = {};
    const after = itemsOf(items);
    for (const [name, newValue] of edits) {
      const oldValue = items[name];
      if (JSON.stringify(oldValue) === JSON.stringify(newValue)) continue;
      changes[name] = { ...(oldValue !== undefined && { oldValue }), ...(newValue !== undefined && { newValue }) };
      if (newValue === undefined) delete after[name];
      else after[name] = newValue;
    }
    if (Object.keys(changes).length === 0) return;
    save(file, after);
    items = after;
    setImmediate(changed, changes);
  };

  const removal = (names) => change(names.map((name) => [name, undefined]));
  const operations = {
    get(asked) {
      const { names, defaults } = wanted(asked, items);
      const found = {};
      for (const name of names) {
        if (name in items) found[name] = plain(items[name]);
        else if (Object.hasOwn(defaults, name)) found[name] = defaults[name];
      }
      return found;
    },
    getBytesInUse(asked) {
      const held = wanted(asked, items).names.filter((name) => name in items);
      return held.reduce((sum, name) => sum + name.length + JSON.stringify(items[name]).length, 0);
    },
    set: (edits) => change(Object.entries(plain(edits))),
    remove: (asked) => removal([asked].flat()),
    clear: () => removal(Object.keys(items)),
  };

  const method = ([name, member]) => {
    const full = `storage.${name}`;
    const read = argumentsOf({ ...member, name: full, callback: 'promise' }, {});
    return (...given) => {
      const values = read(given);
      const callback = values.pop();
      let outcome = [];
      let message = null;
      try {
        const result = operations[name](...values);
        if (result !== undefined) outcome = [result];
      } catch (error) {
        ({ message } = error);
      }
      if (!callback) return message === null ? Promise.resolve(outcome[0]) : Promise.reject(new Error(message));
      setImmediate(() => runtime.answer(full, callback, outcome, message));
      return undefined;
    };
  };
  const methods = Object.entries(MEMBERS).map((entry) => [entry[0], method(entry)]);
  return { ...Object.fromEntries(methods), QUOTA_BYTES: 10 * MEGABYTE };
}

module.exports = { storageArea };

// chrome.storage.local, on a file.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { setImmediate } = require('node:timers');

function load(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

/** The names and defaults that `get` and its like are given: nothing, a name, names, or names with defaults. */
function wanted(keys, all) {
  if (keys === undefined || keys === null) return { names: Object.keys(all), defaults: {} };
  if (typeof keys === 'string') return { names: [keys], defaults: {} };
  if (Array.isArray(keys)) return { names: keys, defaults: {} };
  return { names: Object.keys(keys), defaults: keys };
}

/** Only what JSON can hold is stored. */
const plain = (value) => JSON.parse(JSON.stringify(value));

/** A storage area; `changed` hears of changes. */
function storageArea(file, changed) {
  const items = load(file);

  const save = () => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    // Whole or not at all, also if the process dies meanwhile.
    fs.writeFileSync(`${file}.new`, JSON.stringify(items));
    fs.renameSync(`${file}.new`, file);
  };

  const change = (edits) => {
    const changes = {};
    for (const [name, newValue] of Object.entries(edits)) {
      const oldValue = items[name];
      if (JSON.stringify(oldValue) === JSON.stringify(newValue)) continue;
      changes[name] = { ...(oldValue !== undefined && { oldValue }), ...(newValue !== undefined && { newValue }) };
      if (newValue === undefined) delete items[name];
      else items[name] = newValue;
    }
    if (Object.keys(changes).length === 0) return;
    save();
    setImmediate(changed, changes);
  };

  const removal = (names) => Object.fromEntries(names.map((name) => [name, undefined]));
  const operations = {
    get(keys) {
      const { names, defaults } = wanted(keys, items);
      const found = {};
      for (const name of names) {
        if (Object.hasOwn(items, name)) found[name] = plain(items[name]);
        else if (defaults[name] !== undefined) found[name] = defaults[name];
      }
      return found;
    },
    getBytesInUse(keys) {
      const held = wanted(keys, items).names.filter((name) => Object.hasOwn(items, name));
      return held.reduce((sum, name) => sum + name.length + JSON.stringify(items[name]).length, 0);
    },
    set(edits) {
      change(plain(edits));
    },
    remove(keys) {
      change(removal(wanted(keys, items).names));
    },
    clear() {
      change(removal(Object.keys(items)));
    },
  };

  // `keys` may be left out before a callback; without one, a promise is returned.
  const entry = (operation) => (...given) => {
    const callback = typeof given.at(-1) === 'function' ? given.pop() : null;
    const result = operation(given[0]);
    if (!callback) return Promise.resolve(result);
    setImmediate(() => (result === undefined ? callback() : callback(result)));
    return undefined;
  };
  return Object.fromEntries(Object.entries(operations).map(([name, operation]) => [name, entry(operation)]));
}

module.exports = { storageArea };

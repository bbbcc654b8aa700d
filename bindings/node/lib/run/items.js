// The items of a storage area, each by its name as JSON, and their file.
'use strict';

const { Buffer } = require('node:buffer');
const fs = require('node:fs');
const path = require('node:path');
const process = require('node:process');
const { setImmediate } = require('node:timers');
const { Error, JSON, Map, Object, Promise } = require('../globals');

/** An item's size, as the reference has it: that of its name and of its JSON. */
const sizeOf = (name, json) => (json === undefined ? 0 : Buffer.byteLength(name) + Buffer.byteLength(json));

class Items extends Map {
  /** The size of them all. */
  bytes = 0;

  constructor(entries = []) {
    super();
    for (const [name, json] of entries) this.put(name, json);
  }

  /** Sets an item, or removes it if there is no JSON. */
  put(name, json) {
    this.bytes += sizeOf(name, json) - sizeOf(name, this.get(name));
    if (json === undefined) this.delete(name);
    else this.set(name, json);
  }
}

function load(file) {
  try {
    const items = JSON.parse(fs.readFileSync(file, 'utf8'));
    return new Items(Object.entries(items).map(([name, value]) => [name, JSON.stringify(value)]));
  } catch (error) {
    if (error.code === 'ENOENT') return new Items();
    throw new Error(`cannot read ${file}: ${error.message}`);
  }
}

function save(file, items) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const members = [...items].map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  // Whole or not at all, also if the process dies meanwhile.
  fs.writeFileSync(`${file}.new`, `{${members.join()}}`);
  fs.renameSync(`${file}.new`, file);
}

/** What `onChanged` tells of edits. */
function changesOf(edits, items) {
  const value = (key, json) => (json === undefined ? {} : { [key]: JSON.parse(json) });
  const told = ([name, json]) => [name, { ...value('oldValue', items.get(name)), ...value('newValue', json) }];
  // Not by assignment: a name may be `__proto__`.
  return Object.fromEntries(edits.map(told));
}

/** What is called in one turn of the loop is done at its end, in order, and written together. `changed` hears of changes. */
class Store {
  items;
  #file;
  #changed;
  #calls = [];
  /** What the calls have changed, and the items before that. */
  #changes = [];
  #before;

  constructor(file, changed) {
    this.#file = file;
    this.#changed = changed;
    this.items = load(file);
  }

  /** The promise of what an operation gives, or of its failure. */
  later(operation) {
    if (this.#calls.length === 0) {
      setImmediate(this.#run);
      // The app may end before that.
      process.once('exit', this.#run);
    }
    return new Promise((resolve, reject) => {
      this.#calls.push({ operation, resolve, reject });
    });
  }

  /** For an operation: sets items, or removes those without JSON. `check` may refuse that. */
  change(edits, check = () => {}) {
    const made = edits.filter(([name, json]) => this.items.get(name) !== json);
    if (made.length === 0) return;
    check(this.items, made);
    if (this.#changes.length === 0) this.#before = [...this.items];
    this.#changes.push(changesOf(made, this.items));
    for (const [name, json] of made) this.items.put(name, json);
  }

  #run = () => {
    process.off('exit', this.#run);
    const calls = this.#calls;
    this.#calls = [];
    const outcomes = calls.map(({ operation }) => this.#outcomeOf(operation));
    const failure = this.#write();
    calls.forEach(({ resolve, reject }, n) => {
      const { result, error, isChange } = outcomes[n];
      if (error ?? (isChange && failure)) reject(error ?? failure);
      else resolve(result);
    });
  };

  #outcomeOf(operation) {
    const { length } = this.#changes;
    try {
      const result = operation(this.items);
      return { result, isChange: this.#changes.length > length };
    } catch (error) {
      return { error };
    }
  }

  /** Writes what was changed, or undoes it; why, if so. */
  #write() {
    if (this.#changes.length === 0) return null;
    const changes = this.#changes;
    this.#changes = [];
    try {
      save(this.#file, this.items);
    } catch (error) {
      this.items = new Items(this.#before);
      return error;
    }
    for (const each of changes) setImmediate(this.#changed, each);
    return null;
  }
}

module.exports = { Store, sizeOf };

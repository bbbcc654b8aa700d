// chrome.runtime, as far as networking code touches it.
'use strict';

const { Buffer } = require('node:buffer');
const { createHash } = require('node:crypto');
const { console, JSON, parseInt, String } = require('./globals');
const { report } = require('./event');

/**
 * An app's id: 32 letters a to p, made from the key of its manifest, as Chrome does; from `otherwise`, if it has none.
 */
function idOf(manifest, otherwise) {
  const { key } = manifest ?? {};
  const seed = typeof key === 'string' ? Buffer.from(key, 'base64') : otherwise;
  const digits = createHash('sha256').update(seed).digest('hex').slice(0, 32);
  return [...digits].map((digit) => String.fromCharCode(97 + parseInt(digit, 16))).join('');
}

const runtimes = new WeakMap();

/** What is behind an object `chrome.runtime`. */
const runtimeOf = (object) => runtimes.get(object);

class Runtime {
  #lastError;
  #isChecked = false;

  /** `manifest`: its text, or null. */
  constructor(manifest) {
    const runtime = this;
    const read = () => JSON.parse(manifest ?? '{}');
    this.object = {
      // Programs assign to it and delete it; neither may outlive the callback.
      __proto__: {
        get lastError() {
          runtime.#isChecked = true;
          return runtime.#lastError;
        },
        set lastError(value) {
          runtime.#lastError = value;
        },
      },
      id: idOf(read(), manifest ?? 'null'),
      getManifest: read,
      getURL: (path) => `chrome-extension://${this.object.id}/${String(path).replace(/^\//, '')}`,
    };
    runtimes.set(this.object, this);
  }

  /** Runs the callback of a call with its outcome; whether there was one. */
  answer(name, callback, outcome, message) {
    if (message === null) {
      if (callback) this.#call(name, callback, outcome);
      return callback !== null;
    }
    this.#lastError = { message };
    this.#isChecked = false;
    try {
      if (callback) this.#call(name, callback, outcome);
    } finally {
      this.#lastError = undefined;
    }
    if (!this.#isChecked) console.warn(`Unchecked runtime.lastError: ${message}`);
    return callback !== null;
  }

  #call(name, callback, outcome) {
    try {
      callback(...outcome);
    } catch (error) {
      report(`Error in response to ${name}:`, error);
    }
  }
}

module.exports = { Runtime, idOf, runtimeOf };

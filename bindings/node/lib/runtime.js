// chrome.runtime, as far as networking code touches it.
'use strict';

const { Buffer } = require('node:buffer');
const { createHash } = require('node:crypto');
const { JSON, parseInt, Reflect, String } = require('./globals');
const { report, reportUnchecked } = require('./report');
const { afterTask } = require('./task');

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
  /** What lastError says, or said last, and whether anyone has asked for it. */
  #message;
  #isChecked = false;

  /** `manifest`: its text, or null. */
  constructor(manifest) {
    const read = () => JSON.parse(manifest ?? '{}');
    this.object = {
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
    this.#message = message;
    this.#isChecked = false;
    if (!callback) {
      this.#warn();
      return false;
    }
    this.#setError({ message });
    try {
      this.#call(name, callback, outcome);
    } finally {
      // As in Chrome it is there until what the callback has settled has run on.
      this.#clearError();
    }
    return true;
  }

  /** Only now is there such a property, the object's own: programs ask whether it is there. They may assign to it. */
  #setError(value) {
    Reflect.defineProperty(this.object, 'lastError', {
      get: () => {
        this.#isChecked = true;
        return value;
      },
      set: (own) => {
        value = own;
      },
      configurable: true,
      enumerable: true,
    });
  }

  #clearError = afterTask(() => {
    Reflect.deleteProperty(this.object, 'lastError');
    this.#warn();
  });

  #warn() {
    if (!this.#isChecked) reportUnchecked(this.#message);
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

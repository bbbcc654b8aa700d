// What a background page finds in its global object, as far as networking code touches it.
'use strict';

const { Buffer } = require('node:buffer');
const os = require('node:os');
const process = require('node:process');

const ENDS = ['load', 'loadend'];

/** Reads a Blob as the web does; what is in memory cannot fail, nor be aborted. */
class FileReader extends EventTarget {
  static EMPTY = 0;
  static LOADING = 1;
  static DONE = 2;

  readyState = FileReader.EMPTY;
  result = null;
  error = null;

  constructor() {
    super();
    for (const name of ENDS) this.addEventListener(name, (event) => this[`on${name}`]?.(event));
  }

  readAsArrayBuffer(blob) {
    this.#read(blob, (buffer) => buffer);
  }

  readAsText(blob, encoding) {
    this.#read(blob, (buffer) => new TextDecoder(encoding).decode(buffer));
  }

  readAsDataURL(blob) {
    const type = blob.type || 'application/octet-stream';
    this.#read(blob, (buffer) => `data:${type};base64,${Buffer.from(buffer).toString('base64')}`);
  }

  async #read(blob, convert) {
    this.readyState = FileReader.LOADING;
    const buffer = await blob.arrayBuffer();
    this.result = convert(buffer);
    this.readyState = FileReader.DONE;
    for (const name of ENDS) this.dispatchEvent(new Event(name));
  }
}

function locationOf(chrome) {
  const url = new URL(chrome.runtime.getURL('_generated_background_page.html'));
  const { href, protocol, host, hostname, port, pathname, search, hash } = url;
  const origin = `${protocol}//${host}`;
  return { href, origin, protocol, host, hostname, port, pathname, search, hash, toString: () => href };
}

const navigator = {
  userAgent: `Node.js/${process.versions.node.split('.')[0]}`,
  language: Intl.DateTimeFormat().resolvedOptions().locale,
  get onLine() {
    return Object.values(os.networkInterfaces()).some((addresses) => addresses.some(({ internal }) => !internal));
  },
};

const target = new EventTarget();
target.addEventListener('load', (event) => globalThis.onload?.(event));

/** Makes the global object a page's. */
function furnish(chrome) {
  const globals = { chrome, window: globalThis, self: globalThis, navigator, location: locationOf(chrome), FileReader };
  for (const verb of ['addEventListener', 'removeEventListener', 'dispatchEvent']) globals[verb] = target[verb].bind(target);
  for (const [name, value] of Object.entries(globals)) {
    // Some are there already in newer versions of Node, and read-only.
    Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: true, writable: true });
  }
}

/** The scripts have run. */
function loaded() {
  target.dispatchEvent(new Event('load'));
}

module.exports = { furnish, loaded };

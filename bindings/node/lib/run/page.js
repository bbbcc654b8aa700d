// What a background page finds in its global object, as far as networking code touches it.
'use strict';

const { Buffer } = require('node:buffer');
const os = require('node:os');
const process = require('node:process');
const { withHandlers } = require('./handlers');
const { decoded, fetchOf, requestOf } = require('./request');

/** Reads a Blob as the web does; what is in memory cannot fail, nor be aborted. */
class FileReader extends withHandlers(['loadstart', 'load', 'loadend']) {
  static EMPTY = 0;
  static LOADING = 1;
  static DONE = 2;

  readyState = FileReader.EMPTY;
  result = null;
  error = null;

  readAsArrayBuffer(blob) {
    this.#read(blob, (buffer) => buffer);
  }

  readAsBinaryString(blob) {
    this.#read(blob, (buffer) => Buffer.from(buffer).toString('latin1'));
  }

  readAsText(blob, encoding) {
    this.#read(blob, (buffer) => decoded(buffer, encoding));
  }

  readAsDataURL(blob) {
    const type = blob.type || 'application/octet-stream';
    this.#read(blob, (buffer) => `data:${type};base64,${Buffer.from(buffer).toString('base64')}`);
  }

  #read(blob, convert) {
    if (typeof blob?.arrayBuffer !== 'function') throw new TypeError('FileReader reads a Blob, and was given something else');
    this.readyState = FileReader.LOADING;
    blob.arrayBuffer().then((buffer) => {
      this.result = convert(buffer);
      this.readyState = FileReader.DONE;
      for (const name of ['load', 'loadend']) this.dispatchEvent(new Event(name));
    });
    this.dispatchEvent(new Event('loadstart'));
  }
}

function locationOf(chrome) {
  const url = new URL(chrome.runtime.getURL('_generated_background_page.html'));
  const { href, protocol, host, hostname, port, pathname, search, hash } = url;
  const origin = `${protocol}//${host}`;
  return { href, origin, protocol, host, hostname, port, pathname, search, hash, toString: () => href };
}

/** Programs look for the version of Chrome; which one has this V8 tells what of the language there is: 12.4 is 124's. */
function userAgentOf() {
  const system = process.platform === 'darwin' ? 'Macintosh; Intel Mac OS X 10_15_7' : `X11; ${os.type()} ${os.machine()}`;
  const [major, minor] = process.versions.v8.split('.');
  const [node] = process.versions.node.split('.');
  const engine = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  return `Mozilla/5.0 (${system}) ${engine} Chrome/${major}${minor}.0.0.0 Safari/537.36 Node.js/${node}`;
}

const userAgent = userAgentOf();
const LANGUAGE = Intl.DateTimeFormat().resolvedOptions().locale;
const navigator = {
  userAgent,
  appVersion: userAgent.replace('Mozilla/', ''),
  appName: 'Netscape',
  appCodeName: 'Mozilla',
  product: 'Gecko',
  vendor: 'Google Inc.',
  platform: process.platform === 'darwin' ? 'MacIntel' : `${os.type()} ${os.machine()}`,
  language: LANGUAGE,
  languages: [LANGUAGE],
  hardwareConcurrency: os.cpus().length,
  get onLine() {
    return Object.values(os.networkInterfaces()).some((addresses) => addresses.some(({ internal }) => !internal));
  },
};

/** Timers of Node's, which its own `fetch` needs, with a page's manners: `this`, no handler at all, a number in JSON. */
function timers() {
  const timer = (set) => (handler, delay, ...values) => {
    const isCode = typeof handler === 'function';
    return set(() => (isCode ? handler.apply(globalThis, values) : undefined), delay);
  };
  const { setTimeout, setInterval } = globalThis;
  const any = setTimeout(() => {});
  clearTimeout(any);
  Object.getPrototypeOf(any).toJSON = function toJSON() {
    return Number(this);
  };
  return { setTimeout: timer(setTimeout), setInterval: timer(setInterval) };
}

const target = new EventTarget();
target.addEventListener('load', (event) => globalThis.onload?.(event));

/** Makes the global object a page's; `folder` is the app's. */
function furnish(chrome, folder) {
  const location = locationOf(chrome);
  const fetch = fetchOf(folder, location);
  const globals = {
    chrome, window: globalThis, self: globalThis, navigator, location, FileReader, fetch,
    XMLHttpRequest: requestOf(fetch, location), ...timers(),
  };
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

let isTelling = false;

/** Tells the page of what nothing has caught; whether it takes care of it. What its handlers throw is not told again. */
function tell(type, properties, call) {
  if (isTelling) return false;
  isTelling = true;
  const event = Object.assign(new Event(type, { cancelable: true }), properties);
  try {
    target.dispatchEvent(event);
    call(event);
  } catch (error) {
    console.error('Uncaught', error);
  }
  // Listeners throw in the ticks before this one.
  process.nextTick(() => {
    isTelling = false;
  });
  return event.defaultPrevented;
}

function raised(error) {
  const isObject = typeof error === 'object' && error !== null;
  const words = error instanceof Error ? `${error.name}: ${error.message}` : (isObject ? Object.prototype.toString.call(error) : String(error));
  const message = `Uncaught ${words}`;
  return tell('error', { message, filename: '', lineno: 0, colno: 0, error }, (event) => {
    if (globalThis.onerror?.(message, '', 0, 0, error) === true) event.preventDefault();
  });
}

function rejected(reason, promise) {
  return tell('unhandledrejection', { reason, promise }, (event) => globalThis.onunhandledrejection?.(event));
}

module.exports = { LANGUAGE, furnish, loaded, raised, rejected };

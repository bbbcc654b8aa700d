// What a background page finds in its global object, as far as networking code touches it.
'use strict';

const { setMaxListeners } = require('node:events');
const os = require('node:os');
const process = require('node:process');
const { setImmediate } = require('node:timers');
const { console, Error, Event, MessageEvent, Object, String, structuredClone, URL } = require('./globals');
const { report: show } = require('../report');
const { TextDecoder } = require('./encoding');
const { FileReader } = require('./reader');
const { fetchOf, requestOf } = require('./request');
const { importScriptsOf } = require('./scripts');
const timers = require('./timers');

function locationOf(chrome, page) {
  const url = new URL(chrome.runtime.getURL(page));
  const { href, protocol, host, hostname, port, pathname, search, hash } = url;
  const origin = `${protocol}//${host}`;
  return { href, origin, protocol, host, hostname, port, pathname, search, hash, toString: () => href };
}

/** Programs judge by Chrome's version which features there are, so it is that of the Chrome with this V8: 12.4 is 124's. */
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

const target = new EventTarget();
const listeners = new WeakMap();

/** A listener as a page's: `this` is the window, which hears of what it throws. */
function ofWindow(listener) {
  const isObject = typeof listener === 'object' && listener !== null;
  if (typeof listener !== 'function' && !isObject) return listener;
  if (!listeners.has(listener)) {
    listeners.set(listener, (event) => {
      try {
        if (isObject) listener.handleEvent(event);
        else listener.call(globalThis, event);
      } catch (error) {
        report(error);
      }
    });
  }
  return listeners.get(listener);
}

/** The window as something that events are sent to. */
const WINDOW = {
  addEventListener: (type, listener, options) => target.addEventListener(type, ofWindow(listener), options),
  removeEventListener: (type, listener, options) => target.removeEventListener(type, ofWindow(listener), options),
  dispatchEvent(event) {
    for (const name of ['target', 'currentTarget', 'srcElement']) {
      Object.defineProperty(event, name, { value: globalThis, configurable: true });
    }
    return target.dispatchEvent(event);
  },
};
for (const type of ['load', 'message']) WINDOW.addEventListener(type, (event) => globalThis[`on${type}`]?.(event));

/** What no Chrome App has, as it finds it: a line on the console, and it goes on. */
const unavailable = (name, instead = '') => () => console.error(`window.${name} is not available in packaged apps.${instead}`);
const DIALOGS = Object.fromEntries(['alert', 'confirm', 'prompt'].map((name) => [name, unavailable(name)]));

/** An app may put something of its own in its place. */
function hideLocalStorage() {
  Object.defineProperty(globalThis, 'localStorage', {
    get: unavailable('localStorage', ' Use chrome.storage.local instead.'),
    set: (value) => Object.defineProperty(globalThis, 'localStorage', { value, writable: true }),
    configurable: true,
    enumerable: true,
  });
}

/** The window's postMessage: to itself, as there is no other. */
const postMessageOf = (origin) => (message, options, transfer) => {
  const isObject = typeof options === 'object' && options !== null;
  const to = (isObject ? options.targetOrigin : options) ?? '/';
  const data = structuredClone(message, { transfer: isObject ? options.transfer : transfer });
  if (to !== '*' && to !== '/' && to !== origin) return;
  const event = new MessageEvent('message', { data, origin });
  Object.defineProperty(event, 'source', { value: globalThis });
  setImmediate(WINDOW.dispatchEvent, event);
};

/** Where Node has none: programs that name it are loaded all the same. */
class WebSocket {
  constructor() {
    throw new Error('WebSocket is not available in this Node: Node 22 has it, or Node 20 with NODE_OPTIONS=--experimental-websocket');
  }
}

/** A console for the page: what it puts in place of a function of it is not what its errors are told by. */
const consoleOf = () => Object.create(Object.getPrototypeOf(console), Object.getOwnPropertyDescriptors(console));

/** Makes the global object that of `page`; `folder` is the app's, `close` ends it. */
function furnish(chrome, folder, page, close) {
  const location = locationOf(chrome, page);
  const fetch = fetchOf(folder, location);
  // A page may have as many listeners as it likes: of its window, and of what it makes from now on.
  setMaxListeners(0, target);
  setMaxListeners(0);
  // Libraries that see it take this for Node, and ask for a `require` that no page has.
  delete globalThis.process;
  const globals = {
    window: globalThis, self: globalThis, top: globalThis, parent: globalThis, frames: globalThis,
    chrome, console: consoleOf(), navigator, location, close, FileReader, TextDecoder, fetch,
    XMLHttpRequest: requestOf(fetch, location), postMessage: postMessageOf(location.origin),
    importScripts: importScriptsOf(folder, location), ...WINDOW, ...DIALOGS, ...timers,
    ...(!('WebSocket' in globalThis) && { WebSocket }),
  };
  for (const [name, value] of Object.entries(globals)) {
    // Some are there already in newer versions of Node, and read-only.
    Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: true, writable: true });
  }
  hideLocalStorage();
}

/** The scripts have run. */
function loaded() {
  WINDOW.dispatchEvent(new Event('DOMContentLoaded', { bubbles: true }));
  WINDOW.dispatchEvent(new Event('load'));
}

let isTelling = false;

/** Sends the page an event about an uncaught error; whether its handlers prevented the report. Their own errors raise none. */
function tell(type, properties, call) {
  if (isTelling) return false;
  isTelling = true;
  const event = Object.assign(new Event(type, { cancelable: true }), properties);
  try {
    WINDOW.dispatchEvent(event);
    call(event);
  } catch (error) {
    report(error);
  } finally {
    isTelling = false;
  }
  return event.defaultPrevented;
}

/** An error that nothing has caught; the page lives on. */
function report(error) {
  const message = `Uncaught ${wordsOf(error)}`;
  const isTaken = tell('error', { message, filename: '', lineno: 0, colno: 0, error }, (event) => {
    if (globalThis.onerror?.(message, '', 0, 0, error) === true) event.preventDefault();
  });
  if (!isTaken) show('Uncaught', error);
}

function wordsOf(error) {
  try {
    if (error instanceof Error) return `${error.name}: ${error.message}`;
    return typeof error === 'object' && error !== null ? Object.prototype.toString.call(error) : String(error);
  } catch {
    return 'what cannot be shown';
  }
}

/** The same of a promise. */
function reportRejection(reason, promise) {
  const isTaken = tell('unhandledrejection', { reason, promise }, (event) => globalThis.onunhandledrejection?.(event));
  if (!isTaken) show('Uncaught (in promise)', reason);
}

module.exports = { LANGUAGE, furnish, loaded, report, reportRejection };

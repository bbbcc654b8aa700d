// How a page asks for things: fetch, which also knows the app's own files, and XMLHttpRequest on top of it.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { clearTimeout, setTimeout } = require('node:timers');
const {
  AbortController, decodeURIComponent, DOMException, Headers, Object, Request, Response, TypeError, URL,
} = require('./globals');
const { decoded } = require('./encoding');
const { fileOf } = require('./files');
const { progressEvent, withHandlers } = require('./handlers');

const SCHEME = 'chrome-extension:';
const TYPES = {
  css: 'text/css', gif: 'image/gif', htm: 'text/html', html: 'text/html', jpeg: 'image/jpeg', jpg: 'image/jpeg',
  js: 'text/javascript', json: 'application/json', png: 'image/png', svg: 'image/svg+xml', txt: 'text/plain',
  wasm: 'application/wasm', xml: 'text/xml',
};

async function own(file) {
  let data;
  try {
    data = await fs.promises.readFile(file);
  } catch (cause) {
    throw new TypeError('Failed to fetch', { cause });
  }
  const type = TYPES[path.extname(file).slice(1).toLowerCase()];
  return new Response(data, { headers: type ? { 'content-type': type } : {} });
}

/** A page's `fetch`: addresses are relative to the page, and those of its own origin are files in `folder`. */
function fetchOf(folder, location) {
  const { fetch } = globalThis;
  return async (resource, options) => {
    const url = new URL(resource instanceof Request ? resource.url : resource, location.href);
    if (url.protocol === SCHEME && url.host === location.host) return own(fileOf(folder, decodeURIComponent(url.pathname)));
    return fetch(resource instanceof Request ? resource : url, options);
  };
}

const EVENTS = ['readystatechange', 'loadstart', 'progress', 'load', 'error', 'abort', 'timeout', 'loadend'];
const STATES = { UNSENT: 0, OPENED: 1, HEADERS_RECEIVED: 2, LOADING: 3, DONE: 4 };

/** What a response becomes for each `responseType` that is not text. */
const CONVERT = {
  arraybuffer: (response) => response.arrayBuffer(),
  blob: (response) => response.blob(),
  json: (response) => response.json().catch(() => null),
};

/** What a content type says of the encoding. */
const charsetOf = (type) => /charset="?([^;"]+)/i.exec(type)?.[1];

/** XMLHttpRequest by means of `fetch`, asynchronous only: as for apps in Chrome. */
function requestOf(fetch, location) {
  class XMLHttpRequest extends withHandlers(EVENTS) {
    readyState = STATES.UNSENT;
    status = 0;
    statusText = '';
    response = '';
    responseType = '';
    responseURL = '';
    responseXML = null;
    timeout = 0;
    withCredentials = false;
    upload = new (withHandlers(EVENTS))();
    #request;
    #headers = new Headers();
    #type;
    #running = null;

    open(method, url, isAsync = true) {
      if (!isAsync) throw new DOMException('Synchronous XMLHttpRequest is not available in apps.', 'InvalidAccessError');
      this.#running?.abort();
      this.#running = null;
      this.#request = { method: method.toUpperCase(), url: new URL(url, location.href).href, headers: new Headers() };
      this.#become(STATES.OPENED);
    }

    setRequestHeader(name, value) {
      this.#opened('setRequestHeader').headers.append(name, value);
    }

    overrideMimeType(type) {
      this.#type = type;
    }

    getResponseHeader(name) {
      return this.#headers.get(name);
    }

    getAllResponseHeaders() {
      return [...this.#headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    }

    get responseText() {
      if (this.#isText) return this.response;
      const message = `The value is only accessible if responseType is '' or 'text' (was '${this.responseType}').`;
      throw new DOMException(message, 'InvalidStateError');
    }

    send(body) {
      const { url, headers, method } = this.#opened('send');
      const running = new AbortController();
      this.#running = running;
      this.#clear();
      const timer = this.timeout > 0 ? setTimeout(() => this.#stop('timeout'), this.timeout) : undefined;
      running.signal.addEventListener('abort', () => clearTimeout(timer));
      this.#tell('loadstart');
      const isSent = body !== undefined && body !== null && method !== 'GET' && method !== 'HEAD';
      this.#run(url, { method, headers, signal: running.signal, ...(isSent && { body }) }, running);
    }

    abort() {
      this.#stop('abort');
    }

    async #run(url, request, running) {
      const isOver = () => this.#running !== running;
      try {
        const response = await fetch(url, request);
        if (isOver()) return;
        [this.status, this.statusText, this.responseURL] = [response.status, response.statusText, response.url || url];
        this.#headers = response.headers;
        this.#become(STATES.HEADERS_RECEIVED);
        const result = await this.#convert(response);
        if (isOver()) return;
        this.#become(STATES.LOADING);
        this.response = result;
        const loaded = result?.byteLength ?? result?.size ?? result?.length;
        this.#tell('progress', loaded);
        this.#end('load', loaded);
      } catch {
        if (!isOver()) this.#stop('error');
      }
    }

    async #convert(response) {
      if (!this.#isText) return (CONVERT[this.responseType] ?? CONVERT.arraybuffer)(response);
      return decoded(await response.arrayBuffer(), charsetOf(this.#type ?? response.headers.get('content-type')));
    }

    get #isText() {
      return this.responseType === '' || this.responseType === 'text';
    }

    #opened(method) {
      if (this.readyState === STATES.OPENED && !this.#running) return this.#request;
      const message = `Failed to execute '${method}' on 'XMLHttpRequest': The object's state must be OPENED.`;
      throw new DOMException(message, 'InvalidStateError');
    }

    #clear() {
      [this.status, this.statusText, this.responseURL, this.#headers] = [0, '', '', new Headers()];
      this.response = this.#isText ? '' : null;
    }

    /** Ends a request that is under way without a response. */
    #stop(type) {
      if (!this.#running) return;
      this.#clear();
      this.#end(type);
    }

    #end(type, loaded) {
      const running = this.#running;
      this.#running = null;
      running.abort();
      this.#become(STATES.DONE);
      this.#tell(type, loaded);
      this.#tell('loadend', loaded);
    }

    #become(state) {
      this.readyState = state;
      this.#tell('readystatechange');
    }

    #tell(type, loaded = 0) {
      this.dispatchEvent(progressEvent(type, loaded));
    }
  }
  Object.assign(XMLHttpRequest, STATES);
  Object.assign(XMLHttpRequest.prototype, STATES);
  return XMLHttpRequest;
}

module.exports = { fetchOf, requestOf };

// How a page asks for things: fetch, which also knows the app's own files, and XMLHttpRequest on top of it.
'use strict';

const { Blob, Buffer } = require('node:buffer');
const fs = require('node:fs');
const path = require('node:path');
const { unescape } = require('node:querystring');
const { clearTimeout, setTimeout } = require('node:timers');
const {
  AbortController, console, DOMException, Headers, Number, Object, Request, Response, Set, String, TypeError, URL,
} = require('./globals');
const { Incoming } = require('./encoding');
const { ownFile } = require('./files');
const { progressEvent, withHandlers } = require('./handlers');

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

/** What only a browser says in a request, as the Fetch Standard has it, beside names that begin with `proxy-` and `sec-`. */
const FORBIDDEN = new Set([
  'accept-charset', 'accept-encoding', 'access-control-request-headers', 'access-control-request-method', 'connection',
  'content-length', 'cookie', 'cookie2', 'date', 'dnt', 'expect', 'host', 'keep-alive', 'origin', 'referer', 'set-cookie', 'te',
  'trailer', 'transfer-encoding', 'upgrade', 'via',
]);
const isForbidden = (name) => /^(proxy|sec)-/i.test(name) || FORBIDDEN.has(String(name).toLowerCase());

/** A page's `fetch`: addresses are relative to the page, and those of its own origin are files in `folder`. */
function fetchOf(folder, location) {
  const { fetch } = globalThis;
  return async (resource, options) => {
    const url = new URL(resource instanceof Request ? resource.url : resource, location.href);
    const file = ownFile(folder, location, url);
    if (file !== null) return own(file);
    const request = new Request(resource instanceof Request ? resource : url, options);
    for (const name of [...request.headers.keys()].filter(isForbidden)) request.headers.delete(name);
    return fetch(request);
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

/** How long a body will be, or 0 if that is not said: of a compressed one the length is another. */
const totalOf = ({ headers }) => (headers.has('content-encoding') ? 0 : Number(headers.get('content-length')));

/** Takes name and password out of a URL; the header that says them, or null if there are none. */
function credentialsOf(url) {
  const { username, password } = url;
  if (username === '' && password === '') return null;
  Object.assign(url, { username: '', password: '' });
  return `Basic ${Buffer.from(`${unescape(username)}:${unescape(password)}`).toString('base64')}`;
}

/** Chrome's names of what ends a request, by Node's. */
const NET_ERRORS = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'CERT_AUTHORITY_INVALID', EAI_AGAIN: 'NAME_NOT_RESOLVED', ECONNREFUSED: 'CONNECTION_REFUSED',
  ECONNRESET: 'CONNECTION_RESET', EHOSTUNREACH: 'ADDRESS_UNREACHABLE', ENETUNREACH: 'ADDRESS_UNREACHABLE', ENOENT: 'FILE_NOT_FOUND',
  ENOTFOUND: 'NAME_NOT_RESOLVED', ERR_TLS_CERT_ALTNAME_INVALID: 'CERT_COMMON_NAME_INVALID', ETIMEDOUT: 'CONNECTION_TIMED_OUT',
  UND_ERR_CONNECT_TIMEOUT: 'CONNECTION_TIMED_OUT', UND_ERR_SOCKET: 'CONNECTION_CLOSED',
};

/** In a few words, why a request failed. */
function reasonOf({ message, cause }) {
  const known = NET_ERRORS[cause?.code];
  return known ? `net::ERR_${known}` : `net::ERR_FAILED (${cause?.message || message})`;
}

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

    open(method, url, isAsync = true, user = null, password = null) {
      if (!isAsync) throw new DOMException('Synchronous XMLHttpRequest is not available in apps.', 'InvalidAccessError');
      this.#running?.abort();
      this.#running = null;
      const address = new URL(url, location.href);
      Object.assign(address, { username: user ?? address.username, password: password ?? address.password });
      const credentials = credentialsOf(address);
      this.#request = { method: method.toUpperCase(), url: address.href, headers: new Headers(), credentials };
      this.#become(STATES.OPENED);
    }

    setRequestHeader(name, value) {
      const { headers } = this.#opened('setRequestHeader');
      if (isForbidden(name)) console.error(`Refused to set unsafe header "${name}"`);
      else headers.append(name, value);
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
      const { url, headers, method, credentials } = this.#opened('send');
      if (credentials && !headers.has('authorization')) headers.set('authorization', credentials);
      const running = new AbortController();
      this.#running = running;
      this.#clear();
      const timer = this.timeout > 0 ? setTimeout(() => this.#stop('timeout'), this.timeout) : undefined;
      running.signal.addEventListener('abort', () => clearTimeout(timer));
      this.#tell('loadstart');
      const isSent = body !== undefined && body !== null && method !== 'GET' && method !== 'HEAD';
      this.#run(url, { method, headers, signal: running.signal, ...(isSent && { body }) });
    }

    abort() {
      this.#stop('abort');
    }

    async #run(url, request) {
      const { method, signal } = request;
      try {
        const response = await fetch(url, request);
        signal.throwIfAborted();
        [this.status, this.statusText, this.responseURL] = [response.status, response.statusText, response.url || url];
        this.#headers = response.headers;
        this.#become(STATES.HEADERS_RECEIVED);
        signal.throwIfAborted();
        await this.#receive(response, signal);
      } catch (error) {
        // The page has ended it.
        if (signal.aborted) return;
        console.error(method, url, reasonOf(error));
        this.#stop('error');
      }
    }

    /** Takes a body as it comes: text grows, what is of another type is there at the end. Each time the page may end it. */
    async #receive(response, signal) {
      const isText = this.#isText;
      if (isText) this.response = '';
      const text = new Incoming(charsetOf(this.#type ?? response.headers.get('content-type')));
      const total = totalOf(response);
      const pieces = [];
      let loaded = 0;
      for await (const piece of response.body ?? []) {
        signal.throwIfAborted();
        loaded += piece.length;
        if (isText) this.response += text.next(piece);
        else pieces.push(piece);
        this.#become(STATES.LOADING);
        signal.throwIfAborted();
        this.#tell('progress', loaded, total);
      }
      const whole = isText ? this.response + text.end() : await this.#convert(pieces, response);
      signal.throwIfAborted();
      this.response = whole;
      this.#end('load', loaded, total);
    }

    #convert(pieces, { headers }) {
      return (CONVERT[this.responseType] ?? CONVERT.arraybuffer)(new Response(new Blob(pieces), { headers }));
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

    #end(type, loaded, total) {
      const running = this.#running;
      this.#running = null;
      running.abort();
      this.#become(STATES.DONE);
      this.#tell(type, loaded, total);
      this.#tell('loadend', loaded, total);
    }

    #become(state) {
      this.readyState = state;
      this.#tell('readystatechange');
    }

    #tell(type, loaded = 0, total = 0) {
      this.dispatchEvent(progressEvent(type, loaded, total));
    }
  }
  Object.assign(XMLHttpRequest, STATES);
  Object.assign(XMLHttpRequest.prototype, STATES);
  return XMLHttpRequest;
}

module.exports = { fetchOf, requestOf };

// chrome-app-run: the files of an app, what is loaded over the network, and texts in their encodings.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const { ran, web } = require('./support');

const FILES = { 'index.html': '<p>h\u00e9', 'data.bin': Buffer.from([0, 255, 128]), 'a b.json': '{"a":1}' };

test('fetch and XMLHttpRequest know the files of the app', async (t) => {
  const { lines, stderr } = await ran(t, `
    const show = async (name, what) => console.log(name, await what.catch(({ name, message }) => name + ' ' + message));
    const load = (url, type = '', method = 'GET') => new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.responseType = type;
      request.onload = function () { resolve([this.status, request.getResponseHeader('Content-Type'), request.response]); };
      request.onerror = ({ type, target }) => reject(new Error(type + target.status + target.readyState));
      request.send();
    });
    (async () => {
      await show('fetch', fetch('/index.html').then(async (r) => [r.status, r.headers.get('content-type'), await r.text()].join()));
      await show('own', fetch(chrome.runtime.getURL('a b.json')).then((r) => r.json()).then(({ a }) => a));
      await show('outside', fetch('../../../../etc/passwd'));
      await show('other', fetch('chrome-extension://' + 'a'.repeat(32) + '/index.html'));
      await show('text', load('index.html').then(String));
      await show('binary', load('data.bin?x#y', 'arraybuffer').then(([, , data]) => new Uint8Array(data).join()));
      await show('json', load(chrome.runtime.getURL('/a b.json'), 'json').then(([, , { a }]) => a));
      await show('none', load('none'));
    })();`, FILES);
  assert.deepStrictEqual(lines, [
    'fetch 200,text/html,<p>h\u00e9',
    'own 1',
    'outside TypeError Failed to fetch',
    'other TypeError fetch failed',
    'text 200,text/html,<p>h\u00e9',
    'binary 0,255,128',
    'json 1',
    'none Error error04',
  ], stderr);
});

test('XMLHttpRequest: states, headers, bodies, time-outs and ends', async (t) => {
  const address = await web(t, async (request, response) => {
    const body = [];
    for await (const part of request) body.push(part);
    if (request.url === '/never') return;
    response.writeHead(request.url === '/' ? 201 : 404, { 'X-Own': request.headers['x-own'] ?? 'none', 'Content-Type': 'text/plain; charset="latin1"' });
    response.end(Buffer.concat([Buffer.from(request.method), Buffer.concat(body), Buffer.from([0xe9])]));
  });
  const { lines, stderr } = await ran(t, `
    const KINDS = ['readystatechange', 'loadstart', 'progress', 'load', 'error', 'abort', 'timeout', 'loadend'];
    const run = (name, path, prepare = () => {}, body = undefined) => new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const seen = [];
      for (const kind of KINDS) {
        request.addEventListener(kind, () => seen.push(kind === 'readystatechange' ? request.readyState : kind));
      }
      request.open(body === undefined ? 'get' : 'POST', path);
      request.addEventListener('loadend', () => {
        console.log(name, seen.join(), request.status, request.getResponseHeader('x-own'), request.responseText);
        resolve();
      });
      prepare(request);
      request.send(body);
      if (name === 'abort') request.abort();
    });
    const address = ${JSON.stringify(address)};
    (async () => {
      await run('get', address);
      await run('post', address, (request) => request.setRequestHeader('X-Own', 'mine'), new Uint8Array([65, 66]).buffer);
      await run('missing', address + 'none');
      // A GET has no body: the second \`open\` counts.
      await run('bodiless', address, (request) => request.open('GET', address), 'body');
      await run('mime', address, (request) => request.overrideMimeType('text/plain; charset=iso-8859-2'));
      await run('timeout', address + 'never', (request) => { request.timeout = 1; });
      await run('abort', address + 'never');
      await run('refused', 'http://127.0.0.1:1/');
      for (const wrong of [(r) => r.send(), (r) => r.setRequestHeader('a', 'b'), (r) => r.open('GET', '/', false)]) {
        try { wrong(new XMLHttpRequest()); } catch ({ name }) { console.log(name); }
      }
      console.log('withCredentials' in new XMLHttpRequest(), 'onload' in new XMLHttpRequest(), XMLHttpRequest.DONE, new XMLHttpRequest().OPENED);
    })();`);
  assert.deepStrictEqual(lines, [
    'get 1,loadstart,2,3,progress,4,load,loadend 201 none GET\u00e9',
    'post 1,loadstart,2,3,progress,4,load,loadend 201 mine POSTAB\u00e9',
    'missing 1,loadstart,2,3,progress,4,load,loadend 404 none GET\u00e9',
    'bodiless 1,1,loadstart,2,3,progress,4,load,loadend 201 none GET\u00e9',
    'mime 1,loadstart,2,3,progress,4,load,loadend 201 none GET\u00e9',
    'timeout 1,loadstart,4,timeout,loadend 0 null ',
    'abort 1,loadstart,4,abort,loadend 0 null ',
    'refused 1,loadstart,4,error,loadend 0 null ',
    'InvalidStateError', 'InvalidStateError', 'InvalidAccessError',
    'true true 4 1',
  ], stderr);
});

test('FileReader: one Blob at a time, which may be aborted; the encoding that a text says of itself', async (t) => {
  const { lines, stderr } = await ran(t, `
    const text = (...bytes) => new Blob([new Uint8Array(bytes)]);
    const read = (reader, blob, ...more) => new Promise((resolve) => {
      const order = [];
      for (const kind of ['loadstart', 'progress', 'load', 'abort', 'error', 'loadend']) {
        if (reader['on' + kind] !== null) console.log('no', kind);
        reader['on' + kind] = ({ type, loaded, total, target }) => order.push(type + loaded + total + target.readyState);
      }
      reader.addEventListener('loadend', () => resolve(console.log(order.join(), JSON.stringify(reader.result), reader.DONE)), { once: true });
      reader.readAsText(blob, ...more);
    });
    (async () => {
      await read(new FileReader(), text(0xff, 0xfe, 65, 0));
      await read(new FileReader(), text(0xfe, 0xff, 0, 65), 'utf-8');
      await read(new FileReader(), text(0xef, 0xbb, 0xbf, 65), 'latin1');
      const reader = new FileReader();
      const aborted = read(reader, text(65));
      try { reader.readAsText(text(66)); } catch ({ name, message }) { console.log(name, message); }
      reader.abort();
      await aborted;
      reader.abort();
      // The second one begins within the first one's load, which then has no loadend.
      reader.onload = () => { reader.onload = () => console.log(reader.result); reader.readAsText(text(68)); };
      reader.onloadend = ({ type }) => console.log(type);
      reader.readAsText(text(67));
    })();`);
  assert.deepStrictEqual(lines, [
    'loadstart001,progress441,load442,loadend442 "A" 2', 'loadstart001,progress441,load442,loadend442 "A" 2',
    'loadstart001,progress441,load442,loadend442 "A" 2', 'InvalidStateError The object is already busy reading Blobs.',
    'loadstart001,abort002,loadend002 null 2', 'D', 'loadend',
  ], stderr);
});

test('FileReader: what is no Blob throws at once, an unknown encoding is UTF-8', async (t) => {
  const { lines, stderr } = await ran(t, `
    for (const wrong of [undefined, 'text', new ArrayBuffer(1)]) {
      try { new FileReader().readAsText(wrong); } catch ({ name }) { console.log(name); }
    }
    const reader = new FileReader();
    const order = [];
    for (const kind of ['loadstart', 'load', 'loadend']) reader['on' + kind] = ({ type }) => order.push(type + reader.readyState);
    reader.addEventListener('loadend', () => console.log(order.join(), reader.result));
    reader.readAsText(new Blob(['h\u00e9']), 'nonsense');`);
  assert.deepStrictEqual(lines, ['TypeError', 'TypeError', 'TypeError', 'loadstart1,load2,loadend2 h\u00e9'], stderr);
});

test('windows-1252 and x-user-defined are what the Encoding Standard says', async (t) => {
  const { lines, stderr } = await ran(t, `
    const bytes = Uint8Array.from({ length: 256 }, (none, n) => n);
    const codes = (text) => [...text].map((one) => one.codePointAt(0).toString(16)).join(' ');
    const high = bytes.subarray(0x80, 0xa1);
    for (const label of ['windows-1252', ' Latin1', 'iso-8859-1', 'ascii', 'us-ascii', 'x-user-defined', 'UTF8', 'koi8-r']) {
      const decoder = new TextDecoder(label, { fatal: true });
      console.log(decoder.encoding, decoder instanceof TextDecoder, decoder.fatal, label === 'UTF8' ? '' : codes(decoder.decode(high)));
    }
    const latin = new TextDecoder('latin1');
    console.log(latin.decode(bytes).length, latin.decode(new DataView(bytes.buffer, 0x80, 1)), latin.decode(bytes.buffer.slice(0x80, 0x81)), latin.decode() === '');
    const wrong = { label: () => new TextDecoder('nonsense'), data: () => latin.decode('text'), bytes: () => new TextDecoder('utf-8', { fatal: true }).decode(high) };
    for (const [name, f] of Object.entries(wrong)) {
      try { f(); } catch (error) { console.log(name, error.name); }
    }
    const reader = new FileReader();
    reader.onload = () => console.log('file', codes(reader.result));
    reader.readAsText(new Blob([high.subarray(0, 3)]), 'x-user-defined');
    const request = new XMLHttpRequest();
    request.open('GET', 'data.bin');
    request.overrideMimeType('text/plain; charset=x-user-defined');
    request.onload = () => console.log('request', [...request.responseText].map((one) => one.charCodeAt(0) & 0xff).join());
    request.send();`, FILES);
  const windows = '20ac 81 201a 192 201e 2026 2020 2021 2c6 2030 160 2039 152 8d 17d 8f '
    + '90 2018 2019 201c 201d 2022 2013 2014 2dc 2122 161 203a 153 9d 17e 178 a0';
  const own = Array.from({ length: 33 }, (none, n) => (0xf780 + n).toString(16)).join(' ');
  assert.deepStrictEqual(lines.slice(0, 6), [...Array(5).fill(`windows-1252 true true ${windows}`), `x-user-defined true true ${own}`], stderr);
  assert.deepStrictEqual(lines.slice(6, 8).map((line) => line.slice(0, 20)), ['utf-8 true true ', 'koi8-r true true 250']);
  assert.deepStrictEqual(lines.slice(8).sort(), [
    '256 \u20ac \u20ac true', 'bytes TypeError', 'data TypeError', 'file f780 f781 f782', 'label RangeError', 'request 0,255,128',
  ].sort());
});

// chrome-app-run: what a page's requests say, how their answers come, and what is told of those that fail.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const { gzipSync } = require('node:zlib');
const { freePort, peer, ran, web } = require('./support');

/** A server that answers with the headers of a request, and its body. */
const echo = (t) => web(t, async (request, response) => {
  const body = [];
  for await (const part of request) body.push(part);
  response.end(JSON.stringify({ headers: request.headers, body: Buffer.concat(body).toString() }));
});

/** What pages load with: the text of an answer, or what its end is called. */
const LOAD = `
  const load = (method, url, prepare = () => {}, ...more) => new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, url, true, ...more);
    prepare(request);
    request.onload = () => resolve(request.responseText);
    for (const kind of ['error', 'abort', 'timeout']) request['on' + kind] = () => resolve(kind);
    request.send(method === 'POST' ? 'a=\u00fc' : undefined);
  });`;

test('what only a browser says in a request is left out', async (t) => {
  const address = await echo(t);
  const own = { 'X-Own': '1', 'User-Agent': 'mine', SOAPACTION: '"a#b"', Security: 'a', Range: 'bytes=0-' };
  const refused = {
    'Accept-Charset': 'a', 'Accept-Encoding': 'own', 'Access-Control-Request-Headers': 'a', 'Access-Control-Request-Method': 'a',
    Connection: 'close', 'Content-length': '99', Cookie: 'a=b', Cookie2: 'a', Date: 'now', DNT: '1', Expect: '100-continue', Host: 'own',
    'Keep-Alive': '300', Origin: 'http://own', Referer: 'http://own/', 'Set-Cookie': 'a=b', TE: 'a', Trailer: 'a',
    'Transfer-Encoding': 'chunked', Upgrade: 'own', Via: 'own', 'Proxy-Own': 'a', 'sec-own': 'a',
  };
  const { lines, stderr } = await ran(t, `${LOAD}
    const [address, all] = ${JSON.stringify([address, Object.entries({ ...own, ...refused })])};
    (async () => {
      console.log(await load('POST', address, (request) => all.forEach(([name, value]) => request.setRequestHeader(name, value))));
      const ways = [
        [address, { headers: all }], [new Request(address, { headers: Object.fromEntries(all) }), undefined],
        [address, new Request(address, { headers: new Headers(all) })],
      ];
      for (const [resource, options] of ways) console.log(await (await fetch(resource, options)).text());
    })();`);
  assert.strictEqual(lines.length, 4, stderr);
  lines.forEach((line, n) => {
    const { headers, body } = JSON.parse(line);
    assert.strictEqual(body, n === 0 ? 'a=\u00fc' : '');
    for (const [name, value] of Object.entries(own)) assert.strictEqual(headers[name.toLowerCase()], value, name);
    for (const [name, value] of Object.entries(refused)) assert.notStrictEqual(headers[name.toLowerCase()], value, name);
  });
  assert.deepStrictEqual(stderr.trimEnd().split('\n'), Object.keys(refused).map((name) => `Refused to set unsafe header "${name}"`));
});

test('XMLHttpRequest says the name and the password that it is given', async (t) => {
  const address = await echo(t);
  const { lines, stderr } = await ran(t, `${LOAD}
    const address = ${JSON.stringify(address)};
    const at = (user) => address.replace('//', '//' + user + '@');
    const show = async (...how) => console.log(JSON.parse(await load('GET', ...how)).headers.authorization ?? 'none');
    const none = () => {};
    (async () => {
      await show(address, none, 'bob', 'p:\u00fc%');
      await show(at('b%6fb:p%3A%C3%BC%'));
      await show(at('bob:pw'), none, undefined, 'other');
      await show(at('bob'));
      await show(address, none, '', '');
      await show(address, none, null, null);
      await show(at('bob:pw'), (request) => request.setRequestHeader('Authorization', 'Own'));
      const request = new XMLHttpRequest();
      request.open('GET', at('bob:pw'));
      request.onload = () => console.log(request.responseURL === address);
      request.send();
    })();`);
  const basic = (words) => `Basic ${Buffer.from(words).toString('base64')}`;
  assert.deepStrictEqual(lines, [
    basic('bob:p:\u00fc%'), basic('bob:p:\u00fc%'), basic('bob:other'), basic('bob:'), 'none', 'none', 'Own', 'true',
  ], stderr);
});

test('XMLHttpRequest: an answer is told of as it comes, also one without end', async (t) => {
  // Whose length is not that of what a page gets.
  const zipped = gzipSync('a');
  const headers = { known: { 'Content-Length': 4 }, compressed: { 'Content-Length': zipped.length, 'Content-Encoding': 'gzip' } };
  const answers = {};
  const address = await web(t, (request, response) => {
    const [, name, next, isLast] = request.url.split('/');
    if (next) {
      answers[name].write(Buffer.from(next, 'hex'));
      if (isLast) answers[name].end();
      response.end();
    } else {
      answers[name] = response;
      response.writeHead(200, headers[name]);
      response.flushHeaders();
    }
  });
  const { lines, stderr } = await ran(t, `
    const run = (name, pieces, isLast, type = '') => new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const next = () => fetch('${address}' + name + '/' + pieces.shift());
      request.open('GET', '${address}' + name);
      request.responseType = type;
      request.onreadystatechange = () => {
        if (request.readyState === 2) next();
      };
      request.onprogress = ({ loaded, total, lengthComputable }) => {
        console.log(name, request.readyState, type === '' ? request.responseText : request.response, loaded, total, lengthComputable);
        if (pieces.length > 0) next();
        else if (isLast) request.abort();
      };
      request.onloadend = ({ loaded, total }) => {
        console.log(name, type === '' ? request.responseText : request.response?.byteLength, loaded, total);
        resolve();
      };
      request.send();
    });
    (async () => {
      await run('endless', ['6162', '64', 'c3', 'bc'], true);
      await run('marked', ['ff', 'fe', '6100fc', '00'], true);
      await run('known', ['6162', '6364/end'], false);
      await run('compressed', ['${zipped.toString('hex')}/end'], false);
      await run('binary', ['61', '62'], true, 'arraybuffer');
    })();`);
  assert.deepStrictEqual(lines, [
    'endless 3 ab 2 0 false', 'endless 3 abd 3 0 false', 'endless 3 abd 4 0 false', 'endless 3 abd\u00fc 5 0 false', 'endless  0 0',
    'marked 3  1 0 false', 'marked 3  2 0 false', 'marked 3 a 5 0 false', 'marked 3 a\u00fc 6 0 false', 'marked  0 0',
    'known 3 ab 2 4 true', 'known 3 abcd 4 4 true', 'known abcd 4 4',
    'compressed 3 a 1 0 false', 'compressed a 1 0',
    'binary 3 null 1 0 false', 'binary 3 null 2 0 false', 'binary undefined 0 0',
  ], stderr);
  assert.strictEqual(stderr, '');
});

test('XMLHttpRequest: of which type an answer is may be said when its headers are there', async (t) => {
  const address = await web(t, (request, response) => response.end('page'));
  const { lines, stderr } = await ran(t, `
    for (const [first, second] of [['arraybuffer', ''], ['', 'arraybuffer']]) {
      const request = new XMLHttpRequest();
      request.open('GET', '${address}');
      request.responseType = first;
      request.onreadystatechange = () => { if (request.readyState === 2) request.responseType = second; };
      request.onload = () => console.log(request.response.byteLength ?? request.responseText);
      request.send();
    }`);
  assert.deepStrictEqual(lines.sort(), ['4', 'page'], stderr);
});

test('XMLHttpRequest: a page may end or begin anew in each of its events', async (t) => {
  const address = await web(t, (request, response) => response.end('page'));
  const { lines, stderr } = await ran(t, `
    const run = (when, end) => new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const seen = [];
      const step = (name) => {
        seen.push(name);
        if (name !== when || seen.filter((each) => each === when).length > 1) return;
        end(request);
      };
      for (const kind of ['progress', 'load', 'abort', 'loadend']) request['on' + kind] = () => step(kind);
      request.onreadystatechange = () => step(request.readyState);
      request.addEventListener('loadend', () => {
        console.log(when, end.name, seen.join(), request.responseText);
        resolve();
      });
      request.open('GET', '${address}');
      request.send();
    });
    function abort(request) { request.abort(); }
    function again(request) { request.open('GET', '${address}'); request.send(); }
    (async () => {
      for (const when of [2, 3, 'progress']) {
        await run(when, abort);
        await run(when, again);
      }
    })();`);
  const whole = '1,2,3,progress,4,load,loadend page';
  assert.deepStrictEqual(lines, [
    '2 abort 1,2,4,abort,loadend ', `2 again 1,2,${whole}`,
    '3 abort 1,2,3,4,abort,loadend ', `3 again 1,2,3,${whole}`,
    'progress abort 1,2,3,progress,4,abort,loadend ', `progress again 1,2,3,progress,${whole}`,
  ], stderr);
});

test('XMLHttpRequest: the console says why a request failed', async (t) => {
  const closing = await peer(t, (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')));
  const wrong = await peer(t, (socket) => socket.once('data', () => socket.end('ICY 200 OK\r\n\r\n')));
  const silent = await peer(t, () => {});
  const refusing = await freePort();
  const [broken, other, unanswered, refused] = [closing, wrong, silent, refusing].map((port) => `http://127.0.0.1:${port}/`);
  const { lines, stderr } = await ran(t, `${LOAD}
    (async () => {
      for (const url of ${JSON.stringify([refused, broken, other, 'none.txt', 'http://127.0.0.1:6667/'])}) console.log(await load('get', url));
      console.log(await load('GET', '${unanswered}', (request) => setTimeout(() => request.abort())));
    })();`);
  assert.deepStrictEqual(lines, [...Array(5).fill('error'), 'abort'], stderr);
  const [first, second, third, fourth, fifth, ...none] = stderr.trimEnd().split('\n');
  assert.deepStrictEqual(none, []);
  assert.strictEqual(first, `GET ${refused} net::ERR_CONNECTION_REFUSED`);
  assert.strictEqual(second, `GET ${broken} net::ERR_CONNECTION_CLOSED`);
  assert.match(third, new RegExp(`^GET ${other} net::ERR_FAILED \\(.+\\)$`));
  assert.match(fourth, /^GET chrome-extension:\/\/[a-p]{32}\/none\.txt net::ERR_FILE_NOT_FOUND$/);
  assert.strictEqual(fifth, 'GET http://127.0.0.1:6667/ net::ERR_FAILED (bad port)');
});

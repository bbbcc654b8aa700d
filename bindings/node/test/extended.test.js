// Programs that add to Object.prototype, as libraries of their time did: what is given and answered stays the same.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { node } = require('./support');

/** The same conversation under each of the words that the package looks up, and those of property descriptors. */
const SCRIPT = `
  const { createChrome } = require('.');
  const api = require('./native/api.json');
  const { tcp, tcpServer, udp } = createChrome().sockets;
  const words = new Set(['get', 'set', 'value', 'writable', 'members', 'manifest']);
  const collect = (value) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [word, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) words.add(word);
      collect(inner);
    }
  };
  collect(api.members);
  collect(api.types);

  const called = (method, ...values) => new Promise((resolve) => method(...values, resolve));

  async function talk() {
    const server = await tcpServer.create();
    await called(tcpServer.listen, server.socketId, '127.0.0.1', 0);
    const { localPort } = await tcpServer.getInfo(server.socketId);
    const { socketId } = await tcp.create({ bufferSize: 4096 });
    const made = await tcp.getInfo(socketId);
    const connected = await called(tcp.connect, socketId, '127.0.0.1', localPort, 'ipv4');
    const sent = await called(tcp.send, socketId, new Uint8Array(3));
    const bare = await udp.create();
    await called(udp.bind, bare.socketId, '127.0.0.1', 0);
    await called(udp.joinGroup, bare.socketId, '224.0.0.251');
    const groups = await udp.getJoinedGroups(bare.socketId);
    const sockets = Object.keys((await tcp.getSockets()).find((info) => info.socketId === socketId));
    const wrong = [];
    for (const given of [[1], ['x', true], []]) {
      try { tcp.setPaused(...given); } catch ({ message }) { wrong.push(message); }
    }
    const said = { groups, sockets, made: { ...made, socketId: 0 }, connected, sent, udp: Object.keys(bare), wrong };
    for (const [space, { socketId: id }] of [[tcp, { socketId }], [tcpServer, server], [udp, bare]]) await space.close(id);
    return JSON.stringify(said);
  }

  (async () => {
    const expected = await talk();
    console.log(expected);
    let count = 0;
    for (const word of words) {
      if (word in Object.prototype) continue;
      for (const value of [123, 'abc', true, () => {}]) {
        Object.prototype[word] = value;
        let said;
        try { said = await talk(); } catch (error) { said = String(error); }
        delete Object.prototype[word];
        if (said !== expected) console.log(word, typeof value, said);
        count += 1;
      }
    }
    console.log(count > 100);
  })();
`;

test('what a program adds to Object.prototype is no argument, and changes no outcome (tcp.md G-14)', async () => {
  const { code, signal, stdout, stderr } = await node('-e', SCRIPT);
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  const [first, ...rest] = stdout.trimEnd().split('\n');
  assert.match(first, /"bufferSize":4096/);
  assert.deepEqual(rest, ['true']);
});

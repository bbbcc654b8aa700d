// The servers of the Node benchmark:   node node_server.js CONTESTANT echo|sink|source|awaited
// CONTESTANT: net, dgram, chromesock, chromesock-udp. Prints its port; ends at the end of its input.
'use strict';

const dgram = require('node:dgram');
const net = require('node:net');
const path = require('node:path');

// As in bench.h.
const BLOCK_SIZE = 64 * 1024;
const ACK_EVERY = 4 * 1024 * 1024;
const BLOCK = Uint8Array.from({ length: BLOCK_SIZE }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
/** Unfinished sends of 64 KiB. */
const AHEAD = { source: 8, awaited: 1 };

/** One byte for each ACK_EVERY bytes that are complete now. */
const acks = (count, more) =>
  new Uint8Array(Math.floor((count + more) / ACK_EVERY) - Math.floor(count / ACK_EVERY));

const ready = (port) => console.log(port);

function netServer(mode) {
  const handlers = {
    echo: (socket) => socket.on('data', (data) => socket.write(data)),
    sink(socket) {
      let count = 0;
      socket.on('data', (data) => {
        const due = acks(count, data.length);
        count += data.length;
        if (due.length > 0) socket.write(due);
      });
    },
    source(socket) {
      const more = () => {
        while (socket.writable && socket.write(BLOCK));
      };
      socket.on('drain', more);
      more();
    },
    awaited(socket) {
      const more = (error) => error || socket.write(BLOCK, more);
      more();
    },
  };
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    handlers[mode](socket);
  });
  server.listen(0, '127.0.0.1', () => ready(server.address().port));
}

function dgramServer(mode) {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (data, from) => {
    if (mode === 'echo') socket.send(data, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1', () => ready(socket.address().port));
}

const makeChrome = () => require(path.join(__dirname, '../bindings/node')).createChrome();

function chromeServer(mode) {
  const chrome = makeChrome();
  const { tcp, tcpServer } = chrome.sockets;
  const counts = new Map();
  const ignore = () => void chrome.runtime.lastError;
  const handlers = {
    echo: ({ socketId, data }) => tcp.send(socketId, data, ignore),
    sink({ socketId, data }) {
      const count = counts.get(socketId) ?? 0;
      const due = acks(count, data.byteLength);
      counts.set(socketId, count + data.byteLength);
      if (due.length > 0) tcp.send(socketId, due, ignore);
    },
    source() {},
    awaited() {},
  };
  const more = (socketId) =>
    tcp.send(socketId, BLOCK, () => {
      if (!chrome.runtime.lastError) more(socketId);
    });
  tcp.onReceive.addListener(handlers[mode]);
  tcp.onReceiveError.addListener(({ socketId }) => tcp.close(socketId, ignore));
  tcpServer.onAccept.addListener(async ({ clientSocketId }) => {
    await tcp.update(clientSocketId, { bufferSize: BLOCK_SIZE });
    await tcp.setPaused(clientSocketId, false);
    for (let n = 0; n < (AHEAD[mode] ?? 0); n += 1) more(clientSocketId);
  });
  tcpServer.create({}, ({ socketId }) => {
    tcpServer.listen(socketId, '127.0.0.1', 0, async () => ready((await tcpServer.getInfo(socketId)).localPort));
  });
}

function chromeUdpServer(mode) {
  const { udp } = makeChrome().sockets;
  const ignore = () => {};
  udp.onReceive.addListener(({ socketId, data, remoteAddress, remotePort }) => {
    if (mode === 'echo') udp.send(socketId, data, remoteAddress, remotePort, ignore);
  });
  udp.create({}, ({ socketId }) => {
    udp.bind(socketId, '127.0.0.1', 0, async () => ready((await udp.getInfo(socketId)).localPort));
  });
}

const SERVERS = { net: netServer, dgram: dgramServer, chromesock: chromeServer, 'chromesock-udp': chromeUdpServer };
const [contestant, mode] = process.argv.slice(2);
process.stdin.resume().on('end', () => process.exit(0));
SERVERS[contestant](mode);

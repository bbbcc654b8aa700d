// A worker thread of life.test.js: sends a message, answers what comes back; then ends, or goes on for ever.
'use strict';

const { parentPort, workerData } = require('node:worker_threads');
const { createChrome } = require('chromesock');

const { tcp } = createChrome().sockets;
const { port, message, isEndless } = workerData;
const ignore = () => {};

tcp.onReceive.addListener(({ socketId, data }) => {
  parentPort.postMessage(Buffer.from(data).toString());
  if (isEndless) tcp.send(socketId, data, ignore);
  else process.exit(0);
});
tcp.create({}, ({ socketId }) => {
  tcp.connect(socketId, '127.0.0.1', port, () => tcp.send(socketId, Buffer.from(message), ignore));
});

// Compiled, not run: the object is what chrome-types says of chrome.socket and chrome.sockets.
/// <reference types="chrome-types/_all" />
import { createChrome, destroyChrome, type Chrome } from 'chromesock';

const made: Chrome = createChrome({ sockets: { tcp: { connect: '*' } } }, { writeQuotaBytes: 1 });
const socket: typeof chrome.socket = made.socket;
const tcp: typeof chrome.sockets.tcp = made.sockets.tcp;
const tcpServer: typeof chrome.sockets.tcpServer = made.sockets.tcpServer;
const udp: typeof chrome.sockets.udp = made.sockets.udp;

async function use(): Promise<number | undefined> {
  const { socketId } = await made.sockets.tcp.create({ name: 'a' });
  made.sockets.tcp.connect(socketId, 'localhost', 80, (result: number) => result);
  made.sockets.tcp.send(socketId, new Uint8Array(3), ({ resultCode, bytesSent }) => resultCode + (bytesSent ?? 0));
  made.sockets.udp.onReceive.addListener(({ data, remoteAddress }) => [data.byteLength, remoteAddress.length]);
  made.sockets.udp.onReceive.removeRules(() => {});
  // @ts-expect-error: a port is a number
  made.sockets.tcp.connect(socketId, 'localhost', '80', () => {});
  // @ts-expect-error: no such property
  await made.sockets.tcp.create({ nam: 'a' });
  await destroyChrome(made);
  return made.runtime.lastError?.message.length;
}

export { socket, tcp, tcpServer, udp, use };

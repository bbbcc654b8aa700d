// Which sockets may still raise events: what decides whether the process stays alive.
//
// Follows completions and notifications in the order of the queue, which is the order in which things
// happened; so the state here is the library's own at each point.
'use strict';

const { Map, Math, Number } = require('./globals');

/** Sockets of chrome.sockets.tcp: a read is in flight, or not (tcp.md PA-3, DC-2, CL-2). */
class TcpSockets {
  #sockets = new Map();
  #reading = 0;

  get isAwaited() {
    return this.#reading > 0;
  }

  #of(id) {
    let socket = this.#sockets.get(id);
    if (!socket) {
      socket = { isOpen: false, isPaused: false, isReading: false, isSecured: false, secures: 0 };
      this.#sockets.set(id, socket);
    }
    return socket;
  }

  #setReading(socket, isReading) {
    if (socket.isReading === isReading) return;
    socket.isReading = isReading;
    this.#reading += isReading ? 1 : -1;
  }

  #resume(socket) {
    if (socket.isOpen && !socket.isPaused && socket.secures === 0) this.#setReading(socket, true);
  }

  /** The id is gone; a read that was in flight ends by its event. */
  #leave(id, socket) {
    socket.isOpen = false;
    if (!socket.isReading) this.#sockets.delete(id);
    else socket.isGone = true;
  }

  /** `secure` is called: until it is completed nothing is read, and another one fails and changes nothing (TLS-9). */
  secures(id) {
    const socket = this.#sockets.get(id);
    if (socket) socket.secures += 1;
  }

  completed(name, id, result, isFailure, isPaused) {
    switch (name) {
      case 'setPaused': {
        if (isFailure) return;
        const socket = this.#of(id);
        socket.isPaused = isPaused;
        this.#resume(socket);
        break;
      }
      case 'connect': {
        if (isFailure) return;
        const socket = this.#of(id);
        socket.isOpen = true;
        this.#resume(socket);
        break;
      }
      case 'secure': {
        const socket = this.#sockets.get(id);
        if (!socket) return;
        // It was not counted, if the connection was not known of then.
        socket.secures = Math.max(socket.secures - 1, 0);
        if (isFailure && result === -3) {
          // Disconnected meanwhile (DC-6).
          socket.isOpen = false;
        } else if (isFailure && result !== -4 && socket.secures === 0) {
          // It has cost the socket (TLS-10).
          this.#leave(id, socket);
          return;
        }
        if (!isFailure) {
          socket.isSecured = true;
          // A send in between has failed.
          socket.isOpen = true;
        }
        this.#resume(socket);
        break;
      }
      case 'send': {
        const socket = this.#sockets.get(id);
        if (socket && isFailure && result < 0) socket.isOpen = false;
        break;
      }
      case 'disconnect':
        if (!isFailure) this.#of(id).isOpen = false;
        break;
      case 'close': {
        const socket = this.#sockets.get(id);
        if (socket && !isFailure) this.#leave(id, socket);
        break;
      }
      default:
    }
  }

  notified(name, id) {
    const socket = this.#of(id);
    if (name === 'onReceive') {
      if (socket.isPaused) this.#setReading(socket, false);
      return;
    }
    this.#setReading(socket, false);
    socket.isPaused = true;
    socket.isOpen = false;
    if (socket.isGone) this.#sockets.delete(id);
  }

  isSecured(id) {
    return this.#sockets.get(id)?.isSecured ?? false;
  }

  /** A server has accepted a connection; it starts paused. */
  accepted(id) {
    const socket = this.#of(id);
    socket.isOpen = true;
    socket.isPaused = true;
  }
}

/** Sockets that receive while they are open and not paused: tcpServer and udp. */
class Receivers {
  #sockets = new Map();
  #opensBy;
  #awaited = 0;

  constructor(opensBy) {
    this.#opensBy = opensBy;
  }

  get isAwaited() {
    return this.#awaited > 0;
  }

  #change(id, change) {
    const before = this.#sockets.get(id) ?? { isOpen: false, isPaused: false };
    const after = { ...before, ...change };
    const weight = (socket) => Number(socket.isOpen && !socket.isPaused);
    this.#awaited += weight(after) - weight(before);
    this.#sockets.set(id, after);
  }

  completed(name, id, result, isFailure, isPaused) {
    if (isFailure) return;
    if (name === this.#opensBy) this.#change(id, { isOpen: true });
    else if (name === 'setPaused') this.#change(id, { isPaused });
    else if (name === 'disconnect') this.#change(id, { isOpen: false });
    else if (name === 'close') {
      this.#change(id, { isOpen: false });
      this.#sockets.delete(id);
    }
  }

  notified(name, id) {
    // The library pauses a socket that has failed.
    if (name.endsWith('Error')) this.#change(id, { isPaused: true });
  }
}

module.exports = { TcpSockets, Receivers };

// Events as the library copies them into our memory, and what callbacks and listeners get from them.
'use strict';

const { Buffer } = require('node:buffer');
const { ArrayBuffer, BigUint64Array, Boolean, Int32Array, Number, Object } = require('./globals');
const { api } = require('./library');
const { keepFreed } = require('./memory');
const { layouts, listOf } = require('./structs');

const { size: HEAD, members: MEMBERS } = layouts.chromesock_event_record;
/** Where each member of a record is, in words of 32 bits. */
const AT = Object.fromEntries(Object.entries(MEMBERS).map(([name, { at }]) => [name, at / 4]));
const SIZE = 256 * 1024;
/** From this size on, data is copied into memory that was not cleared first; smaller data is faster by `slice`. */
const LARGE = 4096;
const TWO_TO_32 = 2 ** 32;

/** The records of one copy. */
class Batch {
  #functions;
  #buffer = new ArrayBuffer(SIZE);
  #words = new Int32Array(this.#buffer);
  #text = Buffer.from(this.#buffer);
  #written = new BigUint64Array(1);
  #end = 0;
  #next = 0;
  #at = 0;

  constructor(functions) {
    this.#functions = functions;
  }

  /** Takes what is queued of an app; the status of it. */
  fill(app) {
    const { chromesock_app_copy_events: copy } = this.#functions;
    const status = copy(app, this.#buffer, SIZE, this.#written, null);
    this.#next = 0;
    this.#end = status === 0 ? Number(this.#written[0]) / 4 : 0;
    return status;
  }

  /** Whether no record is left. */
  get isDone() {
    return this.#next >= this.#end;
  }

  /** Goes to the next record, if there is one. */
  advance() {
    if (this.isDone) return false;
    this.#at = this.#next;
    this.#next += this.#words[this.#at + AT.size] >>> 2;
    return true;
  }

  word(at) {
    return this.#words[this.#at + at];
  }

  has(bit) {
    return (this.#words[this.#at + AT.present] & bit) !== 0;
  }

  get type() {
    return this.word(AT.type);
  }

  get socketId() {
    return this.word(AT.socket_id);
  }

  get clientSocketId() {
    return this.word(AT.client_socket_id);
  }

  get result() {
    return this.word(AT.result);
  }

  /** The number that the call was given. */
  get token() {
    return this.word(AT.user_data);
  }

  get bytesSent() {
    return this.word(AT.bytes_sent + 1) * TWO_TO_32 + (this.word(AT.bytes_sent) >>> 0);
  }

  get data() {
    const start = this.#at * 4 + HEAD;
    const end = start + this.word(AT.data_len);
    if (end - start < LARGE) return this.#buffer.slice(start, end);
    keepFreed();
    // Not cleared before it is overwritten, as a slice would be.
    const copy = Buffer.allocUnsafeSlow(end - start);
    this.#text.copy(copy, 0, start, end);
    return copy.buffer;
  }

  get address() {
    const start = this.#at * 4 + HEAD + this.word(AT.data_len);
    return this.#text.latin1Slice(start, start + this.word(AT.address_len));
  }

  /** What failed, or null. */
  get message() {
    const length = this.word(AT.message_len);
    if (length === 0) return null;
    const start = this.#at * 4 + HEAD + this.word(AT.data_len) + this.word(AT.address_len);
    return this.#text.utf8Slice(start, start + length);
  }

  get #event() {
    return (this.word(AT.event) >>> 0) + this.word(AT.event + 1) * TWO_TO_32;
  }

  /** A list of the event, which the library has handed over for it. */
  list(field) {
    return listOf(this.#event, field);
  }

  /** Lets go of the event, if it was handed over. */
  release() {
    const event = this.#event;
    if (event !== 0) this.#functions.chromesock_event_release(event);
  }
}

/** How each member of an event is read. */
const FIELDS = {
  socket_id: (batch) => batch.socketId,
  client_socket_id: (batch) => batch.clientSocketId,
  result: (batch) => batch.result,
  bytes_sent: (batch) => batch.bytesSent,
  data: (batch) => batch.data,
  address: (batch) => batch.address,
  port: (batch) => batch.word(AT.port),
};

/** A function that makes an object of a type of the API from an event. */
function infoReader({ members }) {
  const fields = members.map(({ name, field, present }) => ({ name, present, read: FIELDS[field] }));
  return (batch) => {
    const info = {};
    for (const { name, present, read } of fields) {
      if (typeof present === 'number' && !batch.has(present)) continue;
      const value = read(batch);
      if (present === 'not zero' && value === 0) continue;
      info[name] = value;
    }
    return info;
  };
}

/** A function that makes an object of a type of the API from an element of a list. */
function elementReader(item) {
  if (item.type === 'string') return (text) => text;
  const convert = {
    boolean: () => Boolean,
    enum({ ref }) {
      const texts = Object.fromEntries(Object.entries(api.types[ref].values).map(([text, value]) => [value, text]));
      return (value) => texts[value];
    },
  };
  const fields = api.types[item.ref].members.map((member) => ({
    __proto__: null,
    ...member,
    read: convert[member.type]?.(member) ?? ((value) => value),
  }));
  return (element) => {
    const info = {};
    for (const { name, field, present, read } of fields) {
      if (present === undefined || (element.present & present) !== 0) info[name] = read(element[field]);
    }
    return info;
  };
}

/** A function from an event of a member to the arguments of its callback or listeners. */
function outcomeReader({ outcome, kind }) {
  if (outcome === null) return () => [];
  const { type, field, present } = outcome;
  const result = api.defines.CHROMESOCK_EVENT_RESULT;
  const code = (batch) => (batch.has(result) ? [batch.result] : []);
  if (type === 'integer') return code;
  if (type === 'boolean') return (batch) => (batch.has(present) ? [batch.result !== 0] : []);
  if (type === 'array') {
    const read = elementReader(outcome.items);
    return (batch) => (batch.has(present) ? [batch.list(field).map(read)] : code(batch));
  }
  if (field) {
    const read = elementReader(outcome);
    return (batch) => (batch.has(present) ? batch.list(field).map(read) : []);
  }
  const read = infoReader(api.types[outcome.ref]);
  if (kind === 'event') return (batch) => [read(batch)];
  if (present === undefined) return (batch) => (batch.message === null ? [read(batch)] : []);
  if (outcome.bareWithMessage) {
    return (batch) => (batch.has(present) && batch.message === null ? [read(batch)] : code(batch));
  }
  return (batch) => (batch.has(present) ? [read(batch)] : []);
}

module.exports = { Batch, outcomeReader };

// The object `chrome`: every member of the table, over one app of the library.
'use strict';

const { AsyncResource } = require('node:async_hooks');
const { Answer, fail } = require('./answer');
const { App } = require('./app');
const { argumentsOf, byteLengthOf } = require('./arguments');
const { Event, dispatch } = require('./event');
const { console, Int32Array, JSON, Object, Set, TypeError } = require('./globals');
const { api } = require('./library');
const { outcomeReader } = require('./records');
const { Runtime } = require('./runtime');
const { Receivers, TcpSockets } = require('./sockets');
const { packer } = require('./structs');

/** What is the same for every app: how arguments are read and outcomes are made. */
const MEMBERS = api.members.map((member) => {
  const [, space, name] = /^chrome\.(.+)\.(\w+)$/.exec(member.name);
  const common = { ...member, space, name, outcomeOf: outcomeReader(member) };
  if (member.kind === 'event') return common;
  return { ...common, argumentsOf: argumentsOf(member, api.types), passes: passes(member) };
});

/** A function that adds the arguments of C's function to `into`. */
function passes(member) {
  const steps = member.parameters.filter((p) => !p.dropped).map(step);
  return (values) => {
    const into = [];
    for (let n = 0; n < steps.length; n += 1) steps[n](values[n], into);
    if (member.createsSocket) into.push(null);
    return into;
  };
}

function step({ type, optional, absent, ref }) {
  if (type === 'binary') return (value, into) => into.push(value, byteLengthOf(value));
  if (type === 'boolean') return (value, into) => into.push(value ? 1 : 0);
  if (type === 'object') {
    const pack = packer(ref);
    return (value, into) => into.push(value === null ? null : pack(value));
  }
  if (optional && absent === null) return (value, into) => into.push(value === null ? null : Int32Array.of(value));
  return (value, into) => into.push(value ?? absent);
}

/** What the asynchronous contexts of calls and events are called. */
const CONTEXT = 'CHROMESOCK';

const chromes = new WeakMap();

/** Puts `value` at a path such as `sockets.tcp.create` of an object. */
function put(object, path, value) {
  const [first, ...rest] = path.split('.');
  if (rest.length === 0) object[first] = value;
  else put((object[first] ??= {}), rest.join('.'), value);
}

/** What a manifest is when the app is made, as text; null if there is none. */
function textOf(manifest) {
  if (manifest === undefined || manifest === null) return null;
  const text = JSON.stringify(manifest);
  if (text === undefined) throw new TypeError('createChrome: the manifest must be an object');
  return text;
}

/** The namespaces whose sockets have events. */
const SPACES = ['sockets.tcp', 'sockets.tcpServer', 'sockets.udp'];
const hasListeners = (event) => event.hasListeners();

/** What is behind one object `chrome`: its app, and what is known of its sockets. */
class Page {
  #runtime;
  #tcp = new TcpSockets();
  /** By namespace: sockets, events, and the sockets of which no more data may come though some was copied before. */
  #sockets = { 'sockets.tcp': this.#tcp, 'sockets.tcpServer': new Receivers('listen'), 'sockets.udp': new Receivers('bind') };
  #events = Object.fromEntries(SPACES.map((space) => [space, []]));
  #ended = Object.fromEntries(SPACES.map((space) => [space, new Set()]));
  /** What to do with events, by type: see App. */
  #handlers = [];

  constructor(manifest, options) {
    this.#runtime = new Runtime(manifest);
    this.object = { runtime: this.#runtime.object };
    this.app = new App(manifest, options, this.#handlers, () => this.#isAwaited());
    for (const member of MEMBERS) {
      if (member.kind === 'event') this.#addEvent(member);
      else this.#addMethod(member);
    }
    // The page gets an error only; the console says which rule the manifest lacks.
    this.#handlers[api.hostEvents.CHROMESOCK_PERMISSION_DENIED] = {
      notified(batch) {
        console.warn(batch.message);
        return false;
      },
    };
    this.#addEnums();
  }

  #isAwaited() {
    for (const space of SPACES) {
      if (this.#sockets[space].isAwaited && this.#events[space].some(hasListeners)) return true;
    }
    return false;
  }

  #addEvent({ name, space, eventType, outcomeOf }) {
    const event = new Event(`${space}.${name}`, () => this.app.update());
    this.#events[space].push(event);
    put(this.object, `${space}.${name}`, event);
    const isDropped = (id) => name === 'onReceive' && this.#ended[space].has(id);
    this.#handlers[eventType] = {
      notified: (batch, isClosing) => {
        this.#sockets[space].notified(name, batch.socketId);
        if (name === 'onAccept') this.#tcp.accepted(batch.clientSocketId);
        if (isClosing || !event.hasListeners() || isDropped(batch.socketId)) return false;
        // What a listener makes of its asynchronous context stays with this event.
        new AsyncResource(CONTEXT).runInAsyncScope(dispatch, undefined, event, ...outcomeOf(batch));
        return true;
      },
    };
  }

  #addMethod(member) {
    const { name, space } = member;
    const callbackAt = member.parameters.length;
    const method = (...given) => {
      const values = member.argumentsOf(given);
      // Without the data, which the library copies.
      const call = { id: values[0], isPaused: values[1] === true, callback: values[callbackAt] ?? null, context: null, answer: null };
      if (call.callback || member.callback !== 'promise') {
        call.context = new AsyncResource(CONTEXT);
        this.#pass(member, values, call);
        return undefined;
      }
      const answer = new Answer((resolve, reject) => {
        call.answer = { resolve, reject };
      });
      this.#pass(member, values, call);
      call.answer.promise = answer;
      return answer;
    };
    Object.defineProperty(method, 'name', { value: name });
    put(this.object, `${space}.${name}`, method);
    this.#handlers[member.eventType] = { completed: (call, batch) => this.#completed(member, call, batch) };
  }

  /** Hands a call to the library. */
  #pass(member, values, call) {
    const { name, space } = member;
    const { id } = call;
    this.app.call(member.function, member.passes(values), call);
    if (name === 'close' || (name === 'secure' && !this.#tcp.isSecured(id))) this.#ended[space]?.add(id);
    if (name === 'secure') this.#sockets[space]?.secures(id);
  }

  /** Tells the program what became of a call. */
  #completed({ name, space, outcomeOf }, { id, isPaused, callback, context, answer }, batch) {
    const { message } = batch;
    if (name === 'close' || name === 'secure') this.#ended[space]?.delete(id);
    this.#sockets[space]?.completed(name, id, batch.result, message !== null, isPaused);
    const outcome = outcomeOf(batch);
    if (!answer) {
      return context.runInAsyncScope(this.#runtime.answer, this.#runtime, `${space}.${name}`, callback, outcome, message);
    }
    if (message === null) answer.resolve(outcome[0]);
    else fail(answer.promise, answer.reject, message);
    return true;
  }

  /** The enums of the API, as objects: chrome.sockets.tcp.DnsQueryType.ANY is "any". */
  #addEnums() {
    for (const [name, { values }] of Object.entries(api.types)) {
      if (!values) continue;
      put(this.object, name, Object.fromEntries(Object.keys(values).map((text) => [text.toUpperCase(), text])));
    }
  }
}

function createChrome(manifest, options = null) {
  const { object, app } = new Page(textOf(manifest), options);
  chromes.set(object, app);
  return object;
}

/** Ends an app: its calls complete, its sockets close. The promise is fulfilled when that is done. */
function destroyChrome(chrome) {
  const app = chromes.get(chrome);
  if (!app) throw new TypeError('destroyChrome: not made by createChrome');
  return app.close();
}

/** The same at once, and nobody hears of its calls any more: the page is gone. */
const abandonChrome = (chrome) => chromes.get(chrome).abandon();

module.exports = { abandonChrome, createChrome, destroyChrome };

// One app of the library: calls into it, and its events on this thread's loop.
'use strict';

// Not the globals: a page may replace those.
const { Buffer } = require('node:buffer');
const net = require('node:net');
const { performance } = require('node:perf_hooks');
const process = require('node:process');
const { setImmediate } = require('node:timers');
const { isMainThread } = require('node:worker_threads');
const { Array, BigInt64Array, BigUint64Array, console, Error, Number, Object, Promise, TypeError } = require('./globals');
const { check, load, api } = require('./library');
const { Batch } = require('./records');
const { packed } = require('./structs');
const { afterTask } = require('./task');

/** How long events may run, in ms, before the loop sees to everything else. */
const SLICE = 10;
const CLOSED = api.hostEvents.CHROMESOCK_APP_CLOSED;
const WRITE_QUOTA = api.defines.CHROMESOCK_APP_OPTIONS_WRITE_QUOTA;
const numberOf = (name) => api.results.find((result) => result.cName === name).number;
const SHUT_DOWN = numberOf('CHROMESOCK_CONTEXT_SHUT_DOWN');
const INVALID_MANIFEST = numberOf('CHROMESOCK_INVALID_MANIFEST');
const INVALID_ARGUMENT = numberOf('CHROMESOCK_INVALID_ARGUMENT');

const PAUSED = 1;
/** Calls of which the rest of their task makes more: behind a connect, or between setPaused(false) and setPaused(true). */
const LEADING = new Set([
  'chrome_sockets_tcp_connect', 'chrome_socket_connect',
  'chrome_sockets_tcp_set_paused', 'chrome_sockets_tcp_server_set_paused', 'chrome_sockets_udp_set_paused',
]);
const isLeading = (name, values) => LEADING.has(name) && values[1] !== PAUSED;

const text = { is: (value) => typeof value === 'string', named: 'a string' };
const size = { is: (value) => Number.isSafeInteger(value) && value >= 0, named: 'a whole number' };
const flag = { is: (value) => typeof value === 'boolean', named: 'true or false' };
const time = { is: (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32, named: 'a number of microseconds' };
const OPTIONS = { writeQuotaBytes: size, extraRootsPem: text, reusePort: flag, busyPollUs: time, libraryPath: text };

/** The options that are given. A value of another type must not get as far as the library's memory. */
function checked(options) {
  if (options !== null && (typeof options !== 'object' || Array.isArray(options))) {
    throw new TypeError('createChrome: options must be an object');
  }
  const given = { __proto__: null };
  for (const [name, { is, named }] of Object.entries(OPTIONS)) {
    const value = options?.[name] ?? undefined;
    if (value === undefined) continue;
    if (!is(value)) throw new TypeError(`createChrome: the option ${name} must be ${named}`);
    given[name] = value;
  }
  return given;
}

/** What is said of a manifest: Chrome's warnings and our hints, or the error and where that is. */
function manifestTexts(functions, manifest) {
  const texts = new BigUint64Array(1);
  functions.chromesock_manifest_check(manifest, texts);
  const length = functions.chromesock_texts_count(texts[0]);
  const words = Array.from({ length }, (_, n) => functions.chromesock_texts_at(texts[0], n));
  functions.chromesock_texts_free(texts[0]);
  return words;
}

class App {
  /** The apps of this thread. */
  static #alive = new Set();
  /** The thread ends: no more is done later. */
  static #isEnding = false;

  static {
    // A thread that ends takes its apps with it; with the main thread all ends. What is held is carried out.
    process.once('exit', () => {
      App.#isEnding = true;
      App.#alive.forEach((app) => (isMainThread ? app.#done() : app.#drop()));
    });
  }

  #functions;
  #app;
  #batch;
  #stream;
  #calls = [undefined];
  #free = [];
  #pending = 0;
  #isRunning = false;
  /** Calls wait, to start together. */
  #isHeld = false;
  /** A task that is no event of ours has made a call, and is not done. */
  #hasCalled = false;
  #isReferenced = true;
  #isClosing = false;
  #members;
  #isAwaited;
  /** When the events that run have to make way for the rest of the loop. */
  #until = 0;
  #tellGone;
  #gone = new Promise((resolve) => {
    this.#tellGone = resolve;
  });

  /**
   * `manifest`: its text, or null. `members`: what to do with events, by type: { completed(call, batch),
   * notified(batch) }, each of which returns whether it ran the program's code. `isAwaited`: whether events may come by
   * themselves.
   */
  constructor(manifest, options, members, isAwaited) {
    const { libraryPath, writeQuotaBytes, extraRootsPem, reusePort, busyPollUs } = checked(options);
    this.#functions = load(libraryPath);
    this.#members = members;
    this.#isAwaited = isAwaited;
    this.#batch = new Batch(this.#functions);
    // A worker that is terminated runs no code any more: Node closes the stream, and that frees the app.
    const given = { freed_with_stream: 1, reuse_port: reusePort ? 1 : 0, busy_poll_us: busyPollUs ?? 0, manifest };
    if (writeQuotaBytes !== undefined) {
      given.present = WRITE_QUOTA;
      given.write_quota_bytes = writeQuotaBytes;
    }
    if (extraRootsPem !== undefined) given.extra_roots_pem = extraRootsPem;
    const made = new BigUint64Array(1);
    const status = this.#functions.chromesock_app_new(packed('chromesock_app_options', given), made);
    if (status === INVALID_MANIFEST) {
      const [error, place] = manifestTexts(this.#functions, given.manifest);
      // The place is empty if it is the manifest as a whole.
      throw new Error(place ? `${place}: ${error}` : error);
    }
    // All other arguments are ours.
    if (status === INVALID_ARGUMENT) {
      throw new Error('createChrome: the option extraRootsPem has no certificate that can be read');
    }
    check(status);
    this.#app = Number(made[0]);
    try {
      this.#listen();
    } catch (error) {
      // No descriptor is left for the stream.
      this.#drop();
      throw error;
    }
    App.#alive.add(this);
    // Also names dropped rules: otherwise calls that need them would be denied without a hint why.
    if (given.manifest) manifestTexts(this.#functions, given.manifest).forEach((text) => console.warn(text));
  }

  #listen() {
    const stream = new BigInt64Array(1);
    check(this.#functions.chromesock_app_event_stream(this.#app, stream));
    this.#stream = new net.Socket({
      fd: Number(stream[0]),
      readable: true,
      writable: false,
      onread: {
        buffer: Buffer.alloc(64),
        callback: () => {
          if (!this.#isRunning) this.#take();
          return true;
        },
      },
    });
    this.#stream.resume();
    this.update();
  }

  /** Stays alive exactly while something may still come. */
  update() {
    const isWanted = this.#pending > 0 || this.#isClosing || this.#isAwaited();
    if (isWanted === this.#isReferenced) return;
    this.#isReferenced = isWanted;
    if (isWanted) this.#stream.ref();
    else this.#stream.unref();
  }

  /** Calls a function of the library; `call` is what its completion is for. */
  call(name, values, call) {
    if (this.#isClosing) throw new Error('Extension context invalidated.');
    // The app is dropped when a worker exits. What other `exit` listeners call gets no answer, as on the main thread.
    if (this.#app === 0) return;
    // The first call of a task is carried out at once, on this thread if the library's sleeps. If more follow, the next
    // one wakes that thread, which does them together. But what a task calls behind a connect has to find it under way,
    // as in a browser, and by then it could be connected; and between unpausing and pausing data could be read. From
    // there on calls wait until the task is done.
    const waits = isLeading(name, values) && !App.#isEnding;
    const holds = !this.#isHeld && (waits || !this.#hasCalled);
    if (holds) this.#begin();
    const token = this.#free.pop() ?? this.#calls.length;
    let status;
    try {
      status = this.#functions[name](this.#app, ...values, 0, token);
    } finally {
      if (holds && !waits) this.#release();
    }
    if (status !== 0) {
      this.#free.push(token);
      if (token === this.#calls.length) this.#calls.push(undefined);
      if (status === SHUT_DOWN) throw new Error('Extension context invalidated.');
      check(status);
    }
    this.#calls[token] = call;
    this.#pending += 1;
    if (this.#pending === 1) this.update();
  }

  /** Holds a call of a task that is no event. */
  #begin() {
    this.#hold(1);
    if (this.#hasCalled || App.#isEnding) return;
    this.#hasCalled = true;
    this.#doneSoon();
  }

  #done = () => {
    this.#hasCalled = false;
    this.#release();
  };

  #doneSoon = afterTask(this.#done);

  /** Ends a hold, if there is one. */
  #release() {
    if (!this.#isHeld || this.#app === 0) return;
    this.#isHeld = false;
    this.#functions.chromesock_app_run_calls(this.#app);
  }

  /** Goes on with what is copied, takes what is queued, and starts to run it. */
  #take = () => {
    this.#isRunning = true;
    this.#until = performance.now() + SLICE;
    if (!this.#batch.isDone) this.#hold(1);
    this.#run();
  };

  #hold(isHeld) {
    this.#isHeld = isHeld === 1;
    this.#functions.chromesock_app_hold_calls(this.#app, isHeld);
  }

  /**
   * Runs events up to the next one that the program hears of. Then all promises that it has settled run
   * on, as in a browser after each task, before the next event.
   */
  #run() {
    for (;;) {
      if (!this.#batch.advance()) {
        if (!this.#refill()) return;
        continue;
      }
      let isHeard = true;
      try {
        isHeard = this.#event();
      } finally {
        // Also when the console throws while it reports an error: that goes to the process, and events go on.
        if (isHeard) this.#goOn();
      }
      if (isHeard) return;
    }
  }

  #goOn = afterTask(() => {
    if (this.#app === 0) return;
    if (performance.now() < this.#until) {
      this.#run();
      return;
    }
    // What the rest of the loop calls does not wait.
    this.#hold(0);
    setImmediate(this.#take);
  });

  /** Starts what the batch has called; whether there is another one, to be run at once, whose calls are held then. */
  #refill() {
    if (this.#app === 0) return false;
    this.#release();
    if (performance.now() >= this.#until) {
      setImmediate(this.#take);
      return false;
    }
    check(this.#batch.fill(this.#app));
    if (!this.#batch.isDone) {
      this.#hold(1);
      return true;
    }
    // The stream tells of the next one.
    this.#isRunning = false;
    this.update();
    return false;
  }

  /** Runs one event; whether that ran code of the program. */
  #event() {
    const batch = this.#batch;
    const { type } = batch;
    if (type === CLOSED) {
      const isAsked = this.#isClosing;
      this.#end();
      if (!isAsked) console.error('chromesock: the chrome object ended by an internal fault');
      return false;
    }
    const member = this.#members[type];
    const { token } = batch;
    try {
      if (token === 0) return member?.notified?.(batch, this.#isClosing) ?? false;
      const call = this.#calls[token];
      this.#calls[token] = undefined;
      this.#free.push(token);
      this.#pending -= 1;
      return member.completed(call, batch);
    } finally {
      batch.release();
    }
  }

  /** Ends the app; the promise is fulfilled when all its calls are completed. */
  close() {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.update();
      if (this.#app !== 0) check(this.#functions.chromesock_app_close(this.#app));
    }
    return this.#gone;
  }

  /** Ends the app of a page that is gone, at once: what it has called is carried out, and nobody gets an answer. */
  abandon() {
    if (this.#app === 0) return;
    this.#hold(0);
    this.#drop();
  }

  #drop() {
    this.#functions.chromesock_app_free(this.#app);
    this.#app = 0;
  }

  #end() {
    this.#drop();
    this.#isClosing = true;
    App.#alive.delete(this);
    this.#stream.destroy();
    this.#tellGone();
  }
}

module.exports = { App };

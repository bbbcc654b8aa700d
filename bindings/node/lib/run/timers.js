// A page's timers: they are numbers, of one list for both kinds, and `this` is the window.
'use strict';

const timers = require('node:timers');
const { Error, Map, Object } = require('./globals');

/** Node's timers by the page's numbers. */
const running = new Map();
let last = 0;

/**
 * Whether Node's own code has called a function. Its `fetch` takes `setTimeout` from the global object, too, for each connection
 * anew, and calls methods of what it gets.
 */
function isCalledByNode(called) {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const place = {};
  try {
    Object.assign(Error, { prepareStackTrace: (none, [caller]) => caller?.getFileName() ?? '', stackTraceLimit: 1 });
    Error.captureStackTrace(place, called);
    return place.stack.startsWith('node:');
  } finally {
    Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
}

/** Adds the timer that `start` makes of a function; its number. The handler may be missing. */
function add(start, handler, values) {
  last += 1;
  const id = last;
  running.set(id, start(id, () => {
    if (typeof handler === 'function') handler.apply(globalThis, values);
  }));
  return id;
}

function setTimeout(handler, delay, ...values) {
  if (isCalledByNode(setTimeout)) return timers.setTimeout(handler, delay, ...values);
  const once = (id, run) => timers.setTimeout(() => {
    running.delete(id);
    run();
  }, delay);
  return add(once, handler, values);
}

function setInterval(handler, delay, ...values) {
  return add((id, run) => timers.setInterval(run, delay), handler, values);
}

/** Ends a timer of either kind, by its number as any value may be taken for one, or by Node's object. */
function clear(timer) {
  if (typeof timer === 'object') {
    timers.clearTimeout(timer);
    return;
  }
  const id = timer | 0;
  timers.clearTimeout(running.get(id));
  running.delete(id);
}

module.exports = { setTimeout, setInterval, clearTimeout: clear, clearInterval: clear };

// Tasks, as a browser has them: what an event or a timer calls, with all the promises that this settles.
'use strict';

const process = require('node:process');
const { Promise } = require('./globals');

const DONE = Promise.resolve();

/** A function that has `next` called when the task that runs is done: microtasks, also those that they add, come before ticks. */
function afterTask(next) {
  const tick = () => process.nextTick(next);
  return () => DONE.then(tick);
}

module.exports = { afterTask };

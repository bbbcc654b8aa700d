// Tasks, as a browser has them: what an event or a timer calls, with all the promises that this settles.
'use strict';

const process = require('node:process');
const { Promise } = require('./globals');

const DONE = Promise.resolve();

/** Calls `next` when the task that runs is done. Microtasks come before the next tick, also those that they add. */
const afterTask = (next) => DONE.then(() => process.nextTick(next));

module.exports = { afterTask };

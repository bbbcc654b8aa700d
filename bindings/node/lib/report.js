// What the console is told of a program's faults.
'use strict';

const { console } = require('./globals');

/** What the program threw, as far as that can be shown. */
function report(where, error) {
  try {
    console.error(where, error);
  } catch {
    console.error(where, 'what cannot be shown');
  }
}

/** An error of a call that nobody has looked at. */
const reportUnchecked = (message) => console.warn(`Unchecked runtime.lastError: ${message}`);

module.exports = { report, reportUnchecked };

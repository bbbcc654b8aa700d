// The promise of a call.
'use strict';

const { Error, Promise, Symbol } = require('./globals');
const { reportUnchecked } = require('./report');

/** A promise whose failure is reported, not fatal, if nobody looks at it: as in a browser. */
class Answer extends Promise {
  #isUsed = false;

  static get [Symbol.species]() {
    return Promise;
  }

  /** Rejects, and reports that unless somebody has asked for the outcome. */
  static fail(answer, reject, message) {
    // Without this, the process would end.
    Promise.prototype.then.call(answer, undefined, () => {});
    reject(new Error(message));
    if (!answer.#isUsed) reportUnchecked(message);
  }

  then(...handlers) {
    this.#isUsed = true;
    return super.then(...handlers);
  }
}

const { fail } = Answer;
delete Answer.fail;

module.exports = { Answer, fail };

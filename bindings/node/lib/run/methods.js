// Methods of APIs that are made here, with the manners of Chrome's own.
'use strict';

const { setImmediate } = require('node:timers');
const { argumentsOf } = require('../arguments');
const { Object } = require('../globals');

/**
 * A method of signature `member`, which answers by callback or promise with what `operation` gives, or fails as it
 * throws; `runtime` sets lastError.
 */
function methodOf(full, member, operation, runtime) {
  const read = argumentsOf({ outcome: null, ...member, name: full, callback: 'promise' }, {});
  return (...given) => {
    const values = read(given);
    const callback = values.pop();
    const answer = (async () => operation(...values))();
    if (!callback) return answer;
    const run = (outcome, message) => setImmediate(() => runtime.answer(full, callback, outcome, message));
    answer.then((result) => run(result === undefined ? [] : [result], null), ({ message }) => run([], message));
    return undefined;
  };
}

/** An object of methods: `members` by name, each with its `operations`. */
function methodsOf(space, members, operations, runtime) {
  const method = ([name, member]) => [name, methodOf(`${space}.${name}`, member, operations[name], runtime)];
  return Object.fromEntries(Object.entries(members).map(method));
}

module.exports = { methodsOf };

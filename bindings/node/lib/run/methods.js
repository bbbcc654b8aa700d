// Methods and events of APIs that are made here, with the manners of Chrome's own.
'use strict';

const { setImmediate } = require('node:timers');
const { Answer, fail } = require('../answer');
const { argumentsOf } = require('../arguments');
const { Event } = require('../event');
const { console, Object } = require('../globals');

/**
 * Answers a call, later, by its callback, or by the promise that is returned if there is none, with what `operation`
 * gives, or as it fails; `runtime` sets lastError.
 */
function answered(full, callback, operation, runtime) {
  const outcome = (async () => operation())();
  const later = (settle) => outcome.then(
    (result) => setImmediate(settle, result === undefined ? [] : [result], null),
    ({ message }) => setImmediate(settle, [], message),
  );
  if (callback) {
    later((given, message) => runtime.answer(full, callback, given, message));
    return undefined;
  }
  const answer = new Answer((resolve, reject) => {
    later(([result], message) => (message === null ? resolve(result) : fail(answer, reject, message)));
  });
  return answer;
}

/** A method of signature `member`, which answers with what `operation` gives for its arguments. */
function methodOf(full, member, operation, runtime, types) {
  const read = argumentsOf({ outcome: null, ...member, name: full, callback: 'promise' }, types);
  return (...given) => {
    const values = read(given);
    const callback = values.pop();
    return answered(full, callback, () => operation(...values), runtime);
  };
}

/** An object of methods: `members` by name, each with its `operations`; `types`: of the objects that they are given. */
function methodsOf(space, members, operations, runtime, types = {}) {
  const method = ([name, member]) => [name, methodOf(`${space}.${name}`, member, operations[name], runtime, types)];
  return Object.fromEntries(Object.entries(members).map(method));
}

/** An object of events, by their names. */
const eventsOf = (space, names) => Object.fromEntries(names.map((name) => [name, new Event(`${space}.${name}`, () => {})]));

/** An enum of the API, as an object. */
const enumOf = (...values) => Object.fromEntries(values.map((value) => [value.toUpperCase().replaceAll('-', '_'), value]));

/** What tells the console something, once. */
function warningOf(text) {
  let isTold = false;
  return () => {
    if (!isTold) console.warn(text);
    isTold = true;
  };
}

module.exports = { answered, enumOf, eventsOf, methodsOf, warningOf };

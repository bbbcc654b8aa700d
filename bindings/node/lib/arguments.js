// What a call is given, against the signature of its member, in Chrome's words.
'use strict';

const { types } = require('node:util');
const { Array, ArrayBuffer, DataView, Function, Number, Object, TypeError, Uint8Array } = require('./globals');

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

/** The getter that a built-in class defines, as a function of the object: its own class may define another. */
const getterOf = (prototype, name) => Function.prototype.call.bind(Object.getOwnPropertyDescriptor(prototype, name).get);
const lengthOfBuffer = getterOf(ArrayBuffer.prototype, 'byteLength');
const lengthOfArray = getterOf(Object.getPrototypeOf(Uint8Array.prototype), 'byteLength');
const bufferOfView = getterOf(DataView.prototype, 'buffer');
const offsetOfView = getterOf(DataView.prototype, 'byteOffset');
const lengthOfView = getterOf(DataView.prototype, 'byteLength');

/** A proxy that was revoked is neither an array nor anything else. */
const isArray = (value) => {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
};
const isInteger = (value) => Number.isInteger(value) && value >= INT32_MIN && value <= INT32_MAX;
const isBinary = (value) => types.isArrayBuffer(value) || ArrayBuffer.isView(value);

/** Whether a value is of a type, looking no deeper. */
const IS = {
  integer: isInteger,
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  binary: isBinary,
  enum: (value) => typeof value === 'string',
  object: (value) => typeof value === 'object' && value !== null && !isArray(value),
  array: isArray,
  function: (value) => typeof value === 'function',
  choices: (value, { choices }) => choices.some((type) => IS[type](value)),
};

/** What Chrome calls the type of a value. */
function found(value) {
  if (value === null) return 'null';
  if (isArray(value)) return 'array';
  if (isBinary(value)) return 'binary';
  if (typeof value === 'number') return isInteger(value) ? 'integer' : 'number';
  return typeof value === 'symbol' || typeof value === 'bigint' ? 'other' : typeof value;
}

const typeName = ({ ref, type, choices }) => ref ?? (choices ? `[${choices.join('|')}]` : type);

function signatureOf(member) {
  const words = member.parameters.map((p) => `${p.optional ? 'optional ' : ''}${typeName(p)} ${p.name}`);
  // A promise may stand for any callback; optional in the interface's own text is one that gets nothing.
  if (member.callback) words.push(`${member.outcome === null ? 'optional ' : ''}function callback`);
  return `${member.name.replace(/^chrome\./, '')}(${words.join(', ')})`;
}

class Mismatch extends Error {}

/** What the program's own code answers, which a getter or a proxy runs. */
function ask(question) {
  try {
    return question();
  } catch {
    throw new Mismatch('Script threw an error.');
  }
}

const BAD_SIGNATURE = 'No matching signature.';

/** The bytes that a DataView shows. */
function bytesOf(view) {
  try {
    return new Uint8Array(bufferOfView(view), offsetOfView(view), lengthOfView(view));
  } catch {
    // Of a buffer that is gone or has shrunk: as empty as other views are then.
    return new Uint8Array();
  }
}

/** How many bytes there are in a buffer or typed array that was read. */
const byteLengthOf = (value) => (ArrayBuffer.isView(value) ? lengthOfArray(value) : lengthOfBuffer(value));

/** A value within another one, in which it is at `place`; what is wrong with it is told with that. */
function readInner(spec, value, named, place) {
  try {
    if (!IS[spec.type](value, spec)) throw new Mismatch(`Invalid type: expected ${typeName(spec)}, found ${found(value)}.`);
    return read(spec, value, named);
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    throw new Mismatch(`Error at ${place}: ${error.message}`);
  }
}

/** A value that has the right type at first sight, as plain data for C. */
function read(spec, value, named) {
  switch (spec.type) {
    case 'integer':
      return value | 0;
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new Mismatch('Value must not be NaN or Infinity.');
    case 'string':
      // C's text ends at a NUL; what the program gave must not turn into something else.
      return value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value;
    case 'binary':
      return types.isDataView(value) ? bytesOf(value) : value;
    case 'enum': {
      const { values } = named[spec.ref];
      if (Object.hasOwn(values, value)) return values[value];
      throw new Mismatch(`Value must be one of ${Object.keys(values).join(', ')}.`);
    }
    case 'object':
      return spec.ref ? readObject(named[spec.ref].members, value, named) : value;
    case 'array':
      return ask(() => [...value]).map((item, n) => readInner(spec.items, item, named, `index ${n}`));
    case 'choices':
      if (isArray(value) && !ask(() => value.every(IS.string))) throw new Mismatch('Value did not match any choice.');
      return value;
    default:
      return value;
  }
}

/**
 * The members that are given, in the object itself; the first that is wrong counts. All of the API's are optional,
 * and others are ignored (tcp.md G-14).
 */
function readObject(members, object, named) {
  const given = { __proto__: null };
  for (const name of ask(() => Object.keys(object))) {
    const member = members.find((known) => known.name === name);
    if (!member) continue;
    const value = ask(() => object[name]);
    if (value !== undefined && value !== null) given[name] = readInner(member, value, named, `property '${name}'`);
  }
  return given;
}

/**
 * Gives each value its parameter: from left to right, an optional parameter that does not fit is
 * taken as left out. Returns whether that works; `matched` gets the values, null = left out.
 */
function match(specs, values, matched, spec = 0, value = 0) {
  if (values.length - value > specs.length - spec) return false;
  if (spec === specs.length) return true;
  const { optional, type } = specs[spec];
  if (value < values.length) {
    const next = values[value];
    const isNothing = optional && (next === undefined || next === null);
    if (isNothing || IS[type](next, specs[spec])) {
      matched[spec] = isNothing ? null : next;
      if (match(specs, values, matched, spec + 1, value + 1)) return true;
    }
  }
  if (!optional) return false;
  matched[spec] = null;
  return match(specs, values, matched, spec + 1, value);
}

/**
 * A function from the arguments of a call to those of C's function, in order, with the callback (null
 * = none) at the end. It throws the TypeError that Chrome throws.
 */
function argumentsOf(member, named) {
  const specs = [...member.parameters];
  if (member.callback) {
    specs.push({ name: 'callback', type: 'function', optional: member.callback === 'promise' });
  }
  const fail = (text) => {
    throw new TypeError(`Error in invocation of ${signatureOf(member)}: ${text}`);
  };
  return (values) => {
    const matched = new Array(specs.length);
    if (!match(specs, values, matched)) fail(BAD_SIGNATURE);
    for (let n = 0; n < member.parameters.length; n += 1) {
      if (matched[n] === null) continue;
      try {
        matched[n] = read(specs[n], matched[n], named);
      } catch (error) {
        if (!(error instanceof Mismatch)) throw error;
        fail(`Error at parameter '${specs[n].name}': ${error.message}`);
      }
    }
    return matched;
  };
}

module.exports = { argumentsOf, byteLengthOf };

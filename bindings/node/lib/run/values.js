// What chrome.storage keeps of a value, as measured in Chromium.
'use strict';

const { types } = require('node:util');
const { Array, ArrayBuffer, Error, Number, Object } = require('../globals');

/** How deep objects are kept; what lies deeper is left out. */
const DEPTH = 100;

const isBinary = (value) => types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value);

/** A member; a getter that throws is null. */
function memberOf(object, name) {
  try {
    return object[name];
  } catch {
    return null;
  }
}

/**
 * A copy of a value, in what JSON has, or undefined if nothing of it can be kept: functions, symbols, big and infinite
 * numbers. Of an object its own members are, whatever its class; one within itself is null. `outer`: what it lies in.
 */
function kept(value, outer = []) {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object' || outer.length === DEPTH) return undefined;
  if (isBinary(value)) throw new Error('Cannot serialize value to JSON');
  if (outer.includes(value)) return null;
  const inner = [...outer, value];
  // An array keeps its places.
  if (Array.isArray(value)) return Array.from(value, (none, n) => kept(memberOf(value, n), inner) ?? null);
  return membersOf(value, inner);
}

/** The members of an object of which something can be kept. */
function membersOf(object, outer = []) {
  const members = Object.keys(object).map((name) => [name, kept(memberOf(object, name), outer)]);
  // Not by assignment: a name may be `__proto__`.
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

module.exports = { membersOf };

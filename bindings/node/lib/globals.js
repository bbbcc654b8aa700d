// What the library uses of JavaScript's own globals, as it is before a page replaces any. Of pages more: run/globals.js.
'use strict';

module.exports = {
  Array,
  ArrayBuffer,
  BigInt,
  BigInt64Array,
  BigUint64Array,
  Boolean,
  console,
  DataView,
  Error,
  Function,
  Int32Array,
  JSON,
  Map,
  Math,
  Number,
  Object,
  parseInt,
  Promise,
  Reflect,
  Set,
  String,
  Symbol,
  TypeError,
  Uint8Array,
};

// What the library uses of JavaScript's own globals, as it is before a page replaces any.
'use strict';

module.exports = {
  AbortController, Array, ArrayBuffer, BigInt, BigInt64Array, BigUint64Array, Boolean, console, DataView, Date, decodeURIComponent, DOMException, Error, Event, EventTarget, Function, Headers, Int32Array, JSON, Map, Math, Number, Object, parseInt, Promise, Proxy, Reflect, Request, Response, Set, String, Symbol, TextDecoder, TypeError, Uint8Array, URL,
};

// What parts of pages use of the globals: beside those of ../globals some that Node takes a while to load.
'use strict';

module.exports = {
  ...require('../globals'),
  AbortController,
  Date,
  decodeURIComponent,
  DOMException,
  Event,
  EventTarget,
  Headers,
  Intl,
  MessageEvent,
  RegExp,
  Request,
  Response,
  structuredClone,
  TextDecoder,
  URL,
};

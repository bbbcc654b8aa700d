// The same for pages, and what they alone need: Node takes a while to load some of it.
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

// The same for pages, and what they alone need: Node takes a while to load some of it.
'use strict';

module.exports = { ...require('../globals'), Headers, MessageEvent, Request, Response, structuredClone };

// The same for pages: what it takes Node a while to load is only loaded for them.
'use strict';

module.exports = { ...require('../globals'), Headers, MessageEvent, Request, Response };

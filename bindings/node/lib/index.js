'use strict';

const { createChrome, destroyChrome } = require('./chrome');

exports.createChrome = createChrome;
exports.destroyChrome = destroyChrome;

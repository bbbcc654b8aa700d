// APIs of Chrome that are not here: using one says which.
'use strict';

const { Error, Proxy } = require('../globals');

const isPlain = (key) => typeof key === 'symbol' || key === 'then' || key === 'toJSON';

function unavailable(name) {
  return new Error(`${name} is not available in chrome-app-run`);
}

/** Stands for a namespace or method that is not here: `if (chrome.usb)` is fine, calling it or reading a member throws. */
const absent = (name) =>
  new Proxy(() => {}, {
    get(target, key) {
      if (isPlain(key)) return undefined;
      throw unavailable(`${name}.${key}`);
    },
    apply() {
      throw unavailable(name);
    },
  });

/** An object of the API whose missing members answer with an error that names them when they are used. */
function guarded(name, object) {
  return new Proxy(object, {
    get(target, key) {
      if (key in target || isPlain(key)) return target[key];
      return absent(`${name}.${key}`);
    },
  });
}

module.exports = { guarded };

// APIs of Chrome that are not here: using one says which.
'use strict';

const { Error, Object, Proxy } = require('../globals');

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

/**
 * An object of the API whose missing members answer with an error that names them when they are used, unless Chrome
 * would not have them either.
 */
function guarded(name, object, isInChrome = () => true) {
  const own = Object.keys(object);
  return new Proxy(object, {
    get(target, key) {
      // One that is here, and that the page has deleted, is missing to nobody.
      if (key in target || own.includes(key) || isPlain(key)) return target[key];
      return isInChrome(key) ? absent(`${name}.${key}`) : undefined;
    },
  });
}

/** Namespaces that a manifest need not ask for. */
const FREE = ['events', 'extension', 'permissions', 'types'];

/** The names of the permissions that a manifest asks for. */
const permissionsOf = ({ permissions = [] }) =>
  permissions.flatMap((permission) => (typeof permission === 'string' ? [permission] : Object.keys(Object(permission))));

/** Whether Chrome has a namespace for an app: its manifest must ask for it, by a permission or by a key of its own. */
function namespacesOf(manifest) {
  // Apps of its time ask for `experimental`, and look for chrome.experimental.socket before chrome.socket, which came
  // in its place.
  const asked = [...FREE, ...Object.keys(manifest), ...permissionsOf(manifest)].filter((word) => word !== 'experimental');
  // The key `bluetooth` brings chrome.bluetoothSocket, the permission `networking.config` chrome.networking.
  return (name) => asked.some((word) => name.startsWith(word) || word.startsWith(`${name}.`));
}

/**
 * Takes from `chrome` the socket API that Chrome does not have for an app, as it asks for the other one only (tcp.md
 * PM-5). One that asks for none keeps both: the console says what each call lacks.
 */
function withoutUnasked(chrome, manifest) {
  const hasNew = Object.hasOwn(manifest, 'sockets');
  if (hasNew !== permissionsOf(manifest).includes('socket')) delete chrome[hasNew ? 'socket' : 'sockets'];
  return chrome;
}

module.exports = { guarded, namespacesOf, permissionsOf, withoutUnasked };

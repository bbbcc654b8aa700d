// APIs of Chrome that are not here: using one says which, and does nothing.
'use strict';

const { Error, Object, Promise } = require('../globals');
const { Event } = require('../event');
const { answered, warningOf } = require('./methods');
const { NAMES } = require('./names');
const { permissionsOf } = require('./permissions');

const unavailable = (name) => `${name} is not available in chrome-app-run`;

/**
 * A method that is not here. It does nothing and fails by lastError, so that what the program does next is done. The promise
 * without a callback is rejected for who looks at it; else the console has said enough.
 */
function missingMethod(name, runtime) {
  const text = unavailable(name);
  const warn = warningOf(`${text}: it does nothing`);
  const fail = () => {
    throw new Error(text);
  };
  return (...given) => {
    warn();
    if (typeof given.at(-1) === 'function') return answered(name.replace('chrome.', ''), given.at(-1), fail, runtime);
    const rejected = Promise.reject(new Error(text));
    rejected.catch(() => {});
    return rejected;
  };
}

/** An event that never comes: who listens is told once. */
const missingEvent = (name) => new Event(name.replace('chrome.', ''), warningOf(unavailable(name)));

/** Adds to `chrome` what Chrome has for an app and is not here, as far as the manifest asks for it; `runtime` sets lastError. */
function addMissing(chrome, manifest, runtime) {
  const asked = [...Object.keys(manifest), ...permissionsOf(manifest)];
  for (const { space, brought, members } of NAMES) {
    if (brought !== null && !asked.includes(brought)) continue;
    const object = space.split('.').reduce((within, name) => (within[name] ??= {}), chrome);
    for (const name of members) {
      object[name] = (/^on[A-Z]/.test(name) ? missingEvent : missingMethod)(`chrome.${space}.${name}`, runtime);
    }
  }
}

/**
 * Takes from `chrome` the socket API that Chrome does not have for an app, as it asks for the other one only (tcp.md
 * PM-5). One that asks for none keeps both: the console says what each call lacks.
 */
function removeUnasked(chrome, manifest) {
  const hasNew = Object.hasOwn(manifest, 'sockets');
  if (hasNew !== permissionsOf(manifest).includes('socket')) delete chrome[hasNew ? 'socket' : 'sockets'];
}

module.exports = { addMissing, removeUnasked };

// APIs of Chrome that are not here: using one says which.
'use strict';

const { console, Error, Object } = require('../globals');
const { Event } = require('../event');
const { NAMES } = require('./names');
const { permissionsOf } = require('./permissions');

const unavailable = (name) => `${name} is not available in chrome-app-run`;

/** A method that is not here: `if (chrome.usb.getDevices)` is fine, calling it throws. */
const missingMethod = (name) => () => {
  throw new Error(unavailable(name));
};

/** An event that never comes: who listens is told once. To throw would end a script that begins with all its listeners. */
function missingEvent(name) {
  let isTold = false;
  return new Event(name.replace('chrome.', ''), () => {
    if (!isTold) console.warn(unavailable(name));
    isTold = true;
  });
}

/** Adds to `chrome` what Chrome has for an app and is not here, as far as the manifest asks for it. */
function addMissing(chrome, manifest) {
  const asked = [...Object.keys(manifest), ...permissionsOf(manifest)];
  for (const { space, brought, members } of NAMES) {
    if (brought !== null && !asked.includes(brought)) continue;
    const object = space.split('.').reduce((within, name) => (within[name] ??= {}), chrome);
    for (const name of members) {
      object[name] = (/^on[A-Z]/.test(name) ? missingEvent : missingMethod)(`chrome.${space}.${name}`);
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

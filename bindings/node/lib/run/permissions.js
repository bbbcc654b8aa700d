// chrome.permissions: what the manifest asks for is granted, and nobody is there to grant more.
'use strict';

const { Array, Error, Object } = require('../globals');
const { eventsOf, methodsOf } = require('./methods');

const asked = [{ name: 'permissions', type: 'object', ref: 'permissions.Permissions' }];
const MEMBERS = {
  getAll: { parameters: [], outcome: 'permissions' },
  contains: { parameters: asked, outcome: 'result' },
  request: { parameters: asked, outcome: 'granted' },
  remove: { parameters: asked, outcome: 'removed' },
};

const TYPES = {
  'permissions.Permissions': { members: ['permissions', 'origins'].map((name) => ({ name, type: 'array', items: { type: 'string' } })) },
};

/** The names in a manifest's list of permissions. */
function namesIn(list) {
  const entries = Array.isArray(list) ? list : [];
  return entries.flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.keys(Object(entry))));
}

/** The names of the permissions that a manifest asks for. */
const permissionsOf = ({ permissions }) => namesIn(permissions);

const isPattern = (name) => name === '<all_urls>' || name.includes('://');

/** A pattern's scheme and host. The paths of permissions count for nothing. */
function partsOf(pattern) {
  const [, scheme = '', host = ''] = /^([^:]*):\/\/([^/]*)/.exec(pattern === '<all_urls>' ? '*://*/' : pattern) ?? [];
  return { scheme, host };
}

/** Whether a pattern matches all that another one does. */
function covers(pattern, other) {
  const [wide, narrow] = [pattern, other].map(partsOf);
  const isBelow = wide.host.startsWith('*.') && `.${narrow.host.replace('*.', '')}`.endsWith(wide.host.slice(1));
  return (isBelow || wide.host === '*' || wide.host === narrow.host) && (wide.scheme === '*' || wide.scheme === narrow.scheme);
}

/** What is asked for and not in a list of names and patterns. */
function lacking(list, { permissions = [], origins = [] }) {
  const patterns = list.filter(isPattern);
  return [
    ...permissions.filter((name) => !list.includes(name)),
    ...origins.filter((origin) => !patterns.some((pattern) => covers(pattern, origin))),
  ];
}

/** chrome.permissions. */
function permissionsApi(manifest, runtime) {
  const granted = permissionsOf(manifest);
  const optional = namesIn(manifest.optional_permissions);
  const operations = {
    getAll: () => ({ permissions: granted.filter((name) => !isPattern(name)), origins: granted.filter(isPattern) }),
    contains: (those) => lacking(granted, those).length === 0,
    request(those) {
      if (lacking([...granted, ...optional], those).length > 0) {
        throw new Error('Only permissions specified in the manifest may be requested.');
      }
      return lacking(granted, those).length === 0;
    },
    remove(those) {
      const { permissions = [], origins = [] } = those;
      if (lacking(granted, those).length < permissions.length + origins.length) {
        throw new Error('You cannot remove required permissions.');
      }
      return true;
    },
  };
  return { ...methodsOf('permissions', MEMBERS, operations, runtime, TYPES), ...eventsOf('permissions', ['onAdded', 'onRemoved']) };
}

module.exports = { permissionsApi, permissionsOf };

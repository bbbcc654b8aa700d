// Files of an app, and what is said of those that cannot be used.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const jsonc = require('jsonc-parser');
const { decodeURIComponent, JSON } = require('./globals');

/** What the user is told, in words only. */
class Failure extends Error {}

/** Does what fails by a fault of the user's, not of ours. */
function attempt(action, what) {
  try {
    return action();
  } catch ({ message }) {
    throw new Failure(what ? `${what}: ${message}` : message);
  }
}

const read = (file) => attempt(() => fs.readFileSync(file, 'utf8'), `cannot read ${file}`);

const STRING_OR_COMMENT = /"[^"\\]*(?:\\[^][^"\\]*)*"?|\/\/.*|\/\*[^]*?\*\//g;
const ESCAPE_OR_CONTROL = /\\[^]|[\0-\x1f]/g;
const ESCAPES = { '\\v': '\\u000b', '\\x': '\\u00' };

/** The text in plain JSON but for comments: in strings Chrome takes control characters as they are, \v and \xHH. And
 * what tells the offset in the original of one in it. */
function inPlainJson(text) {
  const grown = [];
  let growth = 0;
  const plain = text.replace(STRING_OR_COMMENT, (piece, start) => {
    if (piece[0] !== '"') return piece;
    return piece.replace(ESCAPE_OR_CONTROL, (found, at) => {
      const instead = ESCAPES[found] ?? (found[0] === '\\' ? found : JSON.stringify(found).slice(1, -1));
      const by = instead.length - found.length;
      growth += by;
      grown.push({ by, end: start + at + found.length + growth });
      return instead;
    });
  });
  const original = (offset) => grown.reduce((sum, { by, end }) => (end <= offset ? sum - by : sum), offset);
  return { plain, original };
}

/** What is in a file of JSON; comments and the like are allowed, as in Chrome. */
function readJson(file) {
  const errors = [];
  const text = read(file).replace(/^\ufeff/, '');
  const { plain, original } = inPlainJson(text);
  const value = jsonc.parse(plain, errors);
  if (errors.length > 0) {
    const { error, offset } = errors[0];
    const lines = text.slice(0, original(offset)).split('\n');
    throw new Failure(`${file}:${lines.length}:${lines.at(-1).length + 1}: ${jsonc.printParseErrorCode(error)}`);
  }
  return value;
}

/** The file of the app that a path names; no path leaves the app's folder. */
const fileOf = (folder, name) => path.join(folder, path.join('/', name));

const SCHEME = 'chrome-extension:';

/** The file of the app that a URL of its page's origin names; null for other URLs. */
function ownFile(folder, location, url) {
  const isOwn = url.protocol === SCHEME && url.host === location.host;
  return isOwn ? fileOf(folder, decodeURIComponent(url.pathname)) : null;
}

module.exports = { Failure, attempt, fileOf, ownFile, read, readJson };

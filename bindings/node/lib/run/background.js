// The background page of a manifest: its scripts, or a page of the app's own that names them.
'use strict';

const { Array, console, decodeURIComponent, RegExp, URL } = require('./globals');
const { Failure, attempt, fileOf, read } = require('./files');

/** Chrome makes a page of this name for scripts. */
const GENERATED = '_generated_background_page.html';
const NONE = 'the manifest has neither app.background.scripts nor app.background.page';

/** Where the app's files are for its pages, whatever its id is. */
const ROOT = 'chrome-extension://app/';
const attribute = (name) => new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i');
const SOURCE = attribute('src');
const MAIN = attribute('data-main');
const valueOf = (pattern, attributes) => pattern.exec(attributes)?.slice(1).find((value) => value !== undefined);
const MODULE = /\stype\s*=\s*["']?module\b/i;
/** The attributes of a script element, and what is between its tags. */
const SCRIPT = /<script(?=[\s>])([^>]*)>(.*?)(?:<\/script|$)/gis;
/** What is between the tags of an element of another type is data. */
const DATA = /\stype\s*=\s*["']?(?!module\b|text\/javascript\b|application\/javascript\b)[^\s"'>]/i;

/**
 * The files that a page's script elements name, each with the main script that RequireJS finds there, if any. What is written
 * between their tags is not run: Chrome's policy for apps forbids it.
 */
function scriptsIn(page, html) {
  const base = new URL(page, ROOT);
  const elements = [...html.replace(/<!--.*?-->/gs, '').matchAll(SCRIPT)];
  if (elements.some(([, attributes, text]) => !SOURCE.test(attributes) && !DATA.test(attributes) && text.trim() !== '')) {
    console.error(`Refused to execute an inline script of ${page}: the Content Security Policy of apps forbids it`);
  }
  return elements.filter(([, attributes]) => SOURCE.test(attributes)).map(([, attributes]) => {
    const source = valueOf(SOURCE, attributes);
    if (MODULE.test(attributes)) throw new Failure(`${page}: ${source} is a module; they are not available in chrome-app-run`);
    const { href, pathname } = attempt(() => new URL(source, base), `${page}: ${source}`);
    if (!href.startsWith(ROOT)) throw new Failure(`${page}: ${source} is not in the app`);
    return { name: attempt(() => decodeURIComponent(pathname), `${page}: ${source}`), main: valueOf(MAIN, attributes) };
  });
}

/** The page's name, and its scripts in order. */
function backgroundOf(manifest, folder) {
  const { scripts, page } = manifest?.app?.background ?? {};
  if (typeof page === 'string') return { page, scripts: scriptsIn(page, read(fileOf(folder, page))) };
  if (!Array.isArray(scripts) || scripts.length === 0) {
    throw new Failure(manifest?.background ? `${NONE}: it is an extension's, not an app's` : NONE);
  }
  const wrong = scripts.findIndex((script) => typeof script !== 'string');
  if (wrong >= 0) throw new Failure(`Invalid value for 'app.background.scripts[${wrong}]'.`);
  return { page: GENERATED, scripts: scripts.map((name) => ({ name })) };
}

module.exports = { backgroundOf };

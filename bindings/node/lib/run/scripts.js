// Scripts of an app, in its page.
'use strict';

const vm = require('node:vm');
const { DOMException, URL } = require('./globals');
const { ownFile, read } = require('./files');

/** Runs a script, and throws what it throws. */
function runScript({ file, code }) {
  // What a script imports by a path relative to it. Not in the first versions of Node 20.
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  vm.runInThisContext(code, { filename: file, importModuleDynamically });
}

/** A page's `importScripts`: of files of the app. */
function importScriptsOf(folder, location) {
  const scriptOf = (name) => {
    const url = new URL(name, location.href);
    try {
      const file = ownFile(folder, location, url);
      return { file, code: read(file) };
    } catch {
      throw new DOMException(`Failed to execute 'importScripts': The script at '${url.href}' failed to load.`, 'NetworkError');
    }
  };
  return (...names) => names.forEach((name) => runScript(scriptOf(name)));
}

/** The object that tells RequireJS of its main script, as `data-main` of its element would; `own` is the page's. */
function requireOf(main, own = {}) {
  const start = own.baseUrl ? 0 : main.lastIndexOf('/') + 1;
  const name = main.slice(start).replace(/\.js$/, '');
  return { ...own, baseUrl: own.baseUrl ?? (main.slice(0, start) || './'), deps: [...(own.deps ?? []), name] };
}

module.exports = { importScriptsOf, requireOf, runScript };

// chrome-app-run: the background page of an unpacked Chrome App, in this process.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const vm = require('node:vm');
const { parseArgs } = require('node:util');
const jsonc = require('jsonc-parser');
const { createChrome, destroyChrome } = require('../chrome');
const { Event, dispatch } = require('../event');
const { guarded } = require('./missing');
const { storageArea } = require('./storage');

const USAGE = 'Usage: chrome-app-run [--storage FILE] DIR';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

class Failure extends Error {}

/** The manifest of an app; comments are allowed, as in Chrome. */
function readManifest(folder) {
  const file = path.join(folder, 'manifest.json');
  let text;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`cannot read ${file}: ${error.message}`);
  }
  const errors = [];
  const manifest = jsonc.parse(text.replace(/^\ufeff/, ''), errors);
  if (errors.length > 0) {
    const { error, offset } = errors[0];
    throw new Failure(`${file}: ${jsonc.printParseErrorCode(error)} at character ${offset}`);
  }
  return manifest;
}

function scriptsOf(manifest) {
  const scripts = manifest?.app?.background?.scripts;
  if (!Array.isArray(scripts) || scripts.length === 0) {
    throw new Failure('the manifest has no app.background.scripts');
  }
  return scripts;
}

const events = (prefix, names) =>
  Object.fromEntries(names.map((name) => [name, new Event(`${prefix}.${name}`, () => {})]));

const RUNTIME_EVENTS = ['onInstalled', 'onStartup', 'onSuspend', 'onSuspendCanceled', 'onUpdateAvailable'];
const APP_EVENTS = ['onLaunched', 'onRestarted'];

/** What background scripts touch beside the sockets. */
function complete(chrome, storageFile) {
  const runtime = Object.defineProperties({}, Object.getOwnPropertyDescriptors(chrome.runtime));
  Object.assign(runtime, events('runtime', RUNTIME_EVENTS), {
    getPlatformInfo(callback) {
      const info = { os: os.platform() === 'darwin' ? 'mac' : 'linux', arch: os.arch() === 'x64' ? 'x86-64' : os.arch() };
      if (!callback) return Promise.resolve(info);
      setImmediate(callback, info);
      return undefined;
    },
  });
  const onChanged = new Event('storage.onChanged', () => {});
  return guarded('chrome', {
    ...chrome,
    runtime: guarded('chrome.runtime', runtime),
    app: guarded('chrome.app', { runtime: guarded('chrome.app.runtime', events('app.runtime', APP_EVENTS)) }),
    storage: guarded('chrome.storage', {
      local: storageArea(storageFile, (changes) => dispatch(onChanged, changes, 'local')),
      onChanged,
    }),
  });
}

function defaultStorage(id) {
  const data = process.env.XDG_DATA_HOME || path.join(os.homedir(), '.local', 'share');
  return path.join(data, 'chrome-app-run', `${id}.json`);
}

/** Runs the app in `folder`. */
function run(folder, storageFile) {
  const manifest = readManifest(folder);
  const scripts = scriptsOf(manifest);
  const chrome = createChrome(manifest);
  const page = complete(chrome, storageFile ?? defaultStorage(chrome.runtime.id));
  Object.assign(globalThis, { chrome: page, window: globalThis, self: globalThis });

  // A page lives on after an error.
  process.on('uncaughtException', (error) => console.error('Uncaught', error));
  for (const script of scripts) {
    const file = path.resolve(folder, script);
    let code;
    try {
      code = fs.readFileSync(file, 'utf8');
    } catch (error) {
      throw new Failure(`cannot read ${file}: ${error.message}`);
    }
    vm.runInThisContext(code, { filename: file });
  }

  let isSuspended = false;
  const suspend = () => {
    if (!isSuspended) dispatch(page.runtime.onSuspend);
    isSuspended = true;
  };
  process.on('beforeExit', suspend);
  for (const signal of SIGNALS) {
    process.once(signal, async () => {
      suspend();
      await destroyChrome(chrome);
      process.exit(0);
    });
  }
  setImmediate(() => {
    dispatch(page.app.runtime.onLaunched, { isKioskSession: false, isPublicSession: false, source: 'command_line' });
  });
}

function main(words) {
  try {
    const { values, positionals } = parseArgs({
      args: words,
      options: { storage: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
    if (values.help) {
      console.log(USAGE);
      return;
    }
    if (positionals.length !== 1) throw new Failure(USAGE);
    run(positionals[0], values.storage);
  } catch (error) {
    const isOurs = error instanceof Failure || error.code?.startsWith('ERR_PARSE_ARGS');
    console.error('chrome-app-run:', isOurs ? error.message : error);
    process.exit(1);
  }
}

module.exports = { main };

// chrome-app-run: the background page of an unpacked Chrome App, in this process.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const process = require('node:process');
const { setImmediate } = require('node:timers');
const { parseArgs } = require('node:util');
const { abandonChrome, createChrome } = require('../chrome');
const { dispatch } = require('../event');
const { console, Object } = require('../globals');
const { idOf } = require('../runtime');
const { backgroundOf } = require('./background');
const { complete } = require('./chrome');
const { Failure, attempt, fileOf, read, readJson } = require('./files');
const { I18n } = require('./i18n');
const { LANGUAGE, furnish, loaded, report, reportRejection } = require('./page');
const { requireOf, runScript } = require('./scripts');
const { filesOf } = require('./storage');

const USAGE = 'Usage: chrome-app-run [--storage FILE] [--cacert FILE] DIR';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The sockets of an app. */
function made(manifest, rootsFile) {
  const extraRootsPem = rootsFile === undefined ? undefined : read(rootsFile);
  try {
    return createChrome(manifest, { extraRootsPem });
  } catch ({ message }) {
    throw new Failure(message.replace('createChrome: the option extraRootsPem', rootsFile));
  }
}

function defaultStorage(id) {
  const data = process.env.XDG_DATA_HOME || path.join(os.homedir(), '.local', 'share');
  return path.join(data, 'chrome-app-run', `${id}.json`);
}

/** What ends an app, by itself or by a signal: it is suspended, then `exit` is called, with a code. */
function endOf({ onSuspend }, exit) {
  let isSuspended = false;
  const suspend = () => {
    if (isSuspended) return;
    isSuspended = true;
    dispatch(onSuspend);
  };
  process.on('beforeExit', suspend);
  // What runs comes to its end, and so do the promises that it settles. Nothing of the page runs after that.
  return async (code) => {
    suspend();
    await undefined;
    process.nextTick(exit, code);
  };
}

/** The page lives on whatever it throws. */
function survive() {
  process.on('uncaughtException', report);
  // In a task of its own, as in a browser: a handler whose own promise is rejected keeps nothing else from running.
  process.on('unhandledRejection', (reason, promise) => setImmediate(reportRejection, reason, promise));
  // Node's word on a promise that is caught late; it is no error.
  process.on('rejectionHandled', () => {});
}

function execute({ main, ...script }) {
  if (main !== undefined && typeof globalThis.require !== 'function') globalThis.require = requireOf(main, globalThis.require);
  try {
    runScript(script);
  } catch (error) {
    report(error);
  }
}

const VERSION = /^\d{1,5}(\.\d{1,5}){0,3}$/;

/** Refuses a manifest without name or version, as Chrome does. */
function checkNames(manifest) {
  const { name, version } = manifest ?? {};
  if (typeof name !== 'string') throw new Failure("Required value 'name' is missing or invalid.");
  if (typeof version === 'string' && VERSION.test(version) && version.split('.').every((part) => part <= 65535)) return;
  const rule = 'It must be between 1-4 dot-separated integers each between 0 and 65536.';
  throw new Failure(`Required value 'version' is missing or invalid. ${rule}`);
}

/** Runs the app in `folder`; `rootsFile` has certificates that may vouch for servers, besides the web's authorities. */
function run(folder, storageFile, rootsFile) {
  const manifest = readJson(path.join(folder, 'manifest.json'));
  checkNames(manifest);
  const { page, scripts } = backgroundOf(manifest, folder);
  const i18n = new I18n(folder, LANGUAGE, manifest);
  const chrome = made(i18n.localized(manifest), rootsFile);
  // An unpacked app without a key is identified by its folder: its manifest may change.
  chrome.runtime.id = idOf(manifest, fs.realpathSync(folder));
  const place = storageFile ?? defaultStorage(chrome.runtime.id);
  const isNew = !Object.values(filesOf(place)).some(fs.existsSync);
  const completed = attempt(() => complete(chrome, place, i18n));
  // The page may put things of its own in their places.
  const { onInstalled } = completed.runtime;
  const { onLaunched } = completed.app.runtime;
  const sources = scripts.map(({ name, main }) => {
    const file = fileOf(folder, name);
    return { file, main, code: read(file) };
  });

  const end = endOf(completed.runtime, (code) => {
    abandonChrome(chrome);
    // Behind what the last callback has left to say: that nobody has read its lastError.
    process.nextTick(process.exit, code);
  });
  furnish(completed, folder, page, () => void end(0));
  for (const signal of SIGNALS) process.once(signal, () => end(0));
  // Nobody reads the output any more, and reporting that error would only raise it again.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => end(1));
  survive();
  sources.forEach(execute);

  setImmediate(() => {
    loaded();
    if (isNew) dispatch(onInstalled, { reason: 'install' });
    dispatch(onLaunched, { isKioskSession: false, isPublicSession: false, source: 'command_line' });
  });
}

function main(words) {
  try {
    const { values, positionals } = parseArgs({
      args: words,
      options: { storage: { type: 'string' }, cacert: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
    if (values.help) {
      console.log(USAGE);
      return;
    }
    if (positionals.length !== 1) throw new Failure(USAGE);
    run(positionals[0], values.storage, values.cacert);
  } catch (error) {
    const isOurs = error instanceof Failure || error.code?.startsWith('ERR_PARSE_ARGS');
    console.error('chrome-app-run:', isOurs ? error.message : error);
    process.exit(1);
  }
}

module.exports = { main };

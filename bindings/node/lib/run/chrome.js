// The object `chrome` of an app: what createChrome makes of its manifest, and the APIs beside the sockets.
'use strict';

const { Object } = require('../globals');
const { runtimeOf } = require('../runtime');
const { alarmsOf } = require('./alarms');
const { enumOf, eventsOf, methodsOf } = require('./methods');
const { addMissing, removeUnasked } = require('./missing');
const { notificationsOf } = require('./notifications');
const { permissionsApi, permissionsOf } = require('./permissions');
const { nativeMembers, runtimeMembers } = require('./runtime');
const { storageOf } = require('./storage');
const { windowsOf } = require('./windows');

const APP_EVENTS = ['onLaunched', 'onRestarted', 'onEmbedRequested'];
const LaunchSource = enumOf(
  'about_page', 'app_home_page', 'app_launcher', 'arc', 'background', 'chrome_internal', 'command_line', 'context_menu', 'ephemeral_app',
  'extensions_page', 'file_handler', 'focus_mode', 'installed_notification', 'intent_url', 'keyboard', 'kiosk', 'load_and_launch',
  'management_api', 'new_tab_page', 'reload', 'restart', 'sparky', 'system_tray', 'test', 'untracked', 'url_handler',
);

/** chrome.system.network: what chrome.socket knows of it. */
function networkOf(socket, runtime) {
  const members = { getNetworkInterfaces: { parameters: [], outcome: 'networkInterfaces' } };
  const operations = { getNetworkInterfaces: () => socket.getNetworkList() };
  return methodsOf('system.network', members, operations, runtime);
}

/** chrome.power. It has nothing to do: this system does not go to sleep when its user is idle. */
const power = { requestKeepAwake() {}, releaseKeepAwake() {}, Level: { DISPLAY: 'display', SYSTEM: 'system' } };

/** The object of createChrome with all that background scripts touch beside the sockets. */
function complete(chrome, storageFile, i18n) {
  const answers = runtimeOf(chrome.runtime);
  const manifest = chrome.runtime.getManifest();
  const granted = permissionsOf(manifest);
  const has = (permission) => granted.includes(permission);
  const completed = {
    ...chrome,
    // The object itself: its lastError comes and goes.
    runtime: Object.assign(chrome.runtime, runtimeMembers(answers), has('nativeMessaging') && nativeMembers(answers)),
    app: { runtime: { ...eventsOf('app.runtime', APP_EVENTS), LaunchSource }, window: windowsOf(answers) },
    i18n: i18n.api(chrome.runtime.id),
    permissions: permissionsApi(manifest, answers),
    // As in Chrome, these are there for those that ask for them.
    ...(has('alarms') && { alarms: alarmsOf(answers) }),
    ...(has('notifications') && { notifications: notificationsOf(answers) }),
    ...(has('power') && { power }),
    ...(has('storage') && { storage: storageOf(storageFile, answers, has('unlimitedStorage')) }),
    ...(has('system.network') && { system: { network: networkOf(chrome.socket, answers) } }),
  };
  addMissing(completed, manifest, answers);
  removeUnasked(completed, manifest);
  return completed;
}

module.exports = { complete };

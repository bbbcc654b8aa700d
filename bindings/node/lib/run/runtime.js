// chrome.runtime, beside what createChrome has of it: what an app without windows is told.
'use strict';

const os = require('node:os');
const { setImmediate } = require('node:timers');
const { argumentsOf } = require('../arguments');
const { dispatch } = require('../event');
const { Error } = require('../globals');
const { answered, enumOf, eventsOf, methodsOf } = require('./methods');

const EVENTS = [
  'onInstalled', 'onStartup', 'onSuspend', 'onSuspendCanceled',
  // Nobody is there to update or to send: they never come.
  'onBrowserUpdateAvailable', 'onRestartRequired', 'onUpdateAvailable',
  'onMessage', 'onMessageExternal', 'onConnect', 'onConnectExternal',
];

const ENUMS = {
  OnInstalledReason: enumOf('chrome_update', 'install', 'shared_module_update', 'update'),
  OnRestartRequiredReason: enumOf('app_update', 'os_update', 'periodic'),
  PlatformArch: enumOf('arm', 'arm64', 'mips', 'mips64', 'ppc64', 'riscv64', 'x86-32', 'x86-64'),
  PlatformNaclArch: enumOf('arm', 'mips', 'mips64', 'ppc64', 'x86-32', 'x86-64'),
  PlatformOs: enumOf('android', 'cros', 'linux', 'mac', 'openbsd', 'win'),
  RequestUpdateCheckStatus: enumOf('no_update', 'throttled', 'update_available'),
};

/** Chrome's names of processors, where Node has others. */
const ARCHITECTURES = { x64: 'x86-64', ia32: 'x86-32' };

/** getPlatformInfo's answer. Native Client calls arm64 `arm`, too. */
function platformInfo() {
  const arch = ARCHITECTURES[os.arch()] ?? os.arch();
  return { os: os.platform() === 'darwin' ? 'mac' : 'linux', arch, nacl_arch: arch === 'arm64' ? 'arm' : arch };
}

const MEMBERS = {
  getBackgroundPage: { parameters: [], outcome: 'backgroundPage' },
  getPlatformInfo: { parameters: [], outcome: 'platformInfo' },
  requestUpdateCheck: { parameters: [], outcome: 'status' },
};
const OPERATIONS = {
  getBackgroundPage: () => globalThis,
  getPlatformInfo: platformInfo,
  requestUpdateCheck: () => 'no_update',
};

/** What a message or a port gets for an answer. */
const NOBODY = 'Could not establish connection. Receiving end does not exist.';
const NO_HOST = 'Specified native messaging host not found.';

const CONNECT = 'runtime.connect';
const connectArguments = argumentsOf({
  name: CONNECT,
  parameters: [{ name: 'extensionId', type: 'string', optional: true }, { name: 'connectInfo', type: 'object', optional: true }],
}, {});

/** A port to nobody: it is disconnected as soon as its page has listeners for that, with a word of why. */
function portOf(name, runtime, why) {
  let isOpen = true;
  const port = {
    name,
    sender: undefined,
    ...eventsOf('runtime.Port', ['onMessage', 'onDisconnect']),
    postMessage() {
      if (!isOpen) throw new Error('Attempting to use a disconnected port object');
    },
    disconnect() {
      isOpen = false;
    },
  };
  const { onDisconnect } = port;
  setImmediate(() => {
    if (!isOpen) return;
    isOpen = false;
    runtime.answer(CONNECT, () => dispatch(onDisconnect, port), [], why);
  });
  return port;
}

/** What is added to chrome.runtime; `runtime` sets its lastError. */
function runtimeMembers(runtime) {
  return {
    ...ENUMS,
    ...eventsOf('runtime', EVENTS),
    ...methodsOf('runtime', MEMBERS, OPERATIONS, runtime),
    getVersion: () => runtime.object.getManifest().version,
    sendMessage(...given) {
      const callback = typeof given.at(-1) === 'function' ? given.pop() : null;
      const nobody = () => {
        throw new Error(NOBODY);
      };
      return answered('runtime.sendMessage', callback, nobody, runtime);
    },
    connect(...given) {
      const [, info] = connectArguments(given);
      return portOf(info?.name ?? '', runtime, NOBODY);
    },
  };
}

/** What the permission `nativeMessaging` adds: no program is there to talk to. */
const nativeMembers = (runtime) => ({ connectNative: () => portOf('', runtime, NO_HOST) });

module.exports = { nativeMembers, runtimeMembers };

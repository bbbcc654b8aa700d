// chrome.app.window. An app has no windows here: its background page runs alone.
'use strict';

const { Error } = require('../globals');
const { enumOf, eventsOf, methodsOf, warningOf } = require('./methods');

const parameters = [{ name: 'url', type: 'string' }, { name: 'options', type: 'object', optional: true }];
const MEMBERS = { create: { parameters, outcome: 'createdWindow' } };
/** They never come. */
const EVENTS = ['onBoundsChanged', 'onClosed', 'onFullscreened', 'onMaximized', 'onMinimized', 'onRestored'];

const ENUMS = { State: enumOf('fullscreen', 'maximized', 'minimized', 'normal'), WindowType: enumOf('panel', 'shell') };

function windowsOf(runtime) {
  const warn = warningOf('chrome-app-run runs the background page only: there are no windows');
  const create = () => {
    warn();
    // Not at once: what else the app does when it is launched, such as to serve, goes on.
    throw new Error('chrome.app.window.create is not available in chrome-app-run');
  };
  return {
    ...ENUMS,
    ...methodsOf('app.window', MEMBERS, { create }, runtime),
    ...eventsOf('app.window', EVENTS),
    current: () => null,
    get: () => null,
    getAll: () => [],
    canSetVisibleOnAllWorkspaces: () => false,
  };
}

module.exports = { windowsOf };

// Objects of a page that tell of events, by listeners and by properties such as `onload`.
'use strict';

const { Event, EventTarget, Object } = require('./globals');

/** A class of such objects. */
const withHandlers = (names) =>
  class extends EventTarget {
    constructor() {
      super();
      for (const name of names) {
        this[`on${name}`] = null;
        this.addEventListener(name, (event) => this[`on${name}`]?.(event));
      }
    }
  };

/** A progress event; the total is given as what has come so far. */
const progressEvent = (type, loaded) => Object.assign(new Event(type), { loaded, total: loaded, lengthComputable: loaded > 0 });

module.exports = { progressEvent, withHandlers };

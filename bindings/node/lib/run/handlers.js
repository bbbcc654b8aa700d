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

/** A progress event; what comes of an unknown total is not computable. */
const progressEvent = (type, loaded, total = loaded) => Object.assign(new Event(type), { loaded, total, lengthComputable: total > 0 });

module.exports = { progressEvent, withHandlers };

// Objects of a page that tell of events, by listeners and by properties such as `onload`.
'use strict';

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

module.exports = { withHandlers };

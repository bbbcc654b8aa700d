// chrome.events.Event.
'use strict';

const { Error, TypeError } = require('./globals');
const { report } = require('./report');

/** An event of the API. `changed` is called when the first listener comes or the last one goes. */
class Event {
  #listeners = [];
  #name;
  #changed;

  constructor(name, changed) {
    this.#name = name;
    this.#changed = changed;
    // Programs pass them around without the event.
    for (const verb of ['addListener', 'removeListener', 'hasListener', 'hasListeners']) {
      this[verb] = this[verb].bind(this);
    }
  }

  addListener(listener, filter) {
    // As in Chrome, what is no function is ignored.
    if (typeof listener !== 'function') return;
    if (filter !== undefined && filter !== null) throw new TypeError('This event does not support filters');
    if (this.#listeners.includes(listener)) return;
    // A new array: a dispatch that is under way goes on with the old one.
    this.#listeners = [...this.#listeners, listener];
    if (this.#listeners.length === 1) this.#changed();
  }

  removeListener(listener) {
    if (!this.#listeners.includes(listener)) return;
    this.#listeners = this.#listeners.filter((other) => other !== listener);
    if (this.#listeners.length === 0) this.#changed();
  }

  hasListener(listener) {
    return this.#listeners.includes(listener);
  }

  hasListeners() {
    return this.#listeners.length > 0;
  }

  addRules() {
    this.#refuseRules();
  }

  getRules() {
    this.#refuseRules();
  }

  removeRules() {
    this.#refuseRules();
  }

  #refuseRules() {
    throw new Error(`${this.#name} has no rules`);
  }

  /** Calls the listeners that there are now; one that throws does not stop the others. */
  static dispatch(event, ...values) {
    for (const listener of event.#listeners) {
      try {
        listener(...values);
      } catch (error) {
        report(`Error in event handler for ${event.#name}:`, error);
      }
    }
  }
}

const { dispatch } = Event;
delete Event.dispatch;

module.exports = { Event, dispatch };

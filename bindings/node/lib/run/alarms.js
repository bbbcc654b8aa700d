// chrome.alarms. They end with the process.
'use strict';

const { clearTimeout, setTimeout } = require('node:timers');
const { Event, dispatch } = require('../event');
const { Date, Error, Map, Math } = require('./globals');
const { methodsOf } = require('./methods');

const MINUTE = 60_000;
/** What a timer can wait at most. */
const LONGEST = 2 ** 31 - 1;

const name = { name: 'name', type: 'string', optional: true };
const MEMBERS = {
  create: { parameters: [name, { name: 'alarmInfo', type: 'object', ref: 'alarms.AlarmCreateInfo' }] },
  get: { parameters: [name], outcome: 'alarm' },
  getAll: { parameters: [], outcome: 'alarms' },
  clear: { parameters: [name], outcome: 'wasCleared' },
  clearAll: { parameters: [], outcome: 'wasCleared' },
};

const TYPES = {
  'alarms.AlarmCreateInfo': { members: ['when', 'delayInMinutes', 'periodInMinutes'].map((name) => ({ name, type: 'number' })) },
};

/** When an alarm is to ring first. */
function firstTime({ when, delayInMinutes, periodInMinutes }) {
  if (when !== undefined && delayInMinutes !== undefined) throw new Error('Cannot set both when and delayInMinutes.');
  const delay = delayInMinutes ?? periodInMinutes;
  if (when === undefined && delay === undefined) {
    throw new Error('Must set at least one of when, delayInMinutes, or periodInMinutes.');
  }
  return when ?? Date.now() + delay * MINUTE;
}

/** What the page gets of an alarm: a copy. */
const shown = (entry) => entry && { ...entry.alarm };

function alarmsOf(runtime) {
  const set = new Map();
  // The process lives for an alarm that somebody waits for.
  const hold = ({ timer }) => (onAlarm.hasListeners() ? timer.ref() : timer.unref());
  const onAlarm = new Event('alarms.onAlarm', () => set.forEach(hold));

  const wait = (entry) => {
    const { alarm } = entry;
    entry.timer = setTimeout(() => {
      if (Date.now() < alarm.scheduledTime) wait(entry);
      else ring(entry);
    }, Math.min(Math.max(alarm.scheduledTime - Date.now(), 0), LONGEST));
    hold(entry);
  };
  const ring = (entry) => {
    const { alarm } = entry;
    if (alarm.periodInMinutes === undefined) {
      set.delete(alarm.name);
    } else {
      entry.alarm = { ...alarm, scheduledTime: Date.now() + alarm.periodInMinutes * MINUTE };
      wait(entry);
    }
    dispatch(onAlarm, alarm);
  };
  const clear = (key) => {
    clearTimeout(set.get(key)?.timer);
    return set.delete(key);
  };
  const operations = {
    create(key, info) {
      const { periodInMinutes } = info;
      const scheduledTime = firstTime(info);
      const named = key ?? '';
      clear(named);
      const entry = { alarm: { name: named, scheduledTime, ...(periodInMinutes !== undefined && { periodInMinutes }) } };
      set.set(named, entry);
      wait(entry);
    },
    get: (key) => shown(set.get(key ?? '')),
    getAll: () => [...set.values()].map(shown),
    clear: (key) => clear(key ?? ''),
    // As in Chrome, true also if there was none.
    clearAll() {
      [...set.keys()].forEach(clear);
      return true;
    },
  };
  return { ...methodsOf('alarms', MEMBERS, operations, runtime, TYPES), onAlarm };
}

module.exports = { alarmsOf };

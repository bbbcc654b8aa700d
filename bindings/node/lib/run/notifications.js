// chrome.notifications, as far as they can be shown: a line on the console.
'use strict';

const { randomUUID } = require('node:crypto');
const { console } = require('../globals');
const { enumOf, methodsOf } = require('./methods');

const parameters = [{ name: 'notificationId', type: 'string', optional: true }, { name: 'options', type: 'object' }];
const MEMBERS = { create: { parameters, outcome: 'notificationId' } };

function create(id, { title, message }) {
  console.log(`Notification: ${title}: ${message}`);
  return id || randomUUID();
}

const ENUMS = {
  PermissionLevel: enumOf('denied', 'granted'),
  TemplateType: enumOf('basic', 'image', 'list', 'progress'),
};

const notificationsOf = (runtime) => ({ ...ENUMS, ...methodsOf('notifications', MEMBERS, { create }, runtime) });

module.exports = { notificationsOf };

#!/usr/bin/env node
'use strict';

const { engines } = require('../package.json');

const { node } = process.versions;
// Of older versions not even all of the library can be loaded.
if (parseInt(node, 10) < parseInt(engines.node.replace('>=', ''), 10)) {
  console.error(`chrome-app-run: this is Node ${node}, and ${engines.node} is needed`);
  process.exit(1);
}
require('../lib/run').main(process.argv.slice(2));

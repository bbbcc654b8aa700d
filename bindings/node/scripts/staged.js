// Before `npm pack`: fails unless all is there that the build puts into the package.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const process = require('node:process');

const ROOT = path.join(__dirname, '..');
const library = path.join('native', `${process.platform}-${process.arch}`, 'libchromesock.so');
for (const name of [library, path.join('native', 'api.json'), 'LICENSE-MIT', 'LICENSE-APACHE']) {
  if (fs.existsSync(path.join(ROOT, name))) continue;
  console.error(`${name} is missing; \`make stage-node\` puts it there`);
  process.exitCode = 1;
}

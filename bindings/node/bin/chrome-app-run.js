#!/usr/bin/env node
'use strict';

require('../lib/run').main(process.argv.slice(2));

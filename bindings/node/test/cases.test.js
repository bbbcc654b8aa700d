// The behavioural cases of the C suite over this binding; the trace goes to target/cases/node.trace.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { Peer, runCase } = require('./cases.run.js');

const repository = path.join(__dirname, '..', '..', '..');
const folder = path.join(repository, 'c-tests', 'cases');
const traces = path.resolve(repository, process.env.CARGO_TARGET_DIR ?? 'target', 'cases');
const files = fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort();

const read = (...names) => JSON.parse(fs.readFileSync(path.join(folder, ...names), 'utf8'));

describe('behavioural cases', () => {
  let peer;
  const lines = [];
  before(() => { peer = new Peer(path.join(folder, 'peer.py')); });
  after(() => {
    peer.stop();
    fs.mkdirSync(traces, { recursive: true });
    fs.writeFileSync(path.join(traces, 'node.trace'), lines.join(''));
  });

  for (const file of files) {
    test(file, async (context) => {
      for (const one of read(file)) {
        if (one.needs && !(await peer.ask('has', one.needs)).gives) continue;
        await context.test(`${one.rule}: ${one.name}`, async () => {
          const result = await runCase(one, peer);
          lines.push(result.text);
          assert.deepEqual(result.lines, result.expected, result.stoppedAt);
          assert.ok(result.held, result.stoppedAt);
        });
      }
    });
  }

  test('each wrong case fails', async (context) => {
    for (const one of read('wrong', 'cases.json')) {
      await context.test(one.name, async () => {
        assert.equal((await runCase(one, peer, 1000)).held, false);
      });
    }
  });
});

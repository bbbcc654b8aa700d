// The package as it is published: it carries the library, its types hold, and what is made from the table is fresh.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const { test } = require('node:test');
const ts = require('typescript');
const { createChrome } = require('chromesock');

const run = promisify(execFile);
const ROOT = path.join(__dirname, '..');

test('index.d.ts is made from the table', () => {
  const { text } = require('../scripts/types');
  assert.strictEqual(fs.readFileSync(path.join(ROOT, 'index.d.ts'), 'utf8'), text(), '`make bindings` takes it over');
});

test('the object is what chrome-types says', { timeout: 240_000 }, async () => {
  await run(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', ROOT]);
});

test('npm pack carries the library; a program that installs it runs', { timeout: 240_000 }, async (t) => {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'chromesock-pack-'));
  t.after(() => fs.rmSync(work, { recursive: true }));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', work], { cwd: ROOT });
  // An array, and since npm 12 an object.
  const [{ filename, files }] = Object.values(JSON.parse(stdout));
  const names = files.map((file) => file.path);
  const parts = ['lib/index.js', 'lib/index.mjs', 'index.d.ts', 'bin/chrome-app-run.js', 'native/api.json'];
  for (const needed of [...parts, 'LICENSE-MIT', 'LICENSE-APACHE']) {
    assert.ok(names.includes(needed), needed);
  }
  assert.ok(names.some((name) => /^native\/\w+-\w+\/libchromesock\./.test(name)), names.join(' '));
  assert.ok(!names.some((name) => /^(test|node_modules|scripts)\//.test(name)), names.join(' '));

  // Without scripts: nothing is compiled, nothing runs at install.
  const program = path.join(work, 'program');
  fs.mkdirSync(program);
  fs.writeFileSync(path.join(program, 'package.json'), '{ "private": true }');
  await run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', path.join(work, filename)], { cwd: program });
  const code = "import { createChrome } from 'chromesock'; console.log(await createChrome().sockets.tcp.create());";
  const ran = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: program });
  assert.strictEqual(ran.stdout, '{ socketId: 1 }\n');
  await assert.rejects(run(path.join(program, 'node_modules/.bin/chrome-app-run'), []), /Usage: chrome-app-run/);
});

test('a library that is missing, or is none, is named', (t) => {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'chromesock-library-'));
  t.after(() => fs.rmSync(work, { recursive: true }));
  const file = path.join(work, 'none.so');
  const named = (error) => error.message.startsWith('chromesock: ') && error.message.includes(file);
  assert.throws(() => createChrome(undefined, { libraryPath: file }), named);
  fs.writeFileSync(file, 'no library');
  assert.throws(() => createChrome(undefined, { libraryPath: file }), named);
});

/** Whether what is in a node runs when a function is called or an object is made, not when the file is loaded. */
const runsLater = (node) => ts.isFunctionLike(node) || (ts.isPropertyDeclaration(node) && !ts.hasStaticModifier(node));

/** The globals that the functions of a file read when they run, by name. */
function globalsOf(file) {
  const source = ts.createSourceFile(file, fs.readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const declared = new Set();
  const read = new Set();
  const visit = (node, isWithin) => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isName = parent.name === node || parent.propertyName === node;
      if (isName && !ts.isPropertyAccessExpression(parent)) declared.add(node.text);
      else if (!isName && isWithin) read.add(node.text);
    }
    ts.forEachChild(node, (child) => visit(child, isWithin || runsLater(node)));
  };
  visit(source, false);
  return [...read].filter((name) => name in globalThis && !declared.has(name));
}

test('the library keeps the globals that it uses: a page may replace them', () => {
  // These are the page's, or nobody's to replace.
  const allowed = ['globalThis', 'undefined'];
  for (const name of fs.readdirSync(path.join(ROOT, 'lib'), { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const names = globalsOf(path.join(ROOT, 'lib', name)).filter((each) => !allowed.includes(each));
    assert.deepStrictEqual(names, [], name);
  }
});

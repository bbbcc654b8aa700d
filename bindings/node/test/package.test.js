// The package as it is published: it carries the library, its types hold, and what is made from the table is fresh.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const { test } = require('node:test');
const ts = require('typescript');
const { createChrome } = require('chromesock');
const { api } = require('../lib/library');
const { folder } = require('./support');

const run = promisify(execFile);
const ROOT = path.join(__dirname, '..');

test('index.d.ts is made from the table', () => {
  const { text } = require('../scripts/types');
  assert.strictEqual(fs.readFileSync(path.join(ROOT, 'index.d.ts'), 'utf8'), text(), '`make bindings` takes it over');
});

for (const kind of ['node16', 'nodenext']) {
  test(`the object is what chrome-types says, imported and required (${kind})`, { timeout: 240_000 }, async () => {
    await run(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', ROOT, '--module', kind, '--moduleResolution', kind]);
  });
}

test('npm pack carries the library; a program that installs it runs', { timeout: 240_000 }, async (t) => {
  const work = folder(t);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', work], { cwd: ROOT });
  // An array, and since npm 12 an object.
  const [{ filename, files }] = Object.values(JSON.parse(stdout));
  const names = files.map((file) => file.path);
  const parts = ['lib/index.js', 'lib/index.mjs', 'index.d.ts', 'index.d.mts', 'bin/chrome-app-run.js', 'native/api.json'];
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

test('the package has the version of the table', () => {
  assert.strictEqual(require('../package.json').version, api.version);
});

test('npm pack without the library fails, and says what is to be done', { timeout: 240_000 }, async (t) => {
  const work = folder(t);
  fs.cpSync(ROOT, work, { recursive: true, filter: (name) => !/^(native|node_modules|test)$/.test(path.relative(ROOT, name)) });
  await assert.rejects(run('npm', ['pack'], { cwd: work }), ({ stderr }) => {
    assert.match(stderr, /^native.*libchromesock\.so is missing; `make stage-node` puts it there$/m);
    return true;
  });
  assert.deepStrictEqual(fs.readdirSync(work).filter((name) => name.endsWith('.tgz')), []);
});

test('a library of another version is refused, and one of something else is named', async (t) => {
  const work = folder(t);
  const built = async (name, code) => {
    const [source, file] = ['c', 'so'].map((end) => path.join(work, `${name}.${end}`));
    fs.writeFileSync(source, code);
    await run('cc', ['-shared', '-fPIC', '-o', file, source]);
    return file;
  };
  const [major, minor] = api.version.split('.').map(Number);
  const other = await built('other', `
    unsigned chromesock_version_number(void) { return ${major} << 16 | ${minor + 1} << 8; }
    const char *chromesock_version(void) { return "${major}.${minor + 1}.0"; }`);
  const message = `chromesock: ${other} is version ${major}.${minor + 1}.0, wanted is ${major}.${minor}`;
  assert.throws(() => createChrome(undefined, { libraryPath: other }), { message });
  const none = await built('none', 'int none;');
  const named = (error) => error.message.startsWith(`chromesock: ${none}: `);
  assert.throws(() => createChrome(undefined, { libraryPath: none }), named);
});

test('a library that is missing, or is none, is named', (t) => {
  const work = folder(t);
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

// The names of Chrome's that chrome-app-run does not have.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { test } = require('node:test');
const ts = require('typescript');
const { NAMES } = require('../lib/run/names');

/** The members of each namespace of chrome-types, by its name. */
function documented() {
  const file = require.resolve('chrome-types/_all.d.ts');
  const source = ts.createSourceFile(file, fs.readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const spaces = {};
  const visit = (node, within) => {
    if (ts.isModuleBlock(node)) node.statements.forEach((statement) => visit(statement, within));
    else if (ts.isModuleDeclaration(node)) visit(node.body, [...within, node.name.text]);
    else if (ts.isFunctionDeclaration(node)) (spaces[within.join('.')] ??= []).push(node.name.text);
    else if (ts.isVariableStatement(node)) {
      (spaces[within.join('.')] ??= []).push(...node.declarationList.declarations.map(({ name }) => name.text));
    }
  };
  source.statements.forEach((statement) => visit(statement, []));
  return spaces;
}

test('each name that is listed as missing is one of Chrome\'s', () => {
  const spaces = documented();
  for (const { space, members } of NAMES) {
    assert.deepStrictEqual(members.filter((name) => !spaces[`chrome.${space}`].includes(name)), [], space);
    assert.strictEqual(new Set(members).size, members.length, space);
  }
});

// Writes index.d.ts from the table of the API:   node scripts/types.js [FILE]
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { api } = require('../lib/library');

const HEAD = `// Made from the table of the API by scripts/types.js; do not edit.

/** Options of createChrome. */
export interface ChromeOptions {
  /** Certificates in PEM form that are trusted besides those of the web, which are built in. */
  extraRootsPem?: string;
  /** Most bytes of unfinished sends; a send beyond it fails with "Exceeded write quota.". Default 200 MiB. */
  writeQuotaBytes?: number;
  /** Share addresses with other objects that do, in this or another process of the user. Default false. */
  reusePort?: boolean;
  /** How long the library's thread looks for more, in microseconds, before it sleeps, keeping a CPU busy. Default 0. */
  busyPollUs?: number;
  /** Where the shared library is, if not in the package. */
  libraryPath?: string;
}

/**
 * Opens an app: its sockets, under the permissions of its manifest, which is the parsed manifest.json.
 * Without a manifest, everything is allowed.
 */
export function createChrome(manifest?: object | null, options?: ChromeOptions | null): Chrome;

/** Ends an app: its calls complete, its sockets close. The promise is fulfilled when that is done. */
export function destroyChrome(chrome: Chrome): Promise<void>;

/** An event that listeners can be added to. */
export interface Event<H extends (...args: any) => void> {
  addListener(callback: H): void;
  removeListener(callback: H): void;
  hasListener(callback: H): boolean;
  hasListeners(): boolean;
  /** Throws: these events have no rules. */
  addRules(rules: unknown[], callback?: (rules: any[]) => void): void;
  /** Throws. */
  getRules(ruleIdentifiers: string[], callback: (rules: any[]) => void): void;
  getRules(callback: (rules: any[]) => void): void;
  /** Throws. */
  removeRules(ruleIdentifiers?: string[], callback?: () => void): void;
  removeRules(callback?: () => void): void;
}

export interface Runtime {
  /** The app's id. */
  readonly id: string;
  /** What failed: there only during the callback of a call that failed, and in what awaits it. */
  readonly lastError?: { message: string };
  getManifest(): any;
  getURL(path: string): string;
}
`;

const WORDS = { integer: 'number', boolean: 'boolean', string: 'string' };

/** The type of a value that the program gives (`isGiven`) or gets. */
function typeOf({ type, ref, items }, isGiven) {
  if (type === 'binary') return isGiven ? 'ArrayBuffer | ArrayBufferView' : 'ArrayBuffer';
  if (type === 'array') return `${typeOf(items)}[]`;
  return ref ?? WORDS[type];
}

const isInput = (name) => /(Properties|Options|Constraints)$/.test(name);

function named(name, { values, members }) {
  const short = name.split('.').at(-1);
  if (values) {
    const texts = Object.keys(values).map((text) => `'${text}'`);
    const constants = Object.keys(values).map((text) => `readonly ${text.toUpperCase()}: '${text}'`);
    return [`type ${short} = ${texts.join(' | ')};`, `interface ${short}Enum { ${constants.join('; ')} }`];
  }
  const lines = members.map((member) => {
    const mayLack = isInput(name) || member.present !== undefined;
    return `  ${member.name}${mayLack ? '?' : ''}: ${typeOf(member)};`;
  });
  return lines.length === 0 ? [`interface ${short} {}`] : [`interface ${short} {`, ...lines, '}'];
}

/** The ways to call a method: with or without each optional parameter before the callback. */
function overloads({ name, parameters, callback, outcome }) {
  const short = name.split('.').at(-1);
  const words = (list, mayOmit) =>
    list.map((p) => `${p.name}${mayOmit && p.optional ? '?' : ''}: ${typeOf(p, true)}`);
  const result = outcome && typeOf(outcome);
  const callbackType = `(${result ? `result: ${result}` : ''}) => void`;
  const line = (given, returned) => `${short}(${given.join(', ')}): ${returned};`;
  const required = parameters.filter((p) => !p.optional);
  const hasOptional = required.length < parameters.length;
  if (callback === null) return [line(words(parameters), 'void')];
  const calls = [];
  if (callback === 'promise') {
    calls.push(line(words(parameters, true), `Promise<${result ?? 'void'}>`));
    calls.push(line([...words(parameters, true), `callback?: ${callbackType}`], 'void'));
  } else {
    calls.push(line([...words(parameters), `callback: ${callbackType}`], 'void'));
  }
  if (hasOptional) calls.push(line([...words(required), `callback: ${callbackType}`], 'void'));
  return calls;
}

function memberOf(member) {
  if (member.kind === 'method') return overloads(member);
  return [`readonly ${member.name.split('.').at(-1)}: Event<(info: ${member.outcome.ref}) => void>;`];
}

const indent = (lines) => lines.map((line) => `  ${line}`);

function declarations() {
  const spaces = [...new Set(api.members.map(({ name }) => name.replace(/^chrome\.|\.\w+$/g, '')))];
  const within = (space, name) => name.startsWith(`${space}.`) && !name.slice(space.length + 1).includes('.');
  const lines = spaces.flatMap((space) => {
    const types = Object.entries(api.types).filter(([name]) => within(space, name));
    const members = api.members.filter(({ name }) => within(space, name.slice('chrome.'.length)));
    const enums = types.filter(([, type]) => type.values).map(([name]) => name.split('.').at(-1));
    return [
      '',
      `export namespace ${space} {`,
      ...indent(types.flatMap(([name, type]) => named(name, type))),
      '  interface Api {',
      ...indent(indent(enums.map((name) => `readonly ${name}: ${name}Enum;`))),
      ...indent(indent(members.flatMap(memberOf))),
      '  }',
      '}',
    ];
  });
  const inner = spaces.filter((space) => space.startsWith('sockets.'));
  return [
    ...lines,
    '',
    'export interface Chrome {',
    '  readonly runtime: Runtime;',
    '  readonly socket: socket.Api;',
    `  readonly sockets: { ${inner.map((space) => `readonly ${space.split('.')[1]}: ${space}.Api`).join('; ')} };`,
    '}',
    '',
  ].join('\n');
}

exports.text = () => HEAD + declarations();

if (require.main === module) {
  fs.writeFileSync(process.argv[2] ?? path.join(__dirname, '..', 'index.d.ts'), exports.text());
}

// The shared library as functions of JavaScript, all made from the table of the API.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const process = require('node:process');
const koffi = require('koffi');
const { Error, Number, Object } = require('./globals');

const NATIVE = path.join(__dirname, '..', 'native');
const FILE = process.platform === 'darwin' ? 'libchromesock.dylib' : 'libchromesock.so';

/** An object that has nothing of what a program adds to Object.prototype, or any other value. */
const bare = (key, value) => (value?.constructor === Object ? Object.setPrototypeOf(value, null) : value);

/** Table of the API: members, types, results, the C interface. */
const api = JSON.parse(fs.readFileSync(path.join(NATIVE, 'api.json'), 'utf8'), bare);

const PLAIN = {
  chromesock_bool: 'uint8',
  chromesock_status: 'int32',
  int32_t: 'int32',
  size_t: 'size_t',
  uint8_t: 'uint8',
  uint32_t: 'uint32',
  uint64_t: 'uint64',
  void: 'void',
};

/** Pointers to what JavaScript's own memory holds: structs of a call, bytes, numbers, and places for pointers. */
const OUR_MEMORY = /^(const )?(\w+_(options|properties)|uint8_t|int32_t|size_t|ssize_t|intptr_t|ptrdiff_t) \*$|\*\*$/;

/** Other pointers go in as numbers. */
function parameterType(type) {
  if (type === 'const char *') return 'str';
  if (OUR_MEMORY.test(type)) return 'void *';
  return PLAIN[type] ?? 'uintptr_t';
}

const returnType = (type) => (type === 'const char *' ? 'str' : PLAIN[type]);

/** The library at `file`, and its version; what is wrong with it does not always name it. */
function opened(file) {
  try {
    const library = koffi.load(file);
    const ask = (name) => library.func(name, returnType(api.functions[name].returns), [])();
    return { library, number: ask('chromesock_version_number'), version: ask('chromesock_version') };
  } catch (error) {
    throw new Error(`chromesock: ${file}: ${error.message}`, { cause: error });
  }
}

/** The parts of a version that the ABI depends on, which the table describes. */
const [MAJOR, MINOR] = api.version.split('.').map(Number);

const loaded = new Map();

/** The functions of the library at `file`, made when first used. */
function load(file = path.join(NATIVE, `${process.platform}-${process.arch}`, FILE)) {
  const known = loaded.get(file);
  if (known) return known;
  if (!fs.existsSync(file)) throw new Error(`chromesock: no library for this system at ${file}`);
  const { library, number, version } = opened(file);
  if (number >>> 16 !== MAJOR || (number >>> 8 & 0xff) !== MINOR) {
    throw new Error(`chromesock: ${file} is version ${version}, wanted is ${MAJOR}.${MINOR}`);
  }
  const functions = {};
  for (const [name, { returns, parameters }] of Object.entries(api.functions)) {
    Object.defineProperty(functions, name, {
      configurable: true,
      get() {
        const made = library.func(name, returnType(returns), parameters.map((p) => parameterType(p.type)));
        Object.defineProperty(functions, name, { __proto__: null, value: made });
        return made;
      },
    });
  }
  loaded.set(file, functions);
  return functions;
}

const resultNames = new Map(api.results.map((result) => [result.number, result.cName]));

/** Throws what a function of the library returned, unless it is OK. */
function check(status) {
  if (status !== 0) throw new Error(`chromesock: ${resultNames.get(status) ?? status}`);
}

module.exports = { api, check, koffi, load };

// Memory of C: reading it, and how much of it the C library keeps.
'use strict';

const { Buffer } = require('node:buffer');
const { koffi } = require('./library');

const c = koffi.load(null);
const memcpy = c.func('memcpy', 'void', ['void *', 'uintptr_t', 'size_t']);
const strlen = c.func('strlen', 'size_t', ['uintptr_t']);
const malloc = c.func('malloc', 'uintptr_t', ['size_t']);
const free = c.func('free', 'void', ['uintptr_t']);

/** A copy of the library's memory. */
function copied(address, length) {
  const memory = Buffer.allocUnsafeSlow(length);
  memcpy(memory, address, length);
  return memory;
}

/** Half of what the C library is to keep of freed memory; it heeds no block of 32 MiB or more. */
const KEPT = 31 * 1024 * 1024;
let keeps = false;

/**
 * Data in bulk is freed by garbage collection, many blocks at a time. The GNU C library gives such memory back to the
 * system, to ask for it again page by page, until the process has freed a block as large as this one.
 */
function keepFreed() {
  if (keeps) return;
  keeps = true;
  free(malloc(KEPT));
}

module.exports = { copied, keepFreed, strlen };

// Structs of C, written and read by JavaScript itself.
//
// koffi would do it, but a worker that is terminated while koffi looks at an object ends the whole process; while it
// passes numbers, texts and memory it does not.
'use strict';

const { Buffer } = require('node:buffer');
const { Array, ArrayBuffer, BigInt, Map, Number, Object } = require('./globals');
const { api, koffi } = require('./library');
const { copied, strlen } = require('./memory');

/** On all systems that the package is for. */
const POINTER = 8;
const SIZES = { chromesock_bool: 1, chromesock_status: 4, int32_t: 4, uint8_t: 1, uint32_t: 4, uint64_t: 8 };
const TEXT = 'const char *';
const TEXT_POINTER = 'char *const';

/** Each struct's size, and where its members are. */
const layouts = {};
for (const [name, members] of Object.entries(api.structs)) {
  const layout = { size: 0, members: {} };
  for (const { name: member, type } of members) {
    const [, item, count] = /^(.+?)(?:\[(\d+)\])?$/.exec(type);
    const size = SIZES[item] ?? POINTER;
    const at = Math.ceil(layout.size / size) * size;
    layout.members[member] = { at, size, type };
    layout.size = at + size * Number(count ?? 1);
  }
  layout.fields = Object.entries(layout.members);
  layouts[name] = layout;
}

function write(memory, at, size, value) {
  if (size === 8) memory.writeBigUInt64LE(BigInt(value), at);
  else if (size === 4) memory.writeInt32LE(Number(value) | 0, at);
  else memory[at] = Number(value);
}

/** A struct with the members that are given, the others zero, and after it its texts. */
function packed(name, given) {
  const { size, members } = layouts[name];
  const texts = new Map();
  let length = size;
  for (const [member, value] of Object.entries(given)) {
    if (typeof value !== 'string') continue;
    texts.set(member, length);
    length += Buffer.byteLength(value) + 1;
  }
  const buffer = new ArrayBuffer(length);
  const memory = Buffer.from(buffer);
  write(memory, 0, 4, size);
  for (const [member, value] of Object.entries(given)) {
    const { at, size: bytes } = members[member];
    const text = texts.get(member);
    if (text === undefined) {
      write(memory, at, bytes, value ?? 0);
    } else {
      memory.write(value, text);
      write(memory, at, bytes, koffi.address(buffer) + BigInt(text));
    }
  }
  return buffer;
}

function read(memory, at, { size, type }) {
  if (size === 1) return memory[at];
  if (size === 4) return type === 'uint32_t' ? memory.readUInt32LE(at) : memory.readInt32LE(at);
  const value = Number(memory.readBigUInt64LE(at));
  if (type !== TEXT) return value;
  return value === 0 ? null : copied(value, strlen(value)).utf8Slice();
}

/** The elements of a list of an event, whose type is that of the member `field`. */
function listOf(event, field) {
  const { size, members } = layouts.chromesock_event;
  const memory = copied(event, size);
  const length = read(memory, members[`${field}_len`].at, members[`${field}_len`]);
  if (length === 0) return [];
  const [, name] = /^const (\w+(?: \*const)?) \*$/.exec(members[field].type);
  const item = name === TEXT_POINTER ? { size: POINTER } : layouts[name];
  const list = copied(read(memory, members[field].at, members[field]), length * item.size);
  return Array.from({ length }, (_, n) => {
    const start = n * item.size;
    if (name === TEXT_POINTER) return read(list, start, { size: POINTER, type: TEXT });
    const element = {};
    for (const [key, member] of item.fields) element[key] = read(list, start + member.at, member);
    return element;
  });
}

/** The members of an object type that lie in its struct, those of objects within it included. */
function* leaves(name, path = []) {
  for (const member of api.types[name].members) {
    const here = [...path, member.name];
    if (member.type === 'object') yield* leaves(member.ref, here);
    else yield { __proto__: null, ...member, path: here };
  }
}

/** A function that makes the struct of a given object. */
function packer(name) {
  const { struct } = api.types[name];
  const members = [...leaves(name)];
  return (object) => {
    const given = { __proto__: null };
    for (const { path, field, present } of members) {
      const value = path.reduce((inner, key) => inner?.[key], object);
      if (value === undefined) continue;
      given[field] = value;
      if (present !== undefined) given.present = (given.present ?? 0) | present;
    }
    return packed(struct, given);
  };
}

module.exports = { layouts, listOf, packed, packer };

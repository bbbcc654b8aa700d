// Objects of the API as structs of C.
'use strict';

const { api, zeroed } = require('./library');

/** The members of an object type that lie in its struct, those of objects within it included. */
function* leaves(name, path = []) {
  for (const member of api.types[name].members) {
    const here = [...path, member.name];
    if (member.type === 'object') yield* leaves(member.ref, here);
    else yield { ...member, path: here };
  }
}

/** A function that makes the struct of a given object. */
function packer(name) {
  const { struct } = api.types[name];
  const members = [...leaves(name)];
  return (object) => {
    const given = {};
    for (const { path, field, present, type } of members) {
      const value = path.reduce((inner, key) => inner?.[key], object);
      if (value === undefined) continue;
      given[field] = type === 'boolean' ? Number(value) : value;
      if (present !== undefined) given.present = (given.present ?? 0) | present;
    }
    return zeroed(struct, given);
  };
}

module.exports = { packer };

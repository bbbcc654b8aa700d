// The types of lib/index.mjs: those of the module that is required, under the same names and as the default.
export * from './index.js';
export { default } from './index.js';

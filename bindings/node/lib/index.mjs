export { default, createChrome, destroyChrome } from './index.js';

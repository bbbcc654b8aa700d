export { createChrome, destroyChrome } from './index.js';

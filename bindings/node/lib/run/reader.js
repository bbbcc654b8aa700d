// FileReader. What is in memory cannot fail.
'use strict';

const { Buffer } = require('node:buffer');
const { DOMException, TypeError } = require('./globals');
const { decoded } = require('./encoding');
const { progressEvent, withHandlers } = require('./handlers');

const STATES = { EMPTY: 0, LOADING: 1, DONE: 2 };

class FileReader extends withHandlers(['loadstart', 'progress', 'load', 'abort', 'error', 'loadend']) {
  readyState = STATES.EMPTY;
  result = null;
  error = null;
  #running = null;

  readAsArrayBuffer(blob) {
    this.#read(blob, (buffer) => buffer);
  }

  readAsBinaryString(blob) {
    this.#read(blob, (buffer) => Buffer.from(buffer).toString('latin1'));
  }

  readAsText(blob, encoding) {
    this.#read(blob, (buffer) => decoded(buffer, encoding));
  }

  readAsDataURL(blob) {
    const type = blob?.type || 'application/octet-stream';
    this.#read(blob, (buffer) => `data:${type};base64,${Buffer.from(buffer).toString('base64')}`);
  }

  abort() {
    this.result = null;
    if (this.readyState === STATES.LOADING) this.#end('abort', 0);
  }

  #read(blob, convert) {
    if (typeof blob?.arrayBuffer !== 'function') {
      throw new TypeError('FileReader reads a Blob, and was given something else');
    }
    if (this.readyState === STATES.LOADING) {
      throw new DOMException('The object is already busy reading Blobs.', 'InvalidStateError');
    }
    const running = {};
    this.#running = running;
    this.readyState = STATES.LOADING;
    this.result = null;
    blob.arrayBuffer().then((buffer) => {
      const isOver = () => this.#running !== running;
      if (isOver()) return;
      this.#tell('progress', buffer.byteLength);
      if (isOver()) return;
      this.result = convert(buffer);
      this.#end('load', buffer.byteLength);
    });
    this.#tell('loadstart', 0);
  }

  #end(type, loaded) {
    this.#running = null;
    this.readyState = STATES.DONE;
    this.#tell(type, loaded);
    // Unless the listener has begun another one.
    if (this.readyState === STATES.DONE) this.#tell('loadend', loaded);
  }

  #tell(type, loaded) {
    this.dispatchEvent(progressEvent(type, loaded));
  }
}
Object.assign(FileReader, STATES);
Object.assign(FileReader.prototype, STATES);

module.exports = { FileReader };

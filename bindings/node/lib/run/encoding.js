// Text of bytes: what Node's TextDecoder knows, and the two encodings of the web that it does not know or gets wrong.
'use strict';

const { Buffer } = require('node:buffer');
const { ArrayBuffer, DataView, Map, Object, String, TextDecoder: Decoder, Uint8Array } = require('./globals');

/** What 0x80 to 0x9F are in windows-1252; the other bytes are the code points of their number. */
const WINDOWS = '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f'
  + '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

/** By their names, as the Encoding Standard has them: their labels, and what becomes of each byte taken for a code point. */
const ENCODINGS = {
  'windows-1252': {
    labels: [
      'ansi_x3.4-1968', 'ascii', 'cp1252', 'cp819', 'csisolatin1', 'ibm819', 'iso-8859-1', 'iso-ir-100', 'iso8859-1', 'iso88591',
      'iso_8859-1', 'iso_8859-1:1987', 'l1', 'latin1', 'us-ascii', 'windows-1252', 'x-cp1252',
    ],
    textOf: (latin1) => latin1.replace(/[\x80-\x9f]/g, (byte) => WINDOWS[byte.charCodeAt(0) - 0x80]),
  },
  'x-user-defined': {
    labels: ['x-user-defined'],
    textOf: (latin1) => latin1.replace(/[\x80-\xff]/g, (byte) => String.fromCharCode(byte.charCodeAt(0) + 0xf700)),
  },
};
const BY_LABEL = new Map(Object.keys(ENCODINGS).flatMap((name) => ENCODINGS[name].labels.map((label) => [label, name])));

/** Bytes as the code points of their numbers. */
function latin1Of(input) {
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(input) ? input : new DataView(input);
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

/** A page's TextDecoder. */
class TextDecoder extends Decoder {
  /** The name of the encoding, if it is one of ours. They have no state, and nothing can be wrong in them. */
  #own;

  constructor(label = 'utf-8', options = undefined) {
    const own = BY_LABEL.get(String(label).trim().toLowerCase());
    super(own ? 'utf-8' : label, options);
    this.#own = own;
  }

  get encoding() {
    return this.#own ?? super.encoding;
  }

  decode(input = new Uint8Array(), options = undefined) {
    return this.#own ? ENCODINGS[this.#own].textOf(latin1Of(input)) : super.decode(input, options);
  }
}

const BYTE_ORDER_MARKS = { 'utf-8': [0xef, 0xbb, 0xbf], 'utf-16le': [0xff, 0xfe], 'utf-16be': [0xfe, 0xff] };

/** A decoder of text that begins so: of the encoding that it says of itself, else of `encoding`, or UTF-8 if there is none of that name. */
function decoderOf(bytes, encoding) {
  const said = Object.keys(BYTE_ORDER_MARKS).find((name) => BYTE_ORDER_MARKS[name].every((byte, n) => bytes[n] === byte));
  try {
    return new TextDecoder(said ?? encoding);
  } catch {
    return new TextDecoder();
  }
}

/** The text of data. */
const decoded = (data, encoding) => decoderOf(new Uint8Array(data), encoding).decode(data);

/** Text that comes in pieces. */
class Incoming {
  #encoding;
  #decoder = null;
  /** What has come before that. */
  #start = new Uint8Array();

  constructor(encoding) {
    this.#encoding = encoding;
  }

  /** The text of a piece. */
  next(piece) {
    if (this.#decoder) return this.#decoder.decode(piece, { stream: true });
    this.#start = Buffer.concat([this.#start, piece]);
    return this.#isOpen ? '' : this.#begin();
  }

  /** What is left. */
  end() {
    return (this.#decoder ? '' : this.#begin()) + this.#decoder.decode();
  }

  /** Whether what has come may be a part of a mark. */
  get #isOpen() {
    const marks = Object.values(BYTE_ORDER_MARKS).filter(({ length }) => length > this.#start.length);
    return marks.some((mark) => this.#start.every((byte, n) => byte === mark[n]));
  }

  #begin() {
    this.#decoder = decoderOf(this.#start, this.#encoding);
    return this.#decoder.decode(this.#start, { stream: true });
  }
}

module.exports = { Incoming, TextDecoder, decoded };

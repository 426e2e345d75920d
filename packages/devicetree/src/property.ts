// SPDX-License-Identifier: MIT
import type { InputError } from "@dmabuf/core";
import { cellAt } from "./cell.ts";
import { fault, quoted } from "./fault.ts";

/** The characters of `bytes` as UTF-8, or as Latin-1 where that is what they are. */
function decode(bytes: Uint8Array): string {
  let latin = "";
  let escaped = "";
  for (const byte of bytes) {
    latin += String.fromCharCode(byte);
    escaped += `%${byte.toString(16).padStart(2, "0")}`;
  }
  if (bytes.every((byte) => byte < 0x80)) return latin;
  try {
    return decodeURIComponent(escaped);
  } catch {
    return latin;
  }
}

/** Control characters and line separators: what could forge a line of output or steer a terminal. */
const isControl = (code: number): boolean =>
  code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029;

const isText = (text: string): boolean => {
  for (let at = 0; at < text.length; at++) if (isControl(text.charCodeAt(at))) return false;
  return true;
};

/** One property of a node: raw bytes, and what they say when read as cells or as strings. */
export class Property {
  readonly name: string;
  /** The value as it stands in the blob; do not write to it. */
  readonly bytes: Uint8Array;
  /** Byte offset of the value in the blob. */
  readonly offset: number;
  /** The blob's name, for error messages. */
  readonly file: string;

  constructor(name: string, bytes: Uint8Array, offset: number, file: string) {
    this.name = name;
    this.bytes = bytes;
    this.offset = offset;
    this.file = file;
  }

  /** The value as 32-bit cells. Throws `InputError` when its length is no multiple of four. */
  cells(): number[] {
    const { length } = this.bytes;
    if (length % 4 !== 0) throw this.fault(0, `${length} bytes are no whole number of 32-bit cells`);
    const cells: number[] = [];
    for (let at = 0; at < length; at += 4) cells.push(cellAt(this.bytes, at));
    return cells;
  }

  /** The value as a single 32-bit cell. Throws `InputError` when it is not four bytes long. */
  u32(): number {
    if (this.bytes.length !== 4) throw this.fault(0, `${this.bytes.length} bytes where one cell is expected`);
    return cellAt(this.bytes, 0);
  }

  /**
   * The value as strings, each ended by a zero byte; an empty value holds none. Throws `InputError` when the last
   * one has no end or one holds control characters, which no string property of a device tree does.
   */
  strings(): string[] {
    const strings: string[] = [];
    let start = 0;
    for (let end = 0; end < this.bytes.length; end++) {
      if (this.bytes[end] !== 0) continue;
      const text = decode(this.bytes.subarray(start, end));
      if (!isText(text)) throw this.fault(start, `${quoted(text)} is not text`);
      strings.push(text);
      start = end + 1;
    }
    if (start < this.bytes.length) throw this.fault(start, "the string has no end");
    return strings;
  }

  /** An error about byte `at` of the value. */
  fault(at: number, reason: string): InputError {
    return fault(this.file, this.offset + at, `property ${this.name}: ${reason}`);
  }
}

// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";

/** Where a blob is wrong: `board.dtb: byte 72 (0x48)`, counted from the blob's first byte. */
const place = (file: string, offset: number): string =>
  `${file === "" ? "" : `${file}: `}byte ${offset} (0x${offset.toString(16)})`;

/** The one-line error of a blob that cannot be used: which file, which byte, what is wrong there. */
export const fault = (file: string, offset: number, reason: string): InputError =>
  new InputError(place(file, offset), reason);

/** `text` made safe to print on one line: what is no printable ASCII is escaped, what is long is cut. */
export function quoted(text: string): string {
  const cut = text.length > 80 ? `${text.slice(0, 80)}...` : text;
  const safe = cut.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `"${safe}"`;
}

/** A number as an address is written, `0x80000000`. */
export const hex = (value: number): string => `0x${value.toString(16)}`;

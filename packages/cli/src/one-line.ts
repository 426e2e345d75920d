// SPDX-License-Identifier: MIT

/** Control characters, line separators and marks that reorder text: what could break a line or repaint a terminal. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const escaped = (character: string): string =>
  character === "\n" ? "\\n" : `\\u{${(character.codePointAt(0) as number).toString(16)}}`;

/** The text as one line that is safe to print: whatever input it quotes, it cannot break the line or repaint the terminal. */
export const oneLine = (text: string): string => text.replace(unprintable, escaped);

/** A value from the input as an error message shows it: short, on one line, text in quotes. */
export function quoted(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  if (typeof value !== "string") return String(value);
  return value.length <= 60 ? `"${oneLine(value)}"` : `"${oneLine(value.slice(0, 57))}..."`;
}

// SPDX-License-Identifier: MIT
import { quoted } from "../one-line.ts";
import type { FieldPath } from "./input-document.ts";
import { absurd, specialKeys } from "./limit.ts";

/** What is wrong with a JSON text, and where. */
export class JsonFault extends Error {
  override readonly name = "JsonFault";
  /** Characters before the fault. */
  readonly offset: number;

  constructor(offset: number, reason: string) {
    super(reason);
    this.offset = offset;
  }
}

const spaces = /[ \t\r\n]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const words: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };
const word = /true|false|null/y;

/**
 * Reads one JSON text (RFC 8259) and, unlike `JSON.parse`, refuses a key that stands twice, a key that is special to
 * JavaScript and absurd nesting, and knows where each value stands. Throws {@link JsonFault}.
 */
export function readJson(text: string): unknown {
  return new JsonReader(text, null, "value").read();
}

/** Characters before the value at a path of a valid JSON text, or before its key; of its nearest ancestor if absent. */
export function offsetInJson(text: string, path: FieldPath, at: "key" | "value"): number {
  const reader = new JsonReader(text, path, at);
  reader.read();
  return reader.found;
}

class JsonReader {
  /** Where the watched path was met, as far as it exists. */
  found = 0;
  readonly #text: string;
  readonly #watched: FieldPath | null;
  readonly #at: "key" | "value";
  #offset = 0;

  constructor(text: string, watched: FieldPath | null, at: "key" | "value") {
    this.#text = text;
    this.#watched = watched;
    this.#at = at;
  }

  read(): unknown {
    const value = this.#value(1, this.#watched === null ? -1 : 0);
    if (this.#peek() !== undefined) throw this.#fault("something stands behind the end of the value");
    return value;
  }

  #fault(reason: string, offset = this.#offset): JsonFault {
    return new JsonFault(offset, reason);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#offset = pattern.lastIndex;
    return found[0];
  }

  #peek(): string | undefined {
    this.#match(spaces);
    return this.#text[this.#offset];
  }

  #expect(character: string, what: string): void {
    if (this.#peek() !== character) throw this.#fault(`expected ${what}`);
    this.#offset++;
  }

  /** @param matched steps of the watched path that lead here, or -1 when this is no part of it. */
  #value(depth: number, matched: number): unknown {
    const first = this.#peek();
    if (matched >= 0) this.found = this.#offset;
    if (first === "{") return this.#object(depth, matched);
    if (first === "[") return this.#array(depth, matched);
    if (first === '"') return this.#string();
    const digits = this.#match(number);
    if (digits !== null) return Number(digits);
    const literal = this.#match(word);
    if (literal !== null) return words[literal];
    throw this.#fault(
      first === undefined ? "the text ends in the middle of a value" : "no JSON value begins here",
    );
  }

  #string(): string {
    const start = this.#offset;
    let end = start;
    do end = this.#text.indexOf('"', end + 1);
    while (end >= 0 && this.#isEscaped(end));
    if (end < 0) throw this.#fault("this string does not end", start);
    this.#offset = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch {
      throw this.#fault("this string has a line break or an escape that JSON does not know", start);
    }
  }

  /** Whether an odd number of backslashes stands before the character. */
  #isEscaped(offset: number): boolean {
    let first = offset;
    while (this.#text[first - 1] === "\\") first--;
    return (offset - first) % 2 === 1;
  }

  /** Whether a step taken at this level goes on along the watched path. */
  #follow(matched: number, step: string | number): number {
    if (matched < 0 || this.#watched === null) return -1;
    return this.#watched[matched] === step ? matched + 1 : -1;
  }

  #nest(depth: number): void {
    if (depth > absurd.depth) throw this.#fault(`nested more than ${absurd.depth} deep`);
    this.#offset++;
  }

  #object(depth: number, matched: number): unknown {
    this.#nest(depth);
    const entries = new Map<string, unknown>();
    if (this.#peek() === "}") return this.#close({});
    for (;;) {
      if (this.#peek() !== '"') throw this.#fault("expected a key in double quotes");
      const start = this.#offset;
      const key = this.#string();
      if (entries.has(key)) throw this.#fault(`the key ${quoted(key)} stands here twice`, start);
      if (specialKeys.has(key)) throw this.#fault(`the key ${quoted(key)} is not allowed`, start);
      const next = this.#follow(matched, key);
      this.#expect(":", "a colon behind the key");
      entries.set(key, this.#value(depth + 1, next));
      if (next >= 0 && next === this.#watched?.length && this.#at === "key") this.found = start;
      if (this.#peek() === "}") return this.#close(Object.fromEntries(entries));
      this.#expect(",", "a comma or the end of the object");
    }
  }

  #array(depth: number, matched: number): unknown {
    this.#nest(depth);
    const items: unknown[] = [];
    if (this.#peek() === "]") return this.#close(items);
    for (;;) {
      items.push(this.#value(depth + 1, this.#follow(matched, items.length)));
      if (this.#peek() === "]") return this.#close(items);
      this.#expect(",", "a comma or the end of the list");
    }
  }

  #close<T>(value: T): T {
    this.#offset++;
    return value;
  }
}

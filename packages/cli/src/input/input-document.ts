// SPDX-License-Identifier: MIT

/** The way to a value inside a document: keys and list positions from the outside in. */
export type FieldPath = readonly PropertyKey[];

/** One document of an input file. */
export interface InputDocument {
  readonly fileName: string;
  /** Counted from 1, as people count documents. */
  readonly number: number;
  /** Mappings, lists, text, finite or non-finite numbers, booleans and null; no key is special to JavaScript. */
  readonly value: unknown;
  /**
   * `file:line:column` of the value at the path, or of its nearest existing ancestor; with `"key"`, of the key that
   * names it.
   */
  place(path: FieldPath, at?: "key" | "value"): string;
}

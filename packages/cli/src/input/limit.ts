// SPDX-License-Identifier: MIT

/** What no honest input reaches: beyond it the input is refused at once, before it can cost time or memory. */
export const absurd = {
  /** Bytes of one file. */
  fileBytes: 64 * 2 ** 20,
  /** Characters of YAML in one file: YAML is parsed some forty times more slowly than JSON. */
  yamlLength: 4 * 2 ** 20,
  /** Words, signs and spaces of one YAML document: a litmus program of more than 10,000 steps has as many. */
  lexemes: 500_000,
  /** Mappings and lists inside each other. */
  depth: 64,
  /** The YAML parser's own stack: the document, and up to two entries for each level. */
  parserDepth: 2 * 64 + 2,
  /** Values of one document, counting what aliases repeat. */
  values: 500_000,
} as const;

/** Keys that mean something to JavaScript itself. */
export const specialKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

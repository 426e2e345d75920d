// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
} from "yaml";
import { quoted } from "../one-line.ts";
import type { FieldPath, InputDocument } from "./input-document.ts";
import { absurd, specialKeys } from "./limit.ts";

/** What an anchor stands for: the value, and what it counts when an alias repeats it. */
interface Anchored {
  readonly node: Node;
  readonly value: unknown;
  readonly values: number;
  readonly depth: number;
}

/**
 * The documents of a YAML text, without the empty ones. Throws `InputError` at the first thing that is wrong. The
 * library's own conversion to JavaScript is not used: its checks for duplicate keys and its alias lookups are
 * quadratic, so a small hostile file could hold it for minutes.
 */
export function yamlDocuments(text: string, fileName: string): InputDocument[] {
  if (text.length > absurd.yamlLength) {
    const limit = absurd.yamlLength / 2 ** 20;
    throw new InputError(fileName, `more than ${limit} MiB of YAML; write that much as JSON Lines`);
  }
  const lines = new LineCounter();
  const composer = new Composer({
    schema: "core",
    version: "1.2",
    resolveKnownTags: false,
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };
  const documents: InputDocument[] = [];
  for (const document of composer.compose(tokens(text, lines, at), false, text.length)) {
    const number = documents.length + 1;
    const reader = new DocumentReader(document, at, number);
    if (!reader.empty) documents.push({ fileName, number, ...reader.read() });
  }
  return documents;
}

function* tokens(
  text: string,
  lines: LineCounter,
  at: (offset: number) => string,
): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      if (token.type === "document") lexemes = 0;
      yield token;
    }
    if (++lexemes > absurd.lexemes) throw new InputError(at(parser.offset), "this document is absurdly long");
    if (parser.stack.length > absurd.parserDepth) {
      throw new InputError(at(parser.offset), `nested more than ${absurd.depth} deep`);
    }
  }
  yield* parser.end();
}

class DocumentReader {
  readonly #document: Document.Parsed;
  readonly #at: (offset: number) => string;
  readonly #number: number;
  readonly #anchors = new Map<string, Anchored>();
  readonly #targets = new Map<Node, Node>();
  #values = 0;

  constructor(document: Document.Parsed, at: (offset: number) => string, number: number) {
    this.#document = document;
    this.#at = at;
    this.#number = number;
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem !== undefined) {
      const message = problem.message.split("\n")[0] as string;
      throw this.#error(problem.pos[0], message.charAt(0).toLowerCase() + message.slice(1));
    }
  }

  /** Nothing between the document's markers but comments. */
  get empty(): boolean {
    const { contents } = this.#document;
    return contents === null || (isScalar(contents) && contents.source === "" && contents.tag === undefined);
  }

  read(): Pick<InputDocument, "value" | "place"> {
    const root = this.#document.contents as Node;
    const { value } = this.#convert(root, 1);
    return { value, place: (path, at = "value") => this.#at(this.#offset(root, path, at)) };
  }

  #error(offset: number, reason: string): InputError {
    return new InputError(`${this.#at(offset)}: document ${this.#number}`, reason);
  }

  #convert(node: Node | null, depth: number): Anchored {
    const offset = node?.range?.[0] ?? 0;
    if (depth > absurd.depth) throw this.#error(offset, `nested more than ${absurd.depth} deep`);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined)
        throw this.#error(offset, `alias ${quoted(node.source)} has no anchor before it`);
      if (depth + target.depth > absurd.depth)
        throw this.#error(offset, `nested more than ${absurd.depth} deep`);
      this.#count(target.values, offset);
      this.#targets.set(node, target.node);
      return target;
    }
    const before = this.#values;
    this.#count(1, offset);
    let value: unknown;
    let deepest = 0;
    const inner = (child: Node | null): unknown => {
      const converted = this.#convert(child, depth + 1);
      deepest = Math.max(deepest, converted.depth);
      return converted.value;
    };
    if (isMap(node)) {
      const entries = new Map<string, unknown>();
      for (const pair of node.items) {
        const key = this.#key(pair.key as Node | null, entries, offset);
        entries.set(key, inner(pair.value as Node | null));
      }
      value = Object.fromEntries(entries);
    } else if (isSeq(node)) {
      value = node.items.map((item) => inner(item as Node));
    } else {
      value = isScalar(node) ? node.value : null;
    }
    const converted = { node: node as Node, value, values: this.#values - before, depth: deepest + 1 };
    const anchor = node?.anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, converted);
    return converted;
  }

  #count(values: number, offset: number): void {
    this.#values += values;
    if (this.#values > absurd.values) {
      throw this.#error(offset, `more than ${absurd.values} values, counting what aliases repeat`);
    }
  }

  #key(node: Node | null, entries: ReadonlyMap<string, unknown>, parent: number): string {
    const offset = node?.range?.[0] ?? parent;
    if (!isScalar(node) || node.value === null)
      throw this.#error(offset, "a key must be a word, not empty, a list or a mapping");
    const key = String(node.value);
    if (entries.has(key)) throw this.#error(offset, `the key ${quoted(key)} stands here twice`);
    if (specialKeys.has(key)) throw this.#error(offset, `the key ${quoted(key)} is not allowed`);
    return key;
  }

  #offset(root: Node, path: FieldPath, at: "key" | "value"): number {
    let node: Node | null = root;
    let offset = root.range?.[0] ?? 0;
    for (const [index, step] of path.entries()) {
      if (isAlias(node)) node = this.#targets.get(node) ?? null;
      let next: Node | null | undefined;
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
        if (pair === undefined) break;
        const key = pair.key as Node;
        next = pair.value as Node | null;
        if (next === null || (at === "key" && index === path.length - 1)) return key.range?.[0] ?? offset;
      } else if (isSeq(node)) {
        next = node.items[Number(step)] as Node | undefined;
      }
      if (next === undefined || next === null) break;
      node = next;
      offset = node.range?.[0] ?? offset;
    }
    return offset;
  }
}

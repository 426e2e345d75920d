// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import type { CliContext } from "../cli-context.ts";
import { absurd } from "./limit.ts";

/** The text of one input, and the name that messages call it by. */
export interface InputText {
  readonly fileName: string;
  readonly text: string;
}

/** What reading may fail with, in words. */
const failures: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "a part of the path is no directory",
};

/** Reads the inputs that a command line names: files, folders, and `-` for standard input. */
export class TextReader {
  readonly #context: CliContext;
  #stdinTaken = false;

  constructor(context: CliContext) {
    this.#context = context;
  }

  /**
   * The files behind the arguments: a folder stands for its files with one of the endings, in the order of their
   * names, without its subfolders. Throws `InputError` for a folder that has none.
   */
  async expand(sources: readonly string[], endings: readonly string[]): Promise<string[]> {
    const files: string[] = [];
    for (const source of sources) {
      const names = source === "-" ? null : await this.#context.listDirectory(source).catch(refuse(source));
      if (names === null) {
        files.push(source);
        continue;
      }
      const wanted = names
        .filter((name) => endings.some((ending) => name.toLowerCase().endsWith(ending)))
        .sort();
      if (wanted.length === 0)
        throw new InputError(source, `this folder has no file in ${endings.join(", ")}`);
      files.push(...wanted.map((name) => `${source.replace(/[/\\]+$/, "")}/${name}`));
    }
    return files;
  }

  /**
   * The text of a file, or of standard input for `-`. Throws `InputError` for a file that cannot be read, is longer
   * than 64 MiB, or is not UTF-8 text.
   */
  async read(source: string): Promise<InputText> {
    const fileName = source === "-" ? "stdin" : source;
    return { fileName, text: decode(await this.readBytes(source), fileName) };
  }

  /** The bytes of a file, or of standard input for `-`. Throws `InputError` as `read` does, for any bytes. */
  async readBytes(source: string): Promise<Uint8Array> {
    const bytes =
      source === "-"
        ? await this.#readStdin()
        : await this.#context.readFile(source, absurd.fileBytes).catch(refuse(source));
    if (bytes.length <= absurd.fileBytes) return bytes;
    throw new InputError(source === "-" ? "stdin" : source, `more than ${absurd.fileBytes / 2 ** 20} MiB`);
  }

  async #readStdin(): Promise<Uint8Array> {
    if (this.#stdinTaken) throw new InputError("stdin", "standard input can be read only once");
    this.#stdinTaken = true;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of this.#context.stdin) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      chunks.push(bytes);
      length += bytes.length;
      if (length > absurd.fileBytes) break;
    }
    return Buffer.concat(chunks);
  }
}

const refuse =
  (source: string) =>
  (error: unknown): never => {
    const code = (error as { code?: unknown } | null)?.code;
    if (typeof code !== "string") throw error;
    throw new InputError(source, failures[code] ?? `cannot be read (${code})`);
  };

function decode(bytes: Uint8Array, fileName: string): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(`${fileName}:${lineOfBadByte(bytes)}`, "not UTF-8 text");
  }
  const nul = text.indexOf("\0");
  if (nul < 0) return text;
  throw new InputError(`${fileName}:${text.slice(0, nul).split("\n").length}`, "a NUL byte: this is no text");
}

/** The line of the first byte that is not UTF-8; no line's end is a part of another character, so lines decode alone. */
function lineOfBadByte(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(10, start);
    const stop = end < 0 ? bytes.length : end;
    try {
      decoder.decode(bytes.subarray(start, stop));
    } catch {
      return line;
    }
    start = stop + 1;
  }
  return line;
}

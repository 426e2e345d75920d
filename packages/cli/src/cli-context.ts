// SPDX-License-Identifier: MIT

/** Where a command writes: the part of a Node stream that it uses. */
export interface CliOutput {
  write(text: string): unknown;
  /** Colour and live progress appear only on a terminal. */
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal in characters. */
  readonly columns?: number | undefined;
}

/** Everything a command touches outside the model, so that it can be run inside a test. */
export interface CliContext {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: CliOutput;
  readonly stderr: CliOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The bytes of a file; at most `limit + 1` of them, so that an endless file is seen to be too long. */
  readFile(path: string, limit: number): Promise<Uint8Array>;
  /** The names in a directory, or null when the path is no directory. */
  listDirectory(path: string): Promise<readonly string[] | null>;
  /** The default export of a module file; rejects as `import()` does. */
  importModule(path: string): Promise<unknown>;
  /** Milliseconds since some moment: decides when progress is shown, and nothing else. */
  now(): number;
}

// SPDX-License-Identifier: MIT
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { CliContext, CliOutput } from "./cli-context.ts";

/** Streams whose reader has left; a stream is watched once, however many contexts are made. */
const closed = new WeakMap<NodeJS.WriteStream, boolean>();

/**
 * Standard output or error that survives a reader who leaves early (`dmabuf litmus x.yaml | head -1`): after EPIPE
 * the rest is dropped, and the command ends with the status it would have had.
 */
export function pipeSafe(stream: NodeJS.WriteStream): CliOutput {
  if (!closed.has(stream)) {
    closed.set(stream, false);
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      closed.set(stream, true);
    });
  }
  return {
    write: (text) => closed.get(stream) === true || stream.write(text),
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
  };
}

async function readFile(path: string, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createReadStream(path, { end: limit })) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

async function listDirectory(path: string): Promise<readonly string[] | null> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() ? await readdir(path) : null;
}

async function importModule(path: string): Promise<unknown> {
  const loaded = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
  // A loader that takes the file for CommonJS nests the default export.
  const nested = (loaded.default as { default?: unknown } | undefined)?.default;
  return nested ?? loaded.default;
}

/** The context of a real process: its streams, its environment and its files. */
export function nodeContext(): CliContext {
  return {
    stdin: process.stdin,
    stdout: pipeSafe(process.stdout),
    stderr: pipeSafe(process.stderr),
    env: process.env,
    readFile,
    listDirectory,
    importModule,
    now: () => performance.now(),
  };
}

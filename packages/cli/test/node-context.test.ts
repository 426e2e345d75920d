// SPDX-License-Identifier: MIT
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { nodeContext, pipeSafe } from "../src/node-context.ts";

const here = fileURLToPath(import.meta.url);

test("files are read up to a limit, and one byte more, so that longer ones are noticed", async () => {
  const { readFile } = nodeContext();
  expect(Buffer.from(await readFile(here, 1000)).toString()).toMatch(/^\/\/ SPDX/);
  expect(await readFile(here, 10)).toHaveLength(11);
  await expect(readFile(`${here}.absent`, 10)).rejects.toMatchObject({ code: "ENOENT" });
});

test("folders are listed, and nothing else is one", async () => {
  const { listDirectory } = nodeContext();
  expect(await listDirectory(fileURLToPath(new URL(".", import.meta.url)))).toContain("node-context.test.ts");
  expect(await listDirectory(here)).toBeNull();
  expect(await listDirectory(`${here}.absent`)).toBeNull();
});

test("after EPIPE the rest of an output is dropped; another error is thrown", () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const output = pipeSafe(stream as unknown as NodeJS.WriteStream);
  expect([output.isTTY, output.columns]).toEqual([true, 80]);
  output.write("first");
  stream.emit("error", Object.assign(new Error("write"), { code: "EPIPE" }));
  output.write("second");
  expect(stream.read()?.toString()).toBe("first");
  expect(() => stream.emit("error", Object.assign(new Error("disk"), { code: "ENOSPC" }))).toThrow("disk");
});

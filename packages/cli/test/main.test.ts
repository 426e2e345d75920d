// SPDX-License-Identifier: MIT
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { programText } from "./run.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Starts the real command from its sources. */
function start(argv: readonly string[]): ChildProcessWithoutNullStreams {
  const node = ["--conditions=@dmabuf/source", "--import", "tsx", "src/main.ts", ...argv];
  const env = { ...process.env, TSX_TSCONFIG_PATH: `${root}../../tsconfig.tests.json`, NODE_OPTIONS: "" };
  return spawn(process.execPath, node, { cwd: root, env });
}

/** Writes its input, reads its outputs, waits for its end. */
async function finish(
  child: ChildProcessWithoutNullStreams,
  input: string,
): Promise<[number, string, string]> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const status = await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
  return [status, stdout, stderr];
}

test("the process reads standard input, prints, and ends with the command's status", async () => {
  const failing = programText({ expect: "expect: { stale: [] }" });
  const [status, stdout, stderr] = await finish(start(["litmus", "--format", "json", "-"]), failing);
  expect(status).toBe(1);
  expect(stdout).toBe('{"name":"forgotten-clean","stale":[1],"lost":null}\n');
  expect(stderr).toBe("stdin:8:1: forgotten-clean: stale reads: expected none, found step 1\n");
});

test("a reader who leaves early is no error", async () => {
  const line = JSON.stringify({
    name: "n".repeat(190),
    domains: {},
    agents: {},
    buffer: { size: 1 },
    steps: [],
  });
  const child = start(["litmus", "--format", "json", "-"]);
  child.stdout.once("data", () => child.stdout.destroy());
  const [status, , stderr] = await finish(child, `${line}\n`.repeat(4000));
  expect([status, stderr]).toEqual([0, ""]);
});

test("a file that is there and one that is not", async () => {
  const [status, stdout, stderr] = await finish(start(["litmus", "package.json", "absent.yaml"]), "");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^package\.json:3:3: document 1: version: unknown key; .*\n$/);
});

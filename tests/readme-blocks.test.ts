// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { exitStatuses, fencedBlocks, runsOf } from "../scripts/readme-blocks.mjs";

const page = (...lines: string[]) => lines.join("\n");

describe("fencedBlocks", () => {
  test("reads language, file name, text and line", () => {
    const blocks = fencedBlocks(
      page("# A", "```yaml board.yaml", "a: 1", "", "b: 2", "```", "text", "```", "plain", "```"),
    );
    expect(blocks).toEqual([
      { language: "yaml", file: "board.yaml", text: "a: 1\n\nb: 2\n", line: 2 },
      { language: "", file: null, text: "plain\n", line: 8 },
    ]);
  });

  test("takes the indentation of a list item away, and longer fences hold shorter ones", () => {
    expect(fencedBlocks(page("- x", "  ```ts", "  if (a)", "    b();", "  ```"))[0]?.text).toBe(
      "if (a)\n  b();\n",
    );
    expect(fencedBlocks(page("````md", "```ts", "```", "````"))[0]?.text).toBe("```ts\n```\n");
  });

  test("says where a fence is left open", () => {
    expect(() => fencedBlocks(page("a", "```ts", "b"))).toThrow("line 2: the fence is never closed");
  });
});

describe("runsOf", () => {
  const runs = (...lines: string[]) =>
    runsOf(fencedBlocks(page(...lines))).map(({ block, output }) => [block.line, output]);

  test("takes every ts block, and the sh blocks that call dmabuf", () => {
    expect(
      runs("```ts", "1;", "```", "```sh", "npm install x", "```", "```sh", "npx dmabuf x", "```"),
    ).toEqual([
      [1, null],
      [7, null],
    ]);
    expect(
      runs("```sh", "cat a | dmabuf litmus -", "```", "```sh", "npm start", "```", "```yaml", "a: 1", "```"),
    ).toEqual([
      [1, null],
      [4, null],
    ]);
  });

  test("a text block is the output of the block before it", () => {
    expect(runs("```sh", "dmabuf x", "```", "prints", "```text", "hello", "```")).toEqual([[1, "hello\n"]]);
    expect(() => runs("```text", "hello", "```")).toThrow("line 1: a text block is the output");
    expect(() => runs("```sh", "dmabuf x", "```", "```yaml", "```", "```text", "hello", "```")).toThrow(
      "line 6",
    );
  });
});

describe("exitStatuses", () => {
  test("is 0 for each call, unless the block says otherwise", () => {
    expect(
      exitStatuses("dmabuf a\nnpx dmabuf b  # exit status 1\ncat c | dmabuf d\n# exit status 2\n"),
    ).toEqual([0, 1, 2]);
    expect(exitStatuses("$ dmabuf a\necho dmabuf\nnpm start\n")).toEqual([0, 0]);
  });

  test("refuses one that belongs to nothing", () => {
    expect(() => exitStatuses("# exit status 1\ndmabuf a\n")).toThrow("before any call");
  });
});

// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { run } from "./run.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const pages = ["packages/cli/README.md", "examples/litmus/README.md"];

/** The commands of a page's console blocks with the output that it shows for each. */
function shown(page: string): [command: string, output: string][] {
  const blocks = [...readFileSync(root + page, "utf8").matchAll(/^```console\n([\s\S]*?)^```$/gm)];
  return blocks.flatMap(([, block = ""]) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((entry): [string, string] => {
        const end = entry.indexOf("\n");
        return [entry.slice(0, end), entry.slice(end + 1)];
      }),
  );
}

describe.each(pages)("%s", (page) => {
  test.each(shown(page))("$ %s", async (command, output) => {
    const [line = "", echo] = command.split("; echo ");
    const { status, stdout, stderr } = await run(line.split(" ").slice(1), {
      readFile: (path) => readFile(root + path),
      listDirectory: async () => null,
    });
    expect(`${stdout}${stderr}${echo === "$?" ? `${status}\n` : ""}`).toBe(output);
  });
});

test("the tour's guide links every program, once and in order", () => {
  const guide = readFileSync(`${root}examples/litmus/README.md`, "utf8");
  const linked = [...guide.matchAll(/\]\((\S+\.yaml)\)/g)].map((match) => match[1]);
  const files = readdirSync(`${root}examples/litmus`).filter((name) => name.endsWith(".yaml"));
  expect(linked).toEqual(files);
  for (const page of pages) expect(readFileSync(root + page, "utf8")).toContain(`${files.length} `);
});

test("the program that the package's page shows is the one that it runs", () => {
  const page = readFileSync(`${root}packages/cli/README.md`, "utf8");
  const withoutRemarks = (text: string): string[] =>
    text
      .split("\n")
      .map((line) => line.replace(/\s*#.*$/, "").trim())
      .filter((line) => line !== "");
  const example = withoutRemarks(readFileSync(`${root}examples/litmus/30-usb-to-dac.yaml`, "utf8"));
  const block = /^ {4}name: usb-to-dac\n(?: {4}.*\n)+/m.exec(page)?.[0] ?? "";
  expect(withoutRemarks(block)).toEqual(example);
});

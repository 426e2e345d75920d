// SPDX-License-Identifier: MIT
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pnpm } from "../scripts/pnpm.mjs";

// `pnpm new` in a copy of this workspace: what it makes installs, lints, builds and passes its tests.

const repository = fileURLToPath(new URL("..", import.meta.url));
const workspace = mkdtempSync(join(tmpdir(), "dmabuf-new-"));
const roles = ["arch", "iommu", "exporter", "importer", "platform"];
const made = roles.map((role) => `${role}-my-own`);

const { NODE_OPTIONS: _, VITEST: __, ...inherited } = process.env;
const env = {
  ...inherited,
  NO_COLOR: "1",
  PATH: [join(workspace, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
};
const run = (command: string, words: readonly string[]) =>
  spawnSync(command, words, { cwd: workspace, encoding: "utf8", env });

/** Runs a command that must succeed. */
function pass(command: string, ...words: readonly string[]): string {
  const { status, stdout, stderr, error } = run(command, words);
  expect(status, `${command} ${words.join(" ")}\n${stdout}${stderr}${error ?? ""}`).toBe(0);
  return stdout;
}
const generate = (...words: readonly string[]) => run(process.execPath, ["scripts/new-plugin.mjs", ...words]);

beforeAll(() => {
  const left = new Set(["node_modules", "dist", ".git", ".cache"]);
  cpSync(repository, workspace, { recursive: true, filter: (path) => !left.has(basename(path)) });
  pnpm(["install", "--frozen-lockfile", "--prefer-offline", "--silent"], workspace);
  for (const role of roles) {
    // One installation, with the last of them, is enough.
    const { status, stdout, stderr } = generate(
      role,
      "my-own",
      ...(role === roles.at(-1) ? [] : ["--no-install"]),
    );
    expect(status, stderr).toBe(0);
    expect(stdout).toContain(`made packages/${role}-my-own`);
  }
});
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

describe("what it makes", () => {
  test("has nothing of the template left", () => {
    for (const name of made) {
      for (const file of [
        "package.json",
        "README.md",
        "LICENSE",
        "src/index.ts",
        "src/my-own.ts",
        "test/my-own.test.ts",
      ])
        expect(existsSync(join(workspace, "packages", name, file)), `${name}/${file}`).toBe(true);
      const text = readFileSync(join(workspace, "packages", name, "src/my-own.ts"), "utf8");
      expect(text).toContain("myOwn");
      expect(text).not.toMatch(/template/i);
    }
  });

  test("is formatted and has the shared fields", () => {
    pass("biome", "check", "--error-on-warnings", ...made.map((name) => `packages/${name}`));
    pass(process.execPath, "scripts/package-fields.mjs", "--check");
  });

  test("builds", () => {
    pass("tsc", "-b", ...made.map((name) => `packages/${name}`));
    for (const name of made)
      expect(existsSync(join(workspace, "packages", name, "dist/index.d.ts")), name).toBe(true);
    for (const name of made) pass("sh", "-c", `cd packages/${name} && tsup --silent`);
  });

  test("passes its tests, and its README tells the truth", () => {
    pass("vitest", "run", ...made.map((name) => `--project=${name}`));
    const output = pass(
      "vitest",
      "run",
      "--project=workspace",
      "tests/readme.test.ts",
      "--testNamePattern=my-own/README",
    );
    expect(output).toContain(`${made.length} passed`);
  });
});

test.each([
  [[], "a role (arch, iommu, exporter, importer, platform) and a name are needed"],
  [["exporter"], "a name are needed"],
  [["exporter", "a", "b"], "a name are needed"],
  [["heap", "mine"], '"heap" is not a role'],
  [["exporter", "../mine"], '"../mine" is not a name'],
  [["exporter", "Mine"], '"Mine" is not a name'],
  [["exporter", "class"], '"class" is a word of the language'],
  [["exporter", "extents"], '"extents" would hide Extents'],
  [["exporter", "heaps"], "packages/exporter-heaps is there already"],
])("refuses %j in one line", (words, reason) => {
  const { status, stdout, stderr } = generate(...words);
  expect(stderr).toContain(reason);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stdout).toBe("");
  expect(status).toBe(2);
});

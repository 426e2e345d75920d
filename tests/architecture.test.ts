// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import configuration from "../.dependency-cruiser.mjs";
import { cruiseWorkspace } from "../scripts/check-architecture.mjs";

const scratch = realpathSync(mkdtempSync(join(tmpdir(), "dmabuf-architecture-")));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The packages of the fixture; each can import each of the others by name. */
const packages = [
  "core",
  "arch-one",
  "iommu-one",
  "exporter-one",
  "importer-one",
  "devicetree",
  "planner",
  "platform-one",
  "cli",
];
const entryPoints = (name: string) =>
  name === "core" ? ["index", "coherency", "sync", "sim", "testing", "vitest"] : ["index"];

let trees = 0;

/** Writes a tidy workspace with `files` on top and returns its folder. */
function plant(files: Record<string, string>): string {
  trees += 1;
  const root = join(scratch, `tree-${trees}`);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const name of packages) {
    const entries = entryPoints(name);
    const exported = entries.map((entry) => [entry === "index" ? "." : `./${entry}`, `./src/${entry}.ts`]);
    write(
      `packages/${name}/package.json`,
      JSON.stringify({ name: `@dmabuf/${name}`, type: "module", exports: Object.fromEntries(exported) }),
    );
    for (const entry of entries) write(`packages/${name}/src/${entry}.ts`, "export const entry = 1;\n");
    write(`packages/${name}/src/inside.ts`, "export const inside = 1;\n");
    mkdirSync(join(root, `packages/${name}/node_modules/@dmabuf`), { recursive: true });
    for (const other of packages.filter((candidate) => candidate !== name))
      symlinkSync(
        join(root, "packages", other),
        join(root, `packages/${name}/node_modules/@dmabuf/${other}`),
      );
  }
  mkdirSync(join(root, "node_modules/@dmabuf"), { recursive: true });
  for (const name of packages)
    symlinkSync(join(root, "packages", name), join(root, "node_modules/@dmabuf", name));
  for (const [path, text] of Object.entries(files)) write(path, text);
  return root;
}

const rulesBroken = async (files: Record<string, string>) => [
  ...new Set((await cruiseWorkspace(plant(files))).violations.map(({ rule }) => rule)),
];

/** One or more ways to break each rule; a rule without an entry here fails the last test of this file. */
const planted: Record<string, Record<string, Record<string, string>>> = {
  "core-imports-no-package": {
    "a plugin": {
      "packages/core/src/a.ts": 'import { entry } from "@dmabuf/arch-one";\nexport { entry };\n',
    },
    "only a type": { "packages/core/src/a.ts": 'export type { entry } from "@dmabuf/devicetree";\n' },
    "in a test": { "packages/core/test/a.test.ts": 'import "@dmabuf/exporter-one";\n' },
    "one that is not installed": { "packages/core/src/a.ts": 'import "@dmabuf/exporter-two";\n' },
  },
  "plugins-import-only-core": {
    "arch imports exporter": { "packages/arch-one/src/a.ts": 'import "@dmabuf/exporter-one";\n' },
    "iommu imports arch": { "packages/iommu-one/src/a.ts": 'import "@dmabuf/arch-one";\n' },
    "exporter imports importer": { "packages/exporter-one/src/a.ts": 'import "@dmabuf/importer-one";\n' },
    "importer imports platform": { "packages/importer-one/src/a.ts": 'import "@dmabuf/platform-one";\n' },
    "devicetree imports a type": {
      "packages/devicetree/src/a.ts":
        'import type { entry } from "@dmabuf/platform-one";\nexport type A = typeof entry;\n',
    },
    "one that is not installed": { "packages/arch-one/src/a.ts": 'import "@dmabuf/exporter-two";\n' },
    "planner imports exporter": { "packages/planner/src/a.ts": 'import "@dmabuf/exporter-one";\n' },
  },
  "nothing-imports-the-command": {
    "a platform": { "packages/platform-one/src/a.ts": 'import "@dmabuf/cli";\n' },
    "a test": { "packages/arch-one/test/a.test.ts": 'import "@dmabuf/cli";\n' },
  },
  "only-entry-points": {
    "a plugin reaches into core": { "packages/arch-one/src/a.ts": 'import "../../core/src/inside.ts";\n' },
    "the command reaches into a platform": {
      "packages/cli/src/a.ts": 'import "../../platform-one/src/inside.ts";\n',
    },
    "a test reaches into core": {
      "packages/arch-one/test/a.test.ts":
        'import type { inside } from "../../core/src/inside.ts";\nexport type A = typeof inside;\n',
    },
    "an example": { "examples/a.ts": 'import "../packages/core/src/inside.ts";\n' },
    "core's entry names are no other package's": {
      "packages/arch-one/src/sim.ts": "export const sim = 1;\n",
      "packages/cli/src/a.ts": 'import "../../arch-one/src/sim.ts";\n',
    },
  },
  "packages-by-name": {
    "a plugin": { "packages/arch-one/src/a.ts": 'import "../../core/src/index.ts";\n' },
    "an example": { "examples/a.ts": 'import "../packages/core/src/sim.ts";\n' },
  },
  "nothing-from-node": {
    "with the prefix": {
      "packages/core/src/a.ts": 'import { readFileSync } from "node:fs";\nexport { readFileSync };\n',
    },
    "without the prefix": {
      "packages/platform-one/src/a.ts": 'import path from "path";\nexport { path };\n',
    },
    "only a type": { "packages/devicetree/src/a.ts": 'export type { Stats } from "node:fs";\n' },
    "an example": { "examples/a.ts": 'import "node:process";\n' },
  },
  "container-only-in-di": {
    tsyringe: { "packages/core/src/a.ts": 'export { inject } from "tsyringe";\n' },
    "reflect-metadata": { "packages/arch-one/src/a.ts": 'import "reflect-metadata";\n' },
    "only a type": { "packages/cli/src/a.ts": 'export type { DependencyContainer } from "tsyringe";\n' },
  },
  "no-cycles": {
    "of two files": {
      "packages/core/src/a.ts": 'import "./b.ts";\n',
      "packages/core/src/b.ts": 'import "./a.ts";\n',
    },
  },
  "no-cycles-between-folders": {
    "of types": {
      "packages/core/src/one/a.ts": 'import type { B } from "../two/b.ts";\nexport type A = B | 1;\n',
      "packages/core/src/two/b.ts": 'import type { A } from "../one/a.ts";\nexport type B = A | 2;\n',
    },
  },
};

describe("a planted violation fails the cruise", () => {
  for (const [rule, plantings] of Object.entries(planted))
    for (const [how, files] of Object.entries(plantings))
      test(`${rule}: ${how}`, async () => expect(await rulesBroken(files)).toContain(rule));
});

test("every rule has a planted violation", () => {
  const names = configuration.forbidden?.map(({ name }) => name);
  expect(Object.keys(planted).sort()).toEqual(names?.sort());
});

test("what the rules allow passes", async () => {
  const allowed = await rulesBroken({
    "packages/core/src/buffer/a.ts": 'import type { B } from "./b.ts";\nexport type A = B | 1;\n',
    "packages/core/src/buffer/b.ts": 'import type { A } from "./a.ts";\nexport type B = A | 2;\n',
    "packages/arch-one/src/a.ts":
      'import "@dmabuf/core";\nimport "@dmabuf/core/sync";\nimport "./inside.ts";\n',
    "packages/arch-one/test/a.test.ts":
      'import "node:fs";\nimport "@dmabuf/exporter-one";\nimport "../src/inside.ts";\n',
    "packages/platform-one/src/a.ts": 'import "@dmabuf/arch-one";\nimport "@dmabuf/exporter-one";\n',
    "packages/cli/src/a.ts":
      'import "node:fs";\nimport "@dmabuf/platform-one";\nimport "@dmabuf/core/coherency";\n',
    "packages/core/src/di.ts": 'import "reflect-metadata";\nexport { inject } from "tsyringe";\n',
    "examples/a.ts": 'import "@dmabuf/core";\nimport "@dmabuf/platform-one";\n',
  });
  expect(allowed).toEqual([]);
});

test("this repository keeps the rules, and its modules are seen", async () => {
  const { modules, violations } = await cruiseWorkspace(fileURLToPath(new URL("..", import.meta.url)));
  expect(violations).toEqual([]);
  expect(modules).toBeGreaterThan(50);
});

test("a tree without TypeScript modules is noticed", async () => {
  const root = join(scratch, "empty");
  mkdirSync(join(root, "packages"), { recursive: true });
  expect((await cruiseWorkspace(root)).modules).toBe(0);
});

// SPDX-License-Identifier: MIT
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packAll, publicPackages } from "../scripts/pack.mjs";

// What a user gets: the tarballs, installed by npm in a folder that knows nothing of this workspace. Needs `pnpm build`.

const repository = fileURLToPath(new URL("..", import.meta.url));
const packages = publicPackages();
const scratch = mkdtempSync(join(tmpdir(), "dmabuf-pack-"));
const project = join(scratch, "project");
let tarballs = new Map<string, string>();

/** Runs a command in the new project and returns what it printed; a failure fails the test with its output. */
function run(command: string, words: readonly string[]): string {
  // Without what the pnpm and the vitest that run this test put into the environment.
  const ours = /^(npm_|pnpm_|vitest|node_options$|node_env$|init_cwd$)/i;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    cwd: project,
    encoding: "utf8",
    env,
  });
  expect(status, `${command} ${words.join(" ")}\n${stdout}${stderr}${error ?? ""}`).toBe(0);
  return stdout;
}

beforeAll(() => {
  for (const { name, directory } of packages)
    if (!existsSync(join(directory, "dist/index.js")))
      throw new Error(`${name} is not built: run \`pnpm build\` first`);
  tarballs = packAll(join(scratch, "tarballs"));
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "user", "private": true, "type": "module" }\n');
  run("npm", [
    "install",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--loglevel=error",
    ...tarballs.values(),
  ]);
  // The optional peer of `@dmabuf/core/vitest`, from this workspace: the rest of it is no business of this test.
  symlinkSync(join(repository, "node_modules/vitest"), join(project, "node_modules/vitest"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Reads an installed package's manifest, which is what was in the tarball. */
const installed = (name: string) => join(project, "node_modules", name);
const manifestOf = (name: string) => JSON.parse(readFileSync(join(installed(name), "package.json"), "utf8"));

describe.each(packages.map(({ name }) => name))("%s", (name) => {
  test("holds what it should and nothing else", () => {
    const listed = spawnSync("tar", ["--list", "--file", tarballs.get(name) ?? ""], { encoding: "utf8" });
    const files = listed.stdout
      .trim()
      .split("\n")
      .map((path) => path.replace(/^package\//, ""));
    for (const wanted of ["package.json", "LICENSE", "README.md", "dist/index.js", "dist/index.d.ts"])
      expect(files).toContain(wanted);
    const allowed =
      /^(package\.json|LICENSE|README\.md|CHANGELOG\.md|(dist|src|schemas|reference|examples)\/.*)$/;
    expect(files.filter((path) => !allowed.test(path))).toEqual([]);
    expect(
      files.filter((path) => /(^|\/)(test|tests|node_modules)\/|\.test\.|\.tsbuildinfo$/.test(path)),
    ).toEqual([]);
    expect(readFileSync(join(installed(name), "LICENSE"), "utf8")).toMatch(/^MIT License/);
  });

  test("has the fields that a registry shows, and the exports for users", () => {
    const manifest = manifestOf(name);
    const directory = `packages/${name.replace("@dmabuf/", "")}`;
    expect(manifest.license).toBe("MIT");
    expect(manifest.description).toMatch(/\S/);
    expect(manifest.repository).toMatchObject({
      type: "git",
      url: expect.stringMatching(/^git\+https:/),
      directory,
    });
    expect(manifest.homepage).toContain(directory);
    expect(manifest.bugs).toMatch(/^https:/);
    expect(manifest.engines).toEqual({ node: ">=20.19" });
    expect(JSON.stringify(manifest.exports)).not.toContain("@dmabuf/source");
    expect(JSON.stringify(manifest.dependencies ?? {})).not.toMatch(/workspace:|catalog:/);
  });

  test("every entry point is importable", () => {
    const targets = Object.entries<unknown>(manifestOf(name).exports).filter(
      ([, to]) => typeof to === "object",
    );
    const specifiers = targets.map(([path]) => name + path.slice(1));
    expect(specifiers).toContain(name);
    const program = `for (const name of ${JSON.stringify(specifiers)}) { await import(name); console.log(name); }`;
    expect(run("node", ["--input-type=module", "--eval", program]).trim().split("\n")).toEqual(specifiers);
  });
});

describe("the example programs, with the tarballs", () => {
  beforeAll(() => {
    cpSync(join(repository, "examples"), join(project, "examples"), { recursive: true });
    const compilerOptions = {
      target: "ES2023",
      lib: ["ES2023", "ESNext.Disposable"],
      module: "NodeNext",
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      types: [],
      skipLibCheck: true,
    };
    const include = ["examples/**/*.ts"];
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include }));
    writeFileSync(join(project, "vitest.config.mjs"), "export default {};\n");
  });

  test("type-check against the published declarations", () =>
    run(join(repository, "node_modules/.bin/tsc"), ["--pretty", "false"]));

  test("pass their tests", () => {
    const printed = run(join(repository, "node_modules/.bin/vitest"), ["run", "--reporter=json"]);
    const { numPassedTests, numTotalTests } = JSON.parse(printed);
    expect(numPassedTests).toBe(numTotalTests);
    expect(numTotalTests).toBeGreaterThan(0);
  });
});

test("the command answers after an installation", () => {
  const version = packages.find(({ name }) => name === "@dmabuf/cli")?.version;
  expect(run("npx", ["--no-install", "dmabuf", "--version"]).trim()).toBe(version);
});

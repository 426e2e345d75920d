// SPDX-License-Identifier: MIT
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { exitStatuses, fencedBlocks, type Run, runsOf } from "../scripts/readme-blocks.mjs";

// Every program in every README is type-checked and run, and prints what the page says (CONTRIBUTING.md, "Examples").

const repository = fileURLToPath(new URL("..", import.meta.url));
const cache = join(repository, ".cache/readme");
const tsx = [
  join(repository, "node_modules/tsx/dist/cli.mjs"),
  ...["--tsconfig", join(repository, "tsconfig.examples.json"), "--conditions=@dmabuf/source"],
];

interface Page {
  /** Path from the root, for example `packages/core/README.md`. */
  readonly path: string;
  /** Where its blocks are written and run. */
  readonly folder: string;
  readonly runs: readonly Run[];
}

const packages = readdirSync(join(repository, "packages")).filter((name) =>
  existsSync(join(repository, "packages", name, "package.json")),
);
const markdownBelow = (folder: string): string[] =>
  !existsSync(join(repository, folder))
    ? []
    : readdirSync(join(repository, folder), { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
        .map((entry) => relative(repository, join(entry.parentPath, entry.name)));
const required = ["README.md", ...packages.map((name) => `packages/${name}/README.md`)];
const paths = [...required, ...markdownBelow("docs"), ...markdownBelow("examples")];

const pages: Page[] = paths.map((path) => {
  const file = join(repository, path);
  const blocks = existsSync(file) ? fencedBlocks(readFileSync(file, "utf8")) : [];
  const folder = join(cache, path.replace(/\.md$/, "").replaceAll("/", "-").toLowerCase());
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of ["examples", "docs"])
    if (existsSync(join(repository, name))) symlinkSync(join(repository, name), join(folder, name));
  for (const block of blocks) {
    if (block.file === null) continue;
    mkdirSync(dirname(join(folder, block.file)), { recursive: true });
    writeFileSync(join(folder, block.file), block.text);
  }
  return { path, folder, runs: runsOf(blocks) };
});

/** The file that a ts block is written to. */
const programOf = (page: Page, { block }: Run) => join(page.folder, block.file ?? `line-${block.line}.ts`);
/** A block that calls vitest is a test file: it is run as one. */
const isTest = ({ block }: Run) => block.language === "ts" && /from "vitest"/.test(block.text);

interface Ended {
  readonly status: number | null;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

function run(command: string, words: readonly string[], cwd: string): Promise<Ended> {
  const { NODE_OPTIONS: _, VITEST: __, FORCE_COLOR: ___, ...rest } = process.env;
  const env = { ...rest, NO_COLOR: "1", PATH: [join(cache, "bin"), process.env["PATH"]].join(delimiter) };
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output: output.replace(/^\d+ of \d+ \w+\n/gm, "") }));
  });
}

/** Commands that a README may call: dmabuf from source, noting its exit status, and what stands for an installation. */
function writeCommands(): void {
  const main = join(repository, "packages/cli/src/main.ts");
  const dmabuf = `"${process.execPath}" ${tsx.map((word) => `"${word}"`).join(" ")} "${main}" "$@"`;
  const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const demo = scripts.demo.slice(scripts.demo.indexOf("main.ts") + "main.ts".length);
  const commands = {
    dmabuf: `${dmabuf}\nstatus=$?\necho $status >> "$DMABUF_STATUSES"\nexit $status`,
    npx: 'case "$1" in dmabuf|@dmabuf/cli) shift; exec dmabuf "$@";; esac\necho "npx $1: not in a README" >&2\nexit 127',
    npm: `case "$1" in install|i|ci) exit 0;; start) cd "${repository}" && exec dmabuf ${demo};; run) shift 3; exec dmabuf "$@";; esac\necho "npm $1: not in a README" >&2\nexit 127`,
  };
  mkdirSync(join(cache, "bin"), { recursive: true });
  for (const [name, text] of Object.entries(commands)) {
    writeFileSync(join(cache, "bin", name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(cache, "bin", name), 0o755);
  }
}

/** Lets the blocks import our packages by name, as a user's project does. */
function linkPackages(): void {
  const scope = join(cache, "node_modules/@dmabuf");
  rmSync(scope, { recursive: true, force: true });
  mkdirSync(scope, { recursive: true });
  for (const name of packages) symlinkSync(join(repository, "packages", name), join(scope, name));
}

/** The programs of all pages in one process, started once; what each printed, by file. */
let programs: Promise<ReadonlyMap<string, Ended>>;

async function runPrograms(): Promise<ReadonlyMap<string, Ended>> {
  const files = pages.flatMap((page) =>
    page.runs
      .filter((entry) => entry.block.language === "ts" && !isTest(entry))
      .map((entry) => programOf(page, entry)),
  );
  const runner = fileURLToPath(new URL("run-programs.mjs", import.meta.url));
  const { output } = await run(process.execPath, [...tsx, runner, ...files], cache);
  const lines = output.split("\n").filter((line) => line.startsWith("{"));
  return new Map(lines.map((line) => JSON.parse(line)).map((ended) => [ended.file, ended]));
}

beforeAll(() => {
  writeCommands();
  linkPackages();
  for (const page of pages)
    for (const entry of page.runs)
      if (entry.block.language === "ts") writeFileSync(programOf(page, entry), entry.block.text);
  programs = runPrograms();
});

test.concurrent("every TypeScript block type-checks", async ({ expect }) => {
  const files = pages.flatMap((page) =>
    page.runs.filter(({ block }) => block.language === "ts").map((entry) => programOf(page, entry)),
  );
  const configuration = join(cache, "tsconfig.json");
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false, types: ["node"] };
  writeFileSync(
    configuration,
    JSON.stringify({ extends: "../../tsconfig.examples.json", compilerOptions, include: [], files }),
  );
  // The compiler refuses an empty list.
  if (files.length === 0) return;
  const { output } = await run(join(repository, "node_modules/.bin/tsc"), ["-p", configuration], cache);
  expect(output).toBe("");
});

describe.concurrent("each block runs and prints what the page says", () => {
  for (const page of pages) {
    // One page is one story: its blocks run in order, pages beside each other.
    test(page.path, async ({ expect }) => {
      if (required.includes(page.path))
        expect(page.runs.length, "it has no program to run").toBeGreaterThan(0);
      for (const entry of page.runs) {
        const { block, output: promised } = entry;
        const place = `${page.path}:${block.line}`;
        if (isTest(entry)) continue;
        if (block.language === "ts") {
          const ended = (await programs).get(programOf(page, entry));
          expect(ended?.status, `${place}\n${ended?.output}`).toBe(0);
          if (promised !== null) expect(ended?.output, place).toBe(promised);
          continue;
        }
        const statuses = join(page.folder, `statuses-${block.line}.txt`);
        writeFileSync(statuses, "");
        const script = `export DMABUF_STATUSES='${statuses}'\n${block.text.replaceAll(/^\$ /gm, "")}`;
        const ended = await run("bash", ["-c", script], page.folder);
        const exited = readFileSync(statuses, "utf8").trim().split("\n").filter(Boolean).map(Number);
        expect(exited, `${place}: exit status of each call\n${ended.output}`).toEqual(
          exitStatuses(block.text),
        );
        if (promised !== null) expect(ended.output, place).toBe(promised);
      }
    });
  }
});

const testFiles = pages.flatMap((page) => page.runs.filter(isTest).map((entry) => ({ page, entry })));
test("blocks that are tests pass", async () => {
  if (testFiles.length === 0) return;
  const names = testFiles.map(({ page, entry }) => {
    const name = programOf(page, entry).replace(/\.ts$/, ".test.ts");
    writeFileSync(name, entry.block.text);
    return name;
  });
  writeFileSync(
    join(cache, "vitest.config.ts"),
    `const conditions = ["@dmabuf/source"];
export default { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: conditions } } };\n`,
  );
  const ended = await run(
    join(repository, "node_modules/.bin/vitest"),
    ["run", "--root", cache, ...names],
    cache,
  );
  expect(ended.status, ended.output).toBe(0);
});

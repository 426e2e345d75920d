// SPDX-License-Identifier: MIT
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { findDroppedProcesses } from "../scripts/check-processes.mjs";

const repository = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "dmabuf-processes-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What every planted file starts with: the type as core declares it, and a process to call. */
const preamble = `
type Suspension = number | { describe(): string };
type Process<T = void> = Generator<Suspension, T, void>;
declare function map(): Process<number>;
declare function signal(): void;
declare const optional: undefined | { pin(): Process };
export {};
`;

const dropping = {
  "a statement": "export function* f(): Process { map(); }",
  "in a plain function": "export function f(): void { map(); }",
  "a method of something optional": "export function f(): void { optional?.pin(); }",
  "the last operand of &&": "export function f(a: boolean): void { a && map(); }",
  "a branch of a conditional": "export function f(a: boolean): void { a ? map() : signal(); }",
  "the step of a loop": "export function f(): void { for (;; map()) signal(); }",
  "a callback whose result is not taken": "export const f = () => [1, 2].forEach(() => map());",
  "a generator without the alias": "function* g() { yield 1; }\nexport function f(): void { g(); }",
};
const tidy = {
  "yield*": "export function* f(): Process<number> { yield* map(); return yield* map(); }",
  "handed on": "export const f = () => map();\nexport const g = [map()];",
  "a callback that is asked for a process":
    "declare function spawn(main: () => Process<number>): void;\nspawn(() => map());",
  "plain calls": "export function f(): void { signal(); }",
};

/** One tree with everything planted in it, so that one program judges it all: what was found, by file. */
function plantAll(): Map<string, string[]> {
  for (const name of ["tsconfig.base.json", "tsconfig.tests.json"])
    cpSync(join(repository, name), join(scratch, name));
  const texts = [...Object.values(dropping), ...Object.values(tidy)];
  const found = new Map<string, string[]>();
  for (const folder of ["packages/core/src", "packages/arch-one/src", "examples"])
    texts.forEach((text, index) => {
      const path = join(folder, `planted-${index}.ts`);
      mkdirSync(dirname(join(scratch, path)), { recursive: true });
      writeFileSync(join(scratch, path), `${preamble}${text}\n`);
      found.set(path, []);
    });
  for (const line of findDroppedProcesses(scratch).dropped)
    found.get(line.slice(0, line.indexOf(":")))?.push(line);
  return found;
}

test("finds a process that is made and dropped, and nothing else", () => {
  const found = plantAll();
  expect(found.size).toBe(36);
  const names = [...Object.keys(dropping), ...Object.keys(tidy)];
  for (const [path, lines] of found) {
    const name = names[Number(/\d+/.exec(path)?.[0])] ?? "";
    expect(lines, `${path}: ${name}`).toHaveLength(name in dropping ? 1 : 0);
    for (const line of lines)
      expect(line).toMatch(/:\d+:\d+: \S+\(\) makes a process that nobody runs: call it with yield\*$/);
  }
});

test("a tree without sources is noticed", () => {
  const root = join(scratch, "empty");
  mkdirSync(join(root, "packages"), { recursive: true });
  for (const name of ["tsconfig.base.json", "tsconfig.tests.json"])
    cpSync(join(repository, name), join(root, name));
  expect(findDroppedProcesses(root).files).toBe(0);
});

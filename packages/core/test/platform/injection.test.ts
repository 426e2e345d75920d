// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { inject, injectable } from "../../src/di.ts";
import { SIMULATION } from "../../src/service.ts";
import { token } from "../../src/token.ts";

// A forgotten trailing @inject is no error anywhere: the parameter is undefined when it is used.

type Constructor = abstract new (...parameters: never[]) => unknown;

/** Under this key tsyringe keeps the token of each parameter. */
const TOKENS = "injectionTokens";

/** The parameters of an injectable class that have no token, by their position; null for other classes. */
function forgotten(injected: Constructor): number[] | null {
  const tokens = Reflect.getMetadata(TOKENS, injected) as Record<number, unknown> | undefined;
  if (tokens === undefined) return null;
  return Array.from({ length: injected.length }, (_, i) => i).filter((i) => tokens[i] === undefined);
}

const packages = fileURLToPath(new URL("../../../", import.meta.url));
const sources = readdirSync(packages).flatMap((name) => {
  const folder = join(packages, name, "src");
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file))
    .filter((file) => /^@injectable\(/m.test(readFileSync(file, "utf8")));
});

describe("every constructor parameter of an injectable class of ours has an @inject", () => {
  test("there are such classes", () => expect(sources.length).toBeGreaterThanOrEqual(3));
  test.each(sources.map((path) => [path.slice(packages.length), path]))("%s", async (_name, path) => {
    const found: Record<string, unknown> = await import(pathToFileURL(path).href);
    const classes = Object.values(found).filter((value): value is Constructor => typeof value === "function");
    const injected = classes.filter((each) => forgotten(each) !== null);
    const text = readFileSync(path, "utf8");
    expect(injected.length).toBe(text.match(/^@injectable\(/gm)?.length);
    for (const each of injected) expect(forgotten(each), each.name).toEqual([]);
    // Parameters with a default value do not count in a constructor's length.
    for (const [, parameters = ""] of text.matchAll(/constructor\(([^)]*@inject[\s\S]*?)\) \{/g)) {
      expect(parameters).not.toContain("=");
    }
  });
});

describe("a planted violation is seen", () => {
  const OTHER = token<string>("test", "Other");
  /** A class of three parameters, some decorated by hand, as the compiler does it. */
  const planted = (...positions: readonly number[]): Constructor => {
    class Planted {
      readonly values: readonly unknown[];
      constructor(one: unknown, two: unknown, three: unknown) {
        this.values = [one, two, three];
      }
    }
    for (const position of positions)
      inject(position === 0 ? SIMULATION : OTHER)(Planted, undefined, position);
    injectable()(Planted);
    return Planted;
  };
  test.each([
    [[0, 1, 2], []],
    [[0, 1], [2]],
    [[0, 2], [1]],
  ])("decorated %o, forgotten %o", (decorated, missing) => {
    expect(forgotten(planted(...decorated))).toEqual(missing);
  });
  test("all of them: such a class does not count as injectable, and the file has one too many", () => {
    expect(forgotten(planted())).toBeNull();
  });
});

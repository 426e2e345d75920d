// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { StaticImporter } from "../../src/buffer/static-importer.ts";
import { definePlugin, type Plugin } from "../../src/index.ts";
import { importerSuite } from "../../src/testing.ts";
import { type Fault, faults, faulty } from "./faulty-importer.ts";

const plain = (device: string): Plugin =>
  definePlugin({
    name: "plain",
    provides: { importers: { [device]: (_services, master) => new StaticImporter(master) } },
  });

/** The suite's tests that an importer fails, with the first line of why. */
const failures = (make: (device: string) => Plugin): string[] =>
  importerSuite(make).flatMap(({ name, run }) => {
    try {
      run();
      return [];
    } catch (error) {
      return [`${name}: ${(error as Error).message}`];
    }
  });

describe("importers without a fault pass", () => {
  for (const { name, run } of importerSuite(plain)) test(`plain: ${name}`, run);
  test("the importer that the faults are in", () => expect(failures(faulty(null))).toEqual([]));
});

describe("a fault is found", () => {
  test.each(Object.entries(faults) as [Fault, string][])("%s", (fault, says) => {
    expect(failures(faulty(fault)).join("\n")).toContain(says);
  });
});

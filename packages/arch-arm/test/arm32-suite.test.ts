// SPDX-License-Identifier: MIT
import type { Plugin } from "@dmabuf/core";
import { archSuite } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { armv5, armv7, pl310 } from "../src/index.ts";

const variants: Readonly<Record<string, () => Plugin>> = {
  "armv7 without an outer cache": () => armv7(),
  "armv7 with lines of 64 bytes": () => armv7({ line: 64 }),
  "armv7 with a PL310": () => armv7({ outer: pl310() }),
  armv5: () => armv5(),
  "armv5 with four colours and physical tags": () => armv5({ colours: 4, tags: "physical" }),
  "armv5 without aliases": () => armv5({ colours: 1, tags: "physical" }),
};

describe.each(Object.entries(variants))("%s keeps the contract of an architecture", (_name, make) => {
  for (const { name, run } of archSuite(make)) test(name, run);
});

test("A-11: an exclusive PL310 can keep an old line past both invalidates, whatever their order", () => {
  const found = archSuite(() => armv7({ outer: pl310({ exclusive: true }) })).flatMap(({ name, run }) => {
    try {
      run();
      return [];
    } catch (error) {
      return [[name.split(":")[0], (error as Error).message.split(" ").at(-3)]];
    }
  });
  expect(found).toContainEqual(["from-device", "stale-read"]);
  expect(found).not.toContainEqual(["to-device", "stale-read"]);
});

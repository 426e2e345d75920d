// SPDX-License-Identifier: MIT
import { importerSuite } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { functionfs } from "../src/index.ts";

describe("importerSuite", () => {
  for (const { name, run } of importerSuite((device) => functionfs(device), { joined: false }))
    test(name, run);
});

test("the suite finds that 6.12 counts the CPU's entries (FF-5)", () => {
  const tests = importerSuite((device) => functionfs(device));
  const failing = tests.filter(({ name }) => name.includes("were joined"));
  expect(failing.length).toBe(1);
  for (const { run } of failing) {
    expect(run).toThrow("announced with 3 scatterlist entries, mapped it has 1 (FF-5)");
  }
});

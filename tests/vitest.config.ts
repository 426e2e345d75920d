// SPDX-License-Identifier: MIT
import { defineProject } from "vitest/config";

export default defineProject({
  test: {
    name: "workspace",
    include: ["*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Each of these starts processes of its own.
    maxConcurrency: 2,
  },
});

// SPDX-License-Identifier: MIT
import { defineConfig } from "vitest/config";

const conditions = ["@dmabuf/source"];

export default defineConfig({
  test: {
    reporters: ["default", "./scripts/vitest-counts.mjs"],
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      exclude: ["**/main.ts"],
      thresholds: {
        lines: 90,
        functions: 90,
        branches: 85,
        statements: 90,
        "packages/core/src/**": { lines: 95 },
      },
    },
    // By itself vitest leaves one core free, which on two cores is half of them.
    maxWorkers: "100%",
    projects: ["packages/*", "tests"],
  },
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
});

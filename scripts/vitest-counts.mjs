// SPDX-License-Identifier: MIT
// A vitest reporter: names what was skipped and why, and leaves `N passed, N failed, N skipped` for scripts/check.mjs.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const file = fileURLToPath(new URL("../node_modules/.cache/dmabuf/counts.txt", import.meta.url));

/** @implements {import("vitest/reporters").Reporter} */
export default class Counts {
  /** @param {readonly import("vitest/node").TestModule[]} modules */
  onTestRunEnd(modules) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const reasons = new Map();
    for (const module of modules) {
      // A file that could not be collected holds no test, and is a failure all the same.
      if (module.state() === "failed" && module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed" || result.state === "failed") counts[result.state] += 1;
        else {
          counts.skipped += 1;
          const reason = `${module.project.name}: ${result.note ?? "no reason given"}`;
          reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        }
      }
    }
    for (const [reason, count] of reasons) console.log(`skipped ${count}: ${reason}`);
    const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
    console.log(line);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${line}\n`);
  }
}

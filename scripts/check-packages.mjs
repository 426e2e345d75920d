// SPDX-License-Identifier: MIT
// publint and arethetypeswrong over every tarball, in one process: what a user of the published packages would hit.
// Needs a build.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { problemKindInfo } from "@arethetypeswrong/core/problems";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { packAll, publicPackages } from "./pack.mjs";

/** We publish ES modules alone: these ways of resolving are not offered (the esm-only profile of attw). */
const ignoredResolutions = new Set(["node10", "node16-cjs"]);
const problems = [];
const folder = mkdtempSync(join(tmpdir(), "dmabuf-packages-"));
try {
  const tarballs = packAll(folder);
  for (const { name } of publicPackages()) {
    const bytes = new Uint8Array(readFileSync(tarballs.get(name) ?? ""));
    const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
    for (const message of messages)
      problems.push(`${name}: publint: ${formatMessage(message, pkg, { color: false })}`);
    const result = await checkPackage(createPackageFromTarballData(bytes));
    if (!result.types) {
      problems.push(`${name}: attw: the tarball has no types`);
      continue;
    }
    for (const problem of result.problems) {
      if ("resolutionKind" in problem && ignoredResolutions.has(problem.resolutionKind)) continue;
      const where =
        "entrypoint" in problem ? problem.entrypoint : "fileName" in problem ? problem.fileName : "";
      problems.push(`${name}: attw: ${where} ${problemKindInfo[problem.kind].shortDescription}`);
    }
  }
  console.log(`${tarballs.size} tarballs looked at`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const line of problems) console.error(line);
if (problems.length > 0) process.exit(1);

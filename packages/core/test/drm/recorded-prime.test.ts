// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { describe, expect, test } from "vitest";
import { RecordedPrime } from "./recorded-prime.ts";

// What four drivers of Linux 6.12.117 answered about handles, replayed call by call; found through DMABUF_GOLDEN.

interface Recorded {
  readonly case: string;
  readonly steps: readonly { readonly call: string; readonly ret: number | "fd"; readonly errno?: string }[];
  readonly obs?: Readonly<Record<string, unknown>> | null;
}

const golden = join(env["DMABUF_GOLDEN"] ?? "", "linux-6.12-fence-prime.jsonl");
const recorded = (existsSync(golden) ? readFileSync(golden, "utf8").trim().split("\n") : [])
  .map((line) => JSON.parse(line) as Recorded)
  .filter((one) => one.case.startsWith("prime/"));

function replay({ case: name, steps, obs }: Recorded) {
  const result = { compared: 0, skipped: [] as string[], differing: [] as string[] };
  const process = new RecordedPrime(name);
  for (const { call, errno = "0" } of steps) {
    const answer = process.answer(call);
    if (typeof answer === "object") result.skipped.push(answer.notModelled);
    else if (answer !== errno) result.differing.push(`${call}: ${answer} instead of ${errno}`);
    else result.compared++;
  }
  for (const [key, value] of Object.entries(obs ?? {})) {
    if (key === "driver" || key.startsWith("/dev/")) continue;
    if (process.observed[key] === value) result.compared++;
    else result.differing.push(`${key}: ${process.observed[key]} instead of ${value}`);
  }
  return result;
}

describe("recorded answers about PRIME", () => {
  for (const one of recorded) {
    if (replay(one).compared > 0) test(one.case, () => expect(replay(one).differing).toEqual([]));
  }

  test("are all replayed, but for what is not modelled", ({ skip }) => {
    if (recorded.length === 0) skip("DMABUF_GOLDEN is not set to a folder with linux-6.12-fence-prime.jsonl");
    let compared = 0;
    const outOfScope: Record<string, number> = {};
    for (const one of recorded) {
      const result = replay(one);
      compared += result.compared;
      for (const reason of result.skipped) outOfScope[reason] = (outOfScope[reason] ?? 0) + 1;
    }
    expect({ compared, outOfScope }).toEqual({
      compared: 108,
      outOfScope: { capabilities: 24, "fake offsets": 2, "render nodes": 2 },
    });
  });
});

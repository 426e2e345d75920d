// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { describe, expect, test } from "vitest";
import { RecordedFences } from "./recorded-fence.ts";

// What Linux 6.12.117 answered about fences and sync files, replayed call by call; found through DMABUF_GOLDEN.

interface Recorded {
  readonly case: string;
  readonly steps: readonly { readonly call: string; readonly ret: number | "fd"; readonly errno?: string }[];
  readonly obs?: Readonly<Record<string, unknown>> | null;
}

const read = (name: string): Recorded[] => {
  const file = join(env["DMABUF_GOLDEN"] ?? "", name);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Recorded);
};

const recorded = [
  ...read("linux-6.12-fence-prime.jsonl"),
  ...read("linux-6.12-udmabuf-core.jsonl").filter((one) => /^dmabuf\/(poll|\w*sync_file)\//.test(one.case)),
];

interface Replay {
  compared: number;
  readonly skipped: string[];
  readonly differing: string[];
}

/** Observations that are no answers: of descriptors, and the recording's own arithmetic. */
const unobserved = /^(fd_|cloexec|readlink|sfname|second_write_out|read_under_write_out|two_reads_ok)/;

function replay({ case: name, steps, obs }: Recorded): Replay {
  const result: Replay = { compared: 0, skipped: [], differing: [] };
  if (name.startsWith("prime/")) return { ...result, skipped: steps.map(() => "DRM devices") };
  const process = new RecordedFences(name);
  for (const { call, ret, errno } of steps) {
    const answer = process.answer(call);
    if (typeof answer === "object") result.skipped.push(answer.notModelled);
    else if (answer !== (errno ?? ret))
      result.differing.push(`${call}: ${answer} instead of ${errno ?? ret}`);
    else if (!/^(udmabuf\(|vgem CREATE_DUMB|PRIME_HANDLE)/.test(call)) result.compared++;
  }
  for (const [key, value] of Object.entries(obs ?? {})) {
    if (unobserved.test(key)) continue;
    const found = process.observed[key];
    const same =
      key === "timeout_ms_approx"
        ? Math.abs(Number(found) - Number(value)) < 200
        : JSON.stringify(found) === JSON.stringify(value);
    if (same) result.compared++;
    else result.differing.push(`${key}: ${JSON.stringify(found)} instead of ${JSON.stringify(value)}`);
  }
  return result;
}

describe("recorded answers about fences and sync files", () => {
  for (const one of recorded) {
    if (replay(one).compared > 0) test(one.case, () => expect(replay(one).differing).toEqual([]));
  }

  test("are all replayed, but for what is not modelled", ({ skip }) => {
    if (recorded.length === 0) skip("DMABUF_GOLDEN is not set to a folder with linux-6.12-fence-prime.jsonl");
    const outOfScope: Record<string, number> = {};
    const cases = { whole: 0, partly: 0, not: 0 };
    let compared = 0;
    for (const one of recorded) {
      const result = replay(one);
      compared += result.compared;
      if (result.compared === 0) cases.not++;
      else if (result.skipped.length > 0) cases.partly++;
      else cases.whole++;
      for (const reason of result.skipped) outOfScope[reason] = (outOfScope[reason] ?? 0) + 1;
    }
    expect({ cases, compared, outOfScope }).toEqual({
      cases: { whole: 24, partly: 2, not: 18 },
      compared: 126,
      outOfScope: {
        "DRM devices": 114,
        "a sync file as a file": 3,
        epoll: 10,
        "ioctl numbers": 1,
        "pointers that fault": 3,
      },
    });
  });
});

// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { describe, expect, test } from "vitest";
import { RecordedProcess } from "./recorded-process.ts";

// What a kernel answered (6.12.117), replayed call by call: the cases of udmabuf and of dma-buf with udmabuf as its
// exporter.

interface Recorded {
  readonly case: string;
  readonly steps: readonly { readonly call: string; readonly ret: number | "fd"; readonly errno?: string }[];
  readonly obs?: Readonly<Record<string, unknown>> | null;
}

const read = (name: string): Recorded[] => {
  const file = join(env["DMABUF_GOLDEN"] ?? "", name);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Recorded);
};
const recorded = [
  ...read("linux-6.12-udmabuf-core.jsonl"),
  ...read("linux-6.12-heap-lifetime.jsonl").filter((one) => one.case.startsWith("life/")),
];

/** The recording filled this case's memfd before it made the buffer. */
const FILLED: Readonly<Record<string, number>> = { "udmabuf/content/punch_hole": 0x51 };

/** Cases that have nothing to do with what is modelled here, by the beginning of their names. */
const OUT_OF_SCOPE: Readonly<Record<string, string>> = {
  "udmabuf/create/hugetlb": "huge pages",
  "dmabuf/ioctl/": "ioctl numbers",
  "dmabuf/poll/": "poll",
  "dmabuf/export_sync_file/": "sync files",
  "dmabuf/import_sync_file/": "sync files",
  "dmabuf/sync_file/": "sync files",
  "life/scm_": "several processes",
  "life/fork_": "several processes",
  "life/pidfd_": "several processes",
  "life/debugfs_": "debugfs",
};

interface Replay {
  /** Calls whose answers are the same, without those that only prepare others. */
  compared: number;
  readonly skipped: string[];
  readonly differing: string[];
}

function replay({ case: name, steps, obs }: Recorded): Replay {
  const process = new RecordedProcess(FILLED[name] ?? null);
  const result: Replay = { compared: 0, skipped: [], differing: [] };
  const [, scope] = Object.entries(OUT_OF_SCOPE).find(([beginning]) => name.startsWith(beginning)) ?? [];
  if (scope !== undefined) return { ...result, skipped: steps.map(() => scope) };
  for (const { call, ret, errno } of steps) {
    if (call.startsWith("pread(memfd)")) {
      // The answer itself is the number of bytes; the byte was observed after the last one.
      if (process.memfdByte !== obs?.["memfd_byte"]) result.differing.push(call);
      result.compared++;
      continue;
    }
    const answer = process.answer(call);
    if (typeof answer === "object") result.skipped.push(answer.notModelled);
    else if (answer !== (errno ?? ret))
      result.differing.push(`${call}: ${answer} instead of ${errno ?? ret}`);
    else if (!/^(udmabuf\(|memfd_create|open )/.test(call)) result.compared++;
  }
  return result;
}

describe("recorded udmabuf answers", () => {
  for (const one of recorded) {
    if (replay(one).compared > 0) test(one.case, () => expect(replay(one).differing).toEqual([]));
  }

  test("are all replayed, but for what is not modelled", ({ skip }) => {
    if (recorded.length === 0)
      skip("DMABUF_GOLDEN is not set to a folder with linux-6.12-udmabuf-core.jsonl");
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
      cases: { whole: 124, partly: 12, not: 34 },
      compared: 314,
      outOfScope: {
        debugfs: 2,
        "huge pages": 14,
        "ioctl numbers": 17,
        "pointers that fault": 5,
        poll: 8,
        "positions in a dma-buf other than its end": 13,
        "several processes": 13,
        "sync files": 65,
        "the device file as a file": 12,
        "the file system of dma-bufs": 3,
        "user mappings": 25,
        "what a descriptor is beside its buffer": 10,
      },
    });
  });
});

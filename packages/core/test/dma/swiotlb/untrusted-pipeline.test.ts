// SPDX-License-Identifier: MIT
import "../../../src/vitest.ts";
import { describe, expect, test } from "vitest";
import type { BoardDescription, Finding, RunReport, Stage } from "../../../src/index.ts";
import { translatedPlatform } from "../translated.ts";
import { PAGE } from "./narrow-system.ts";
import { plugged, ragged } from "./untrusted-board.ts";

const run = (stages: readonly Stage[], data = 7, rest: Partial<BoardDescription> = {}): RunReport =>
  translatedPlatform(plugged, rest, [ragged]).run(
    { buffers: { b: { size: 3 * PAGE - 1024 } }, stages, exporter: "ragged", frames: 2 },
    { data },
  );

const bounced = ({ findings }: RunReport): readonly Finding[] =>
  findings.filter(({ code }) => code === "bounced-share");

describe("a buffer of which an untrusted device gets whole pages only", () => {
  test.each(["plugged", "snooping", "lazy"])("%s does not see what another writes after its map", (name) => {
    const report = run([
      { device: "inside", writes: "b" },
      { device: name, reads: "b" },
    ]);
    expect(report.verdict).toBe("incoherent");
    expect(report).toHaveFinding("stale-read", { device: name });
    expect(bounced(report)).toHaveLength(1);
    expect(bounced(report)[0]).toMatchObject({ severity: "warning", device: name, buffer: "b" });
    expect(bounced(report)[0]?.message).toBe(
      `${name} works on a copy of 7168 bytes of b[0]: it is untrusted, and gets no granule that is not all the buffer's`,
    );
  });

  test("does not get what it writes to the others", () => {
    for (const data of [1, 2, 3, 4]) {
      const report = run(
        [
          { device: "plugged", writes: "b" },
          { device: "inside", reads: "b" },
        ],
        data,
      );
      const stale = report.findings.find(({ code }) => code === "stale-read");
      expect(stale).toMatchObject({ device: "inside" });
      // The page in the middle is shared, and the ends are copies.
      expect(stale?.message).toContain("plugged's bounce buffer");
      expect(stale?.range).toEqual([0, 3 * PAGE - 1024]);
    }
  });

  test("is shared among those who are trusted", () => {
    const report = run([
      { device: "inside", writes: "b" },
      { name: "again", device: "inside", reads: "b" },
    ]);
    expect(report.verdict).toBe("coherent");
    expect(report).not.toHaveFinding("bounced-share");
  });

  test("is unreachable without bounce buffers, with the kernel's warning", () => {
    const report = run([{ device: "plugged", writes: "b" }], 7, { swiotlb: false });
    expect(report.verdict).toBe("impossible");
    expect(report).toHaveFinding("unreachable");
    expect(report.findings.some(({ message }) => message.includes("I-7"))).toBe(true);
  });
});

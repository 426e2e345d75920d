// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { ResumeResponse } from "../../src/v3/command.ts";
import { EVENT } from "../../src/v3/event.ts";
import { BareMetal } from "./bare-metal.ts";

const PAGE = 0x1000;
const { RETRY, ABORT, TERMINATE } = ResumeResponse;

/** Answers every event of a transaction that waits with a CMD_RESUME. */
function answer(smmu: BareMetal, Resp: number, before: () => void = () => {}): void {
  const { events } = smmu.hardware;
  events.onRecord = () => {
    for (let words = events.consume(); words !== null; words = events.consume()) {
      const { Stall, StreamID, STAG } = EVENT.decode(words);
      expect(Stall).toBe(1);
      before();
      smmu.send({ op: "CMD_RESUME", StreamID, STAG, Resp });
    }
  };
}

describe("a transaction that faults with CD.S = 1 waits (3.12.2), and", () => {
  test("gets through when software repairs it and says retry", () => {
    const smmu = new BareMetal();
    const table = smmu.stage1({ S: 1 });
    answer(smmu, RETRY, () => smmu.map(table, PAGE, 0x8000));
    expect(smmu.reach(PAGE)).toBe(0x8000);
    expect(smmu.hardware.stalledTransactions).toBe(0);
  });

  test("is refused when software says abort or terminate", () => {
    const smmu = new BareMetal();
    smmu.stage1({ S: 1, A: 0 });
    answer(smmu, ABORT);
    expect(smmu.reach(PAGE)).toBe("F_TRANSLATION (0x10), level 1, terminated");
    answer(smmu, TERMINATE);
    expect(smmu.reach(PAGE)).toBe("F_TRANSLATION (0x10), level 1, terminated, RAZ/WI");
  });

  test("waits on without an answer, each under a tag of its own", () => {
    const smmu = new BareMetal();
    smmu.stage1({ S: 1 });
    expect(smmu.reach(PAGE)).toContain("stalled with STAG 0");
    expect(smmu.reach(PAGE)).toContain("stalled with STAG 1");
    expect(smmu.hardware.stalledTransactions).toBe(2);
    expect(smmu.events().map(({ record }) => [record.Stall, record.STAG])).toEqual([
      [1, 0],
      [1, 1],
    ]);
  });

  test("is let go with all of its stream by CMD_STALL_TERM, and not by that of another (4.6.2)", () => {
    const smmu = new BareMetal();
    smmu.stage1({ S: 1 });
    const { events } = smmu.hardware;
    events.onRecord = () => {
      events.consume();
      smmu.send(
        { op: "CMD_STALL_TERM", StreamID: 2 },
        { op: "CMD_RESUME", StreamID: 2, STAG: 0, Resp: RETRY },
      );
    };
    expect(smmu.reach(PAGE)).toContain("stalled with STAG 0");
    events.onRecord = () => {
      events.consume();
      smmu.send({ op: "CMD_STALL_TERM", StreamID: 1 });
    };
    expect(smmu.reach(PAGE)).toBe("F_TRANSLATION (0x10), level 1, terminated");
  });

  test("is not waited for by those who say that it is repaired when it is not", () => {
    const smmu = new BareMetal();
    smmu.stage1({ S: 1 });
    answer(smmu, RETRY);
    expect(smmu.reach(PAGE)).toContain("F_TRANSLATION (0x10)");
  });

  test("does not wait with S1STALLD", () => {
    const smmu = new BareMetal();
    smmu.stage1({ S: 1 }, { S1STALLD: 1 });
    expect(smmu.reach(PAGE)).toBe("F_TRANSLATION (0x10), level 1");
    expect(smmu.events().map(({ record }) => record.Stall)).toEqual([0]);
  });

  test("does not wait when the configuration is at fault", () => {
    const smmu = new BareMetal();
    smmu.stage1({ S: 1, TG0: 3 });
    expect(smmu.reach(PAGE)).toBe("C_BAD_CD (0x0a)");
  });

  test("waits in stage 2 with STE.S2S", () => {
    const smmu = new BareMetal();
    const table = smmu.stage2({ S2S: 1 });
    answer(smmu, RETRY, () => smmu.map(table, PAGE, 0x8000));
    expect(smmu.reach(PAGE)).toBe(0x8000);
  });

  test("has its event kept until the queue has room", () => {
    const smmu = new BareMetal({}, { eventQueue: 1 });
    smmu.stage1({ S: 1 });
    smmu.reach(PAGE);
    smmu.reach(PAGE);
    expect(smmu.hardware.events.hasOverflown).toBe(false);
    expect(smmu.events().map(({ record }) => record.STAG)).toEqual([0, 1]);
  });
});

test("without a stall model a CD with S = 1 is C_BAD_CD, and CMD_RESUME is illegal", () => {
  const smmu = new BareMetal({ stall: false });
  smmu.stage1({ S: 1 });
  expect(smmu.reach(PAGE)).toBe("C_BAD_CD (0x0a)");
  smmu.send({ op: "CMD_RESUME", StreamID: 1 });
  expect(smmu.hardware.commands.error).toBe(1);
});

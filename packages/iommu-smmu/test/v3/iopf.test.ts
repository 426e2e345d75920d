// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { IopfQueue, type PageFault } from "../../src/v3/iopf.ts";

const fault = (address: number, group: number): PageFault => ({ address, access: 1, group });

/** A queue, and what it has answered. */
function queue() {
  const answers: [number, string][] = [];
  return { answers, iopf: new IopfQueue((group, response) => answers.push([group, response])) };
}

describe("page faults of a device", () => {
  test("are collected by group, and handled when the last one has come (M-80)", () => {
    const { iopf, answers } = queue();
    const handled: (readonly PageFault[])[] = [];
    const handler = (faults: readonly PageFault[]) => {
      handled.push(faults);
      return "success" as const;
    };
    iopf.report(fault(1, 7), false, handler);
    iopf.report(fault(2, 8), false, handler);
    iopf.report(fault(3, 7), false, handler);
    expect([handled, iopf.partialFaults]).toEqual([[], 3]);
    iopf.report(fault(4, 7), true, handler);
    expect(handled).toEqual([[fault(1, 7), fault(3, 7), fault(4, 7)]]);
    expect([answers, iopf.partialFaults]).toEqual([[[7, "success"]], 1]);
  });

  test("are invalid without a handler (M-84)", () => {
    const { iopf, answers } = queue();
    iopf.report(fault(1, 7), true, null);
    expect(answers).toEqual([[7, "invalid"]]);
  });

  test("of groups that are not complete are forgotten at a reset (M-82)", () => {
    const { iopf, answers } = queue();
    iopf.report(fault(1, 7), false, null);
    iopf.discardPartial();
    expect([answers, iopf.partialFaults]).toEqual([[], 0]);
  });

  test("that are outstanding are answered when the queue is taken away (M-83)", () => {
    const { iopf, answers } = queue();
    iopf.report(fault(1, 7), false, null);
    iopf.report(fault(2, 9), false, null);
    iopf.remove();
    expect(answers).toEqual([
      [7, "invalid"],
      [9, "invalid"],
    ]);
  });
});

// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { type FaultRecord, FaultRecording } from "../src/fault-recording.ts";

const read: FaultRecord = { source: 0x10, page: 0x1_2345_6000, read: true, reason: 0x06, pasid: null };

// By hand from FRCD_REG: FI 63:12, SID 79:64, PP 95, FR 103:96, PV 123:104, T 126, F 127.
test("a record has page, source, reason, type and F", () => {
  const recording = new FaultRecording(2);
  expect(recording.record(read)).toBe(true);
  expect([...(recording.registers[0] as Uint32Array)]).toEqual([0x2345_6000, 1, 0x10, 0xc000_0006]);
  expect(recording.record({ ...read, read: false, reason: 0x85, pasid: 0x1_2345 })).toBe(true);
  expect([...(recording.registers[1] as Uint32Array)]).toEqual([0x2345_6000, 1, 0x8000_0010, 0x8123_4585]);
  expect(recording.pending).toBe(true);
});

test("without a register that is free the fault is lost, and the overflow noted, until software has looked", () => {
  const recording = new FaultRecording(1);
  recording.record(read);
  expect([recording.record({ ...read, source: 0x20 }), recording.overflow]).toEqual([false, true]);
  expect(recording.drain()).toEqual([read]);
  expect([recording.overflow, recording.pending]).toEqual([false, false]);
  expect(recording.record(read)).toBe(true);
});

test("registers are filled in turn and read oldest first", () => {
  const recording = new FaultRecording(3);
  const of = (source: number): FaultRecord => ({ ...read, source });
  recording.record(of(1));
  recording.record(of(2));
  expect(recording.drain().map(({ source }) => source)).toEqual([1, 2]);
  for (const source of [3, 4, 5]) recording.record(of(source));
  expect([...(recording.registers[2] as Uint32Array)][2]).toBe(3);
  expect(recording.drain().map(({ source }) => source)).toEqual([3, 4, 5]);
});

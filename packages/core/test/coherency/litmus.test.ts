// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { litmusLog } from "../../src/coherency/litmus.ts";
import {
  type LitmusProgram,
  type LitmusStep,
  replayWitness,
  runLitmus,
  type WitnessStep,
} from "../../src/coherency.ts";

const program = (
  steps: readonly LitmusStep[],
  cpu: LitmusProgram["domains"][string] = { line: 64 },
): LitmusProgram => ({
  name: "program",
  domains: { cpu },
  agents: {
    cpu: { route: "cached", domain: "cpu" },
    dma: { route: "direct" },
    hpc: { route: "snoop", domain: "cpu" },
    acp: { route: "snoop", domain: "cpu", writes: "allocate" },
  },
  buffer: { size: 4096 },
  steps,
});
const operation = (step: number, allocates: boolean | null = null): WitnessStep => ({
  kind: "operation",
  step,
  choices: allocates === null ? [] : [{ domain: "cpu", allocates }],
});
const event = (name: "write-back" | "drop" | "fill"): WitnessStep => ({
  kind: "event",
  event: name,
  domain: "cpu",
  choices: [],
});

describe("verdict and witness", () => {
  it("a device reads what the CPU has not cleaned", () => {
    const { stale, lost, hazards } = runLitmus(
      program([
        { agent: "cpu", op: "write", range: [0, 4096] },
        { agent: "dma", op: "read", range: [0, 4096] },
      ]),
    );
    expect({ stale, lost }).toEqual({ stale: [1], lost: null });
    expect(hazards).toMatchObject([
      { code: "stale-read", step: 1, byte: 0, witness: [operation(0), operation(1)] },
    ]);
  });

  it("a line filled speculatively after the invalidate hides what the device wrote", () => {
    const steps: LitmusStep[] = [
      { op: "invalidate", domain: "cpu", range: [0, 128] },
      { agent: "dma", op: "write", range: [64, 128] },
      { agent: "cpu", op: "read", range: [0, 128] },
    ];
    const { stale, hazards } = runLitmus(program(steps));
    expect(stale).toEqual([2]);
    expect(hazards).toMatchObject([{ byte: 64, witness: [event("fill"), operation(1), operation(2)] }]);
    expect(runLitmus(program(steps, { line: 64, speculates: false })).stale).toEqual([]);
  });

  it("a dirty neighbour eats what the device wrote into the rest of the line", () => {
    const { stale, lost, hazards } = runLitmus(
      program([
        { agent: "cpu", op: "write", range: [0, 8] },
        { agent: "dma", op: "write", range: [8, 64] },
      ]),
    );
    expect({ stale, lost }).toEqual({ stale: [], lost: 1 });
    expect(hazards).toMatchObject([
      { code: "lost-write", byte: 8, witness: [operation(0), operation(1), event("write-back")] },
    ]);
  });

  it("a port that allocates says in the witness that it did", () => {
    const { hazards } = runLitmus(
      program([
        { agent: "acp", op: "write", range: [0, 64] },
        { agent: "dma", op: "read", range: [0, 64] },
      ]),
    );
    expect(hazards).toMatchObject([{ code: "stale-read", witness: [operation(0, true), operation(1)] }]);
  });

  it("a snooping device needs no maintenance", () => {
    const { stale, lost } = runLitmus(
      program([
        { agent: "cpu", op: "write", range: [3, 70] },
        { agent: "hpc", op: "read", range: [0, 100] },
        { agent: "hpc", op: "write", range: [1, 99] },
        { agent: "cpu", op: "read", range: [0, 128] },
      ]),
    );
    expect({ stale, lost }).toEqual({ stale: [], lost: null });
  });

  it("says that data is lost which an invalidate drops, even if nobody reads it", () => {
    const { stale, lost } = runLitmus(
      program([
        { agent: "cpu", op: "write", range: [0, 64] },
        { op: "invalidate", domain: "cpu", range: [0, 64] },
        { agent: "dma", op: "write", range: [0, 64] },
      ]),
    );
    expect({ stale, lost }).toEqual({ stale: [], lost: 1 });
  });

  it("finds a hazard whose cause lies further back than witnesses are shortened", () => {
    // A bounce slot is never written back by itself: the byte is stale in memory from step 0 on.
    const steps: LitmusStep[] = [{ agent: "cpu", op: "write", range: [0, 64] }];
    for (let i = 0; i < 600; i++) steps.push({ agent: "cpu", op: "read", range: [0, 64] });
    steps.push({ agent: "dma", op: "read", range: [0, 64] });
    const slot = program(steps, { line: 64, speculates: false, evicts: false });
    expect(runLitmus(slot).hazards).toMatchObject([{ step: 601, witness: [operation(0), operation(601)] }]);
  });
});

describe("replay", () => {
  it("refuses an event that is impossible where it stands", () => {
    const { table, log } = litmusLog(program([{ agent: "cpu", op: "read", range: [0, 64] }]));
    expect(() => replayWitness(table.topology, log, [event("write-back")], 0)).toThrow(
      new TypeError("write-back in cpu is impossible here"),
    );
  });
});

describe("what a program may say", () => {
  it.each([
    [{ agent: "gpu", op: "read", range: [0, 64] }, /no agent "gpu"/],
    [{ agent: "cpv", op: "read", range: [0, 64] }, /no agent "cpv".*cpu/],
    [{ op: "clean", domain: "l2", range: [0, 64] }, /no domain "l2"/],
    [
      { agent: "cpu", op: "read", range: [0, 4097] },
      /range \[0, 4097\) is not a part of the buffer of 4096 bytes/,
    ],
    [{ agent: "cpu", op: "read", range: [64, 64] }, /range \[64, 64\)/],
    [{ agent: "cpu", op: "read", range: [-1, 64] }, /range \[-1, 64\)/],
  ] as const)("%j is refused", (step, message) => {
    expect(() => runLitmus(program([step]))).toThrow(message);
    expect(() => runLitmus(program([step]))).toThrow(TypeError);
  });
});

// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { type LitmusFence, type LitmusStep, orderProblem, runLitmus } from "../../src/coherency.ts";

const program = (
  steps: readonly (LitmusStep | LitmusFence)[],
  timelines: readonly string[] = ["a", "b", "c"],
) => ({
  name: "program",
  domains: {
    cpu: { line: 64 },
    gpu: { line: 128 },
    l1: { line: 32, behind: "l2" },
    l2: { line: 32, behind: "l3" },
    l3: { line: 32 },
    other: { line: 32, behind: "l3" },
  },
  agents: {
    cpu: { route: "cached", domain: "cpu" },
    gpu: { route: "cached", domain: "gpu" },
    dma: { route: "direct" },
    hpc: { route: "snoop", domain: "cpu" },
    acp: { route: "snoop", domain: "cpu", writes: "allocate" },
    core: { route: "cached", domain: "l1" },
    port: { route: "snoop", domain: "l2" },
    outer: { route: "cached", domain: "l2" },
  } as const,
  buffer: { size: 4096 },
  timelines,
  steps,
});

const races = (steps: readonly (LitmusStep | LitmusFence)[]) =>
  runLitmus(program(steps)).races.map(({ first, second, conflict }) => [first, second, conflict]);

/** `cpu read 0 64`, `clean cpu 0 64`: one operation in four words. */
function action(on: string, text: string): LitmusStep {
  const [first = "", second = "", start, end] = text.split(" ");
  const range = [Number(start), Number(end)] as const;
  if (second === "read" || second === "write") return { on, agent: first, op: second, range };
  return { on, op: first as "clean", domain: second, range };
}

describe("which operations conflict", () => {
  it.each([
    ["cpu read 0 64", "dma read 0 64", null],
    ["cpu write 0 64", "cpu read 63 65", "bytes"],
    ["dma write 0 64", "dma read 63 65", "bytes"],
    ["dma write 0 64", "dma write 0 64", "bytes"],
    ["cpu write 0 32", "cpu write 32 64", null],
    ["cpu write 0 32", "cpu read 32 64", null],
    ["dma write 0 32", "dma write 32 64", null],
    ["cpu write 0 32", "dma write 32 64", "line"],
    ["cpu write 0 32", "dma read 32 64", "line"],
    ["cpu read 0 32", "dma write 32 64", "line"],
    ["cpu write 0 32", "hpc read 32 64", "line"],
    ["hpc write 0 32", "hpc write 32 64", "line"],
    ["acp write 0 32", "cpu read 32 64", "line"],
    ["hpc read 0 32", "hpc read 32 64", null],
    ["cpu write 0 64", "dma write 64 128", null],
    ["cpu write 0 32", "gpu write 32 64", "line"],
    ["cpu write 0 64", "gpu read 64 128", "line"],
    ["cpu write 0 64", "gpu read 128 192", null],
    ["clean cpu 0 1", "cpu read 63 64", null],
    ["clean cpu 0 1", "cpu write 63 64", "maintenance"],
    ["clean cpu 0 1", "dma read 63 64", "maintenance"],
    ["clean cpu 0 1", "hpc read 63 64", "maintenance"],
    ["clean cpu 0 1", "cpu write 64 65", null],
    ["clean gpu 0 1", "cpu read 63 64", "maintenance"],
    ["clean cpu 0 1", "gpu read 127 128", "maintenance"],
    ["invalidate cpu 0 1", "cpu read 63 64", "maintenance"],
    ["invalidate cpu 0 1", "dma write 64 65", null],
    ["flush gpu 0 1", "dma read 127 128", "maintenance"],
    ["clean cpu 0 64", "clean cpu 0 64", null],
    ["clean cpu 0 64", "clean gpu 0 64", null],
    ["clean cpu 0 64", "flush cpu 0 64", null],
    ["flush cpu 0 64", "flush cpu 0 64", null],
    ["invalidate cpu 0 64", "invalidate cpu 0 64", null],
    ["clean cpu 0 64", "invalidate cpu 0 64", "maintenance"],
    ["invalidate cpu 0 64", "flush cpu 32 96", "maintenance"],
    ["clean cpu 0 64", "flush gpu 0 64", "maintenance"],
    ["flush cpu 0 64", "flush gpu 64 128", "maintenance"],
    ["invalidate cpu 0 64", "invalidate gpu 0 64", "maintenance"],
    ["invalidate cpu 0 64", "invalidate gpu 128 192", null],
    ["clean l1 0 32", "clean l2 0 32", "maintenance"],
    ["clean l1 0 32", "clean l3 0 32", "maintenance"],
    ["clean l1 0 32", "clean l2 32 64", null],
    ["clean l2 0 32", "clean l2 0 32", null],
    ["clean l1 0 32", "clean other 0 32", null],
    ["clean l2 0 32", "core read 0 32", "maintenance"],
    ["core write 0 16", "port write 16 32", "line"],
    ["core write 0 16", "outer read 16 32", "line"],
    ["core read 0 32", "outer read 0 32", null],
  ])("%s, %s: %s", (first, second, conflict) => {
    expect(races([action("a", first), action("b", second)])).toEqual(
      conflict === null ? [] : [[0, 1, conflict]],
    );
    expect(races([action("a", second), action("b", first)])).toHaveLength(conflict === null ? 0 : 1);
    expect(races([action("a", first), action("a", second)])).toEqual([]);
  });
});

describe("what orders", () => {
  const write = action("a", "dma write 0 64");
  const read = action("b", "dma read 0 64");

  it("a fence, from its signal to its wait", () => {
    expect(races([write, { on: "a", signal: "f" }, { on: "b", wait: "f" }, read])).toEqual([]);
    expect(races([{ on: "a", signal: "f" }, write, { on: "b", wait: "f" }, read])).toEqual([[1, 3, "bytes"]]);
    expect(races([write, { on: "a", signal: "f" }, read, { on: "b", wait: "f" }])).toEqual([[0, 2, "bytes"]]);
    expect(races([write, { on: "a", signal: "f" }, read])).toEqual([[0, 2, "bytes"]]);
  });

  it("a chain of fences over a third timeline", () => {
    const chain = [write, { on: "a", signal: "f" }, { on: "c", wait: "f" }, { on: "c", signal: "g" }];
    expect(races([...chain, { on: "b", wait: "g" }, read])).toEqual([]);
    const broken = [write, { on: "a", signal: "f" }, { on: "c", signal: "g" }, { on: "c", wait: "f" }];
    expect(races([...broken, { on: "b", wait: "g" }, read])).toEqual([[0, 5, "bytes"]]);
  });

  it("one fence for many waiters, none of which is ordered before another", () => {
    const steps = [
      write,
      { on: "a", signal: "f" },
      { on: "b", wait: "f" },
      { on: "c", wait: "f" },
      action("b", "dma write 0 64"),
      action("c", "dma write 0 64"),
    ];
    expect(races(steps)).toEqual([[4, 5, "bytes"]]);
  });

  it("counts signals and waits in stale reads, losses and witnesses", () => {
    const result = runLitmus(
      program([
        action("a", "cpu write 0 64"),
        { on: "a", signal: "f" },
        { on: "b", wait: "f" },
        action("b", "dma read 0 64"),
        action("b", "invalidate cpu 0 64"),
      ]),
    );
    expect(result).toMatchObject({ stale: [3], lost: 4, races: [] });
    expect(result.hazards.map(({ witness }) => witness)).toEqual([
      [0, 3].map((step) => ({ kind: "operation", step, choices: [] })),
      [0, 4].map((step) => ({ kind: "operation", step, choices: [] })),
    ]);
  });
});

describe("what has no order", () => {
  const read = { agent: "dma", op: "read", range: [0, 1] } as const;
  it.each<[string, readonly (string | number)[], readonly (LitmusStep | LitmusFence)[]]>([
    ['no timeline "gpu0"; known: a, b, c', ["steps", 0, "on"], [{ ...read, on: "gpu0" }]],
    [
      "is missing; all steps name their timeline, or none does",
      ["steps", 1, "on"],
      [{ ...read, on: "a" }, read],
    ],
    [
      "is missing; all steps name their timeline, or none does",
      ["steps", 0, "on"],
      [read, { ...read, on: "a" }],
    ],
    [
      'fence "f" is signalled at step 0 already',
      ["steps", 1, "signal"],
      [
        { on: "a", signal: "f" },
        { on: "b", signal: "f" },
      ],
    ],
    [
      'it never ends: no step signals fence "fin1"; did you mean "fin"?',
      ["steps", 1, "wait"],
      [
        { on: "a", signal: "fin" },
        { on: "b", wait: "fin1" },
      ],
    ],
    [
      'it stands before the signal of fence "f", which is step 1',
      ["steps", 0, "wait"],
      [
        { on: "b", wait: "f" },
        { on: "a", signal: "f" },
      ],
    ],
  ])("%s", (reason, path, steps) => {
    expect(orderProblem(program(steps))).toEqual({ path, reason });
    expect(() => runLitmus(program(steps))).toThrow(new TypeError(`${path.join(".")}: ${reason}`));
  });

  it("a timeline that is declared twice", () => {
    expect(orderProblem(program([], ["a", "b", "a"]))).toEqual({
      path: ["timelines", 2],
      reason: '"a" is named twice',
    });
  });
});

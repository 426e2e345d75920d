// SPDX-License-Identifier: MIT
import { env } from "node:process";
import { describe, expect, it } from "vitest";
import { type DomainSpec, type LitmusStep, runLitmus } from "../../src/coherency.ts";
import { PairCheck } from "./reference/unordered-pair.ts";

/** How long prefixes are where there are two domains; every operation more makes tens of times as many states. */
const prefix = Number(env["DMABUF_RACE_PREFIX"] ?? 2);

const kinds = [true, false].flatMap((speculates) => [true, false].map((evicts) => ({ speculates, evicts })));
const alone: Record<string, DomainSpec>[] = kinds.map((kind) => ({ d0: { line: 2, ...kind } }));
const pairs: Record<string, DomainSpec>[] = kinds.flatMap((d0) =>
  kinds.flatMap((d1) => [
    { d0: { line: 2, ...d0 }, d1: { line: 2, ...d1 } },
    { d0: { line: 1, ...d0 }, d1: { line: 2, ...d1 } },
  ]),
);

const stacks: Record<string, DomainSpec>[] = kinds.flatMap((d0) =>
  kinds.flatMap((d1) =>
    [false, true].map((exclusive) => ({
      d0: { line: 2, ...d0, behind: "d1" },
      d1: { line: 2, ...d1, exclusive },
    })),
  ),
);

describe("operations that do not conflict have one verdict in both orders", () => {
  it.each(alone)("after whatever came before, whatever comes after, in %j", (domains) => {
    const check = new PairCheck(domains, 2);
    expect(check.difference(Number.POSITIVE_INFINITY, 1000)).toBeNull();
    expect(check.compared).toBeGreaterThan(1000);
  });

  it.each(pairs)("after and before every few operations, in %j", (domains) => {
    const check = new PairCheck(domains, 2);
    expect(check.difference(prefix, 2)).toBeNull();
    expect(check.compared).toBeGreaterThan(10_000);
  });
});

const [line, idle] = [{ line: 1 }, { line: 1, speculates: false }];
const triples: Record<string, DomainSpec>[] = [
  { d0: { ...line, behind: "d1" }, d1: { ...line, behind: "d2" }, d2: line },
  { d0: { ...idle, behind: "d1" }, d1: { ...idle, behind: "d2" }, d2: idle },
  { d0: { ...line, behind: "d2" }, d1: { ...line, behind: "d2" }, d2: line },
  { d0: { ...idle, behind: "d2" }, d1: { ...idle, behind: "d2" }, d2: { ...idle, exclusive: true } },
  { d0: { ...idle, behind: "d2" }, d1: { ...idle, behind: "d2" }, d2: idle },
  { d0: { ...line, behind: "d1" }, d1: line, d2: idle },
  { d0: { ...idle, behind: "d1" }, d1: { ...idle, exclusive: true }, d2: idle },
];

describe("operations on a stack that do not conflict have one verdict in both orders", () => {
  it.each(triples)("after and before every two operations, in %j", (domains) => {
    expect(new PairCheck(domains, 1).difference(2, 2)).toBeNull();
  });

  it.each(stacks)("after and before every few operations, in %j", (domains) => {
    const check = new PairCheck(domains, 2);
    expect(check.difference(prefix, 2)).toBeNull();
    expect(check.compared).toBeGreaterThan(10_000);
  });
});

describe("the exceptions are exceptions", () => {
  it("the first of two cached writes to one line may destroy what the second would have replaced", () => {
    expect(new PairCheck({ d0: { line: 2 } }, 2, true).difference(1, 0)).toEqual({
      first: "write cached d0 [0, 1)",
      second: "write cached d0 [1, 2)",
      suffix: [],
    });
  });

  it("of two dirty lines the one that is cleaned last stays in memory, unless they are written back anyway", () => {
    const slot = { line: 1, evicts: false };
    expect(new PairCheck({ d0: slot, d1: slot }, 1, true).difference(2, 1)).toEqual({
      first: "clean d0 [0, 1)",
      second: "clean d1 [0, 1)",
      suffix: ["read direct [0, 1)"],
    });
    const cache = { line: 1 };
    expect(new PairCheck({ d0: cache, d1: cache }, 1, true).difference(4, 4)).toBeNull();
  });

  it("between two cached writes to one line of an exclusive domain, an old line in front of it may be dropped into it", () => {
    const inner: LitmusStep = { agent: "inner", op: "read", range: [0, 2] };
    const first: LitmusStep = { agent: "outer", op: "write", range: [0, 1] };
    const second: LitmusStep = { agent: "outer", op: "write", range: [1, 2] };
    const after: LitmusStep[] = [
      { agent: "port", op: "write", range: [0, 1] },
      { agent: "dma", op: "read", range: [0, 2] },
    ];
    const verdict = (exclusive: boolean, ...writes: LitmusStep[]): readonly number[] =>
      runLitmus({
        name: "",
        domains: { d0: { line: 2, speculates: false, behind: "d1" }, d1: { line: 2, exclusive } },
        agents: {
          inner: { route: "cached", domain: "d0" },
          outer: { route: "cached", domain: "d1" },
          port: { route: "snoop", domain: "d1" },
          dma: { route: "direct" },
        },
        buffer: { size: 2 },
        steps: [inner, ...writes, ...after],
      }).stale;
    expect(verdict(true, first, second)).toEqual([]);
    expect(verdict(true, second, first)).toEqual([4]);
    expect(verdict(false, first, second)).toEqual([]);
    expect(verdict(false, second, first)).toEqual([]);
  });

  it("a read brings an old line into one of two domains in front of an exclusive one, and it goes on to the other", () => {
    const domains = {
      d0: { ...idle, behind: "d2" },
      d1: { ...idle, behind: "d2" },
      d2: { ...idle, exclusive: true },
    };
    const verdict = (...readers: string[]): readonly number[] =>
      runLitmus({
        name: "",
        domains,
        agents: { one: { route: "cached", domain: "d0" }, other: { route: "cached", domain: "d1" } },
        buffer: { size: 1 },
        steps: [
          { agent: "one", op: "write", range: [0, 1] },
          ...readers.map((agent): LitmusStep => ({ agent, op: "read", range: [0, 1] })),
        ],
      }).stale;
    expect(verdict("one", "other")).toEqual([2]);
    expect(verdict("other", "one")).toEqual([1, 2]);
  });
});

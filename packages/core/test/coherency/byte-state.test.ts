// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { superseded, withCopy, withMemory } from "../../src/coherency/byte-state.ts";
import {
  byteStateCount,
  Copy,
  copyOf,
  describeByteState,
  initialByteState,
  isLost,
  memoryStale,
  Topology,
} from "../../src/coherency.ts";

const { domains } = new Topology({ domains: { cpu: { line: 64 }, gpu: { line: 128 } } });
const [cpu, gpu] = domains as [(typeof domains)[number], (typeof domains)[number]];

describe("a byte state", () => {
  it("is told in words", () => {
    expect(describeByteState(initialByteState, domains)).toBe("memory fresh, cpu absent, gpu absent");
    const dirty = withCopy(withMemory(initialByteState, true), cpu, Copy.dirtyFresh);
    expect(describeByteState(withCopy(dirty, gpu, Copy.cleanStale), domains)).toBe(
      "memory stale, cpu dirty-fresh, gpu clean-stale",
    );
    expect(describeByteState(initialByteState, [])).toBe("memory fresh");
  });

  it("is one of 2 x 5^n, each with its own words and put together from its parts", () => {
    const words = new Set<string>();
    for (let state = 0; state < byteStateCount(2); state++) {
      words.add(describeByteState(state, domains));
      let again = withMemory(initialByteState, memoryStale(state));
      for (const domain of domains) again = withCopy(again, domain, copyOf(state, domain));
      expect(again).toBe(state);
    }
    expect(words.size).toBe(50);
    expect([0, 1, 3].map(byteStateCount)).toEqual([2, 10, 250]);
  });

  it("is lost when nobody holds the newest value", () => {
    const stale = withMemory(initialByteState, true);
    expect(isLost(initialByteState, domains)).toBe(false);
    expect(isLost(stale, domains)).toBe(true);
    expect(isLost(withCopy(stale, gpu, Copy.dirtyStale), domains)).toBe(true);
    expect(isLost(withCopy(stale, gpu, Copy.cleanFresh), domains)).toBe(false);
  });

  it("has no fresh copy but the writer's after a write", () => {
    for (let state = 0; state < byteStateCount(2); state++) {
      const after = superseded(state, domains, true, gpu);
      expect(memoryStale(after)).toBe(true);
      expect([Copy.absent, Copy.cleanStale, Copy.dirtyStale]).toContain(copyOf(after, cpu));
      expect(copyOf(after, gpu)).toBe(copyOf(state, gpu));
    }
  });
});

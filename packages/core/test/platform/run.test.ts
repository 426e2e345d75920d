// SPDX-License-Identifier: MIT
import "../../src/vitest.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coherencyChoices, type Pipeline, type RunReport, type Stage } from "../../src/index.ts";
import { acquisition } from "./acquisition.ts";

const platform = acquisition();
const pass = (stages: readonly Stage[], rest: Partial<Pipeline> = {}): Pipeline => ({
  buffers: { b: { size: 8192, count: 2 } },
  stages,
  exporter: "syncing",
  frames: 4,
  ...rest,
});

test("a device that claims to be coherent on a port that is not: nobody syncs, and it is found", () => {
  const report = platform.run(
    pass([
      { name: "fill", cpu: true, writes: "b" },
      { device: "liar", reads: "b" },
    ]),
  );
  expect(report).toHaveFinding("stale-read", { device: "liar" });
  expect(report.maintenance.performed.ops).toBe(0);
});

test("frames overlap as far as there are buffers: more of them take less time, with the same verdict", () => {
  const stages = [
    { device: "snoop", writes: "b" },
    { device: "snoop2", reads: "b" },
  ] as const;
  const time = (count: number): RunReport =>
    platform.run(pass(stages, { buffers: { b: { size: "1MiB", count } }, frames: 8 }));
  expect(time(2).cost.ns).toBeLessThan(time(1).cost.ns * 0.7);
  expect(time(2)).toBeCoherent();
  expect(time(1)).toBeCoherent();
});

test("a partial write leaves what the exporter cleared, or finds that it is gone", () => {
  const stages = [
    { device: "direct", writes: "b", bytes: [0, 100] },
    { name: "look", cpu: true, reads: "b" },
  ] as const;
  expect(platform.run(pass(stages))).toBeCoherent();
  // Nothing cleaned the zeroes; the bracket's invalidate drops them, and the CPU reads what was there before.
  const skipped = platform.run(pass(stages, { exporter: "skipping" }));
  expect(skipped).toHaveFinding("uninitialised-export", { stage: "look" });
  expect(skipped.findings.find(({ code }) => code === "uninitialised-export")?.message).toContain(
    "before the exporter cleared it",
  );
});

test("a bracket for writing alone is not enough to write a part: the rest of the line goes out old", () => {
  const after = (direction: "to-device" | "bidirectional") => {
    const system = platform.boot();
    system.simulation.complete(
      "main",
      (function* () {
        const buffer = yield* system.exporter("syncing").allocate(4096);
        const device = yield* system.importer("direct").attach(buffer, "from-device");
        using mapping = buffer.mmap();
        const fence = yield* device.transfer("write");
        yield* fence.wait();
        fence.put();
        yield* buffer.beginCpuAccess(direction);
        yield* mapping.write(0, 1);
        yield* buffer.endCpuAccess(direction);
        yield* device.detach();
        buffer.put();
      })(),
    );
    return system.hazards.map(({ code, bytes }) => ({ code, bytes }));
  };
  expect(after("to-device")).toContainEqual({ code: "lost-write", bytes: 63 });
  expect(after("bidirectional")).toEqual([]);
});

test("a stage may read one buffer and write another", () => {
  const report = platform.run({
    buffers: { input: { size: 4096 }, output: { size: 8192, count: 3 } },
    stages: [
      { device: "direct", writes: "input" },
      { device: "direct2", name: "convert", reads: "input", writes: "output" },
      { name: "look", cpu: true, reads: "output" },
    ],
    exporter: "syncing",
    frames: 5,
  });
  expect(report).toBeCoherent();
  expect(report.cost.frames).toBe(5);
});

describe("impossible", () => {
  test("a device out of reach is unreachable, with both addresses", () => {
    const report = platform.run(
      pass([
        { device: "direct", writes: "b" },
        { device: "low", reads: "b" },
      ]),
    );
    expect(report.verdict).toBe("impossible");
    expect(report).toHaveFinding("unreachable");
    expect(report.findings[0]?.message).toContain("low cannot reach");
    // What was taken is given back all the same.
    expect(report).not.toHaveFinding("leak");
  });

  test("mixed coherency under reject-at-attach is a coherency-conflict", () => {
    const stages = [
      { device: "direct", writes: "b" },
      { device: "snoop", reads: "b" },
    ] as const;
    const report = platform.run(pass(stages), { coherency: "reject-at-attach" });
    expect(report.verdict).toBe("impossible");
    expect(report).toHaveFinding("coherency-conflict");
  });
});

test("findings of later frames are one, with a count, and absent fields are null", () => {
  const report = platform.run(
    pass([
      { device: "direct", writes: "b" },
      { device: "snoop", reads: "b" },
    ]),
  );
  const stale = report.findings.filter(({ code }) => code === "stale-read");
  expect(stale).toHaveLength(1);
  expect(stale[0]).toMatchObject({ frame: 0, count: 4, range: [0, 8192], buffer: "b", stage: "snoop" });
  for (const found of report.findings) for (const value of Object.values(found)) expect(value).toBeDefined();
});

const device = fc.constantFrom("snoop", "snoop2", "allocate", "direct", "direct2");
const part = fc.option(
  fc
    .tuple(fc.nat(8191), fc.integer({ min: 1, max: 8192 }))
    .map(([start, length]) => [start, Math.min(8192, start + length)] as const),
  { nil: undefined, freq: 3 },
);
const stages: fc.Arbitrary<Stage[]> = fc
  .array(
    fc.record({
      device: fc.option(device, { nil: null, freq: 3 }),
      kind: fc.constantFrom("reads", "writes"),
      bytes: part,
      brackets: fc.boolean(),
      wait: fc.constantFrom("poll" as const, "ioctl" as const),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((drawn) =>
    drawn.map(({ device: name, kind, bytes, brackets, wait }, i): Stage => {
      const common = { name: `s${i}`, [kind]: "b", ...(bytes === undefined ? {} : { bytes }) };
      return name === null ? { ...common, cpu: true, brackets, wait } : { ...common, device: name };
    }),
  );
const pipelines = fc.record({
  stages,
  exporter: fc.constantFrom("syncing", "skipping"),
  frames: fc.integer({ min: 1, max: 4 }),
  count: fc.integer({ min: 1, max: 3 }),
});
const options = { seed: 20261120, numRuns: 150 };

describe("random pipelines", () => {
  const make = (drawn: { stages: Stage[]; exporter: string; frames: number; count: number }): Pipeline => ({
    ...drawn,
    buffers: { b: { size: 8192, count: drawn.count } },
  });

  test("if a run is coherent, it performs at least what is required; device-to-device is always coherent between devices", () => {
    fc.assert(
      fc.property(pipelines, fc.constantFrom(...coherencyChoices), (drawn, coherency) => {
        const report = platform.run(make(drawn), { coherency });
        const { performed, required } = report.maintenance;
        if (report.verdict === "coherent") {
          expect(performed.ns).toBeGreaterThanOrEqual(required?.ns ?? 0);
        }
        const devicesOnly = drawn.stages.every((stage) => "device" in stage);
        if (coherency === "device-to-device" && devicesOnly) expect(report.verdict).toBe("coherent");
      }),
      options,
    );
  });

  test("whatever real bytes in real lines run into is among the findings", () => {
    let observed = 0;
    fc.assert(
      fc.property(pipelines, fc.integer({ min: 1, max: 2 ** 31 }), (drawn, seed) => {
        const plain = platform.run(make(drawn));
        const { report, system } = platform.judge(make(drawn), { data: seed });
        // The machine with real bytes watches; it changes nothing.
        expect(report).toEqual(plain);
        for (const hazard of system.observed) {
          observed++;
          const covered = system.hazards.some(
            (known) =>
              known.code === "stale-read" && known.step === hazard.step && known.address <= hazard.address,
          );
          expect(covered).toBe(true);
        }
      }),
      options,
    );
    expect(observed).toBeGreaterThan(100);
  });

  test("everything is given back, whatever was found", () => {
    fc.assert(
      fc.property(pipelines, (drawn) => {
        const codes = platform.run(make(drawn)).findings.map(({ code }) => code);
        expect(codes).not.toContain("leak");
        expect(codes).not.toContain("deadlock");
        expect(codes).not.toContain("dma-api-misuse");
      }),
      options,
    );
  });

  test("with waits and brackets as a correct driver has them, only mixed coherency goes wrong", () => {
    const correct = stages.map((drawn) =>
      drawn.map((stage) => ("cpu" in stage ? { ...stage, brackets: true, wait: "poll" as const } : stage)),
    );
    fc.assert(
      fc.property(correct, (drawn) => {
        const kinds = new Set(
          drawn.flatMap((stage) => ("device" in stage ? [stage.device.startsWith("direct")] : [])),
        );
        if (kinds.size > 1) return;
        expect(platform.run(make({ stages: drawn, exporter: "syncing", frames: 3, count: 2 })).verdict).toBe(
          "coherent",
        );
      }),
      options,
    );
  });
});

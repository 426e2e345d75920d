// SPDX-License-Identifier: MIT
// The verdicts that this board is built for; what each sentence says is worked out by the engine, nothing is recorded.
import "@dmabuf/core/vitest";
import {
  type Arch,
  assemble,
  type CoherencyChoice,
  definePlugin,
  linux612,
  type Pipeline,
  type Platform,
  type Stage,
} from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { zc702, zynq7000, zynq7000Plugins } from "../src/index.ts";

const platform = zynq7000();
const frames = 6;
const buffers = 2;

const pipeline = (exporter: string, ...stages: Stage[]): Pipeline => ({
  buffers: { samples: { size: "1MiB", count: buffers } },
  stages,
  exporter,
  frames,
});
const inspect: Stage = { name: "inspect", cpu: true, reads: "samples" };
const run = (what: Pipeline, coherency: CoherencyChoice = "kernel", on: Platform = platform) =>
  on.run(what, { kernel: linux612, coherency });

/** `clean l2`, in the order in which it was done. */
function maintenance(what: Pipeline, coherency: CoherencyChoice): string[] {
  const { system } = platform.judge(what, { kernel: linux612, coherency });
  using disposed = system;
  const { log } = disposed.analysis;
  return Array.from({ length: log.length }, (_, step) => log.operation(step)).flatMap(
    ({ route, kind, domain }) => (route === null ? [`${kind} ${domain?.name}`] : []),
  );
}

describe("a zeroed heap buffer captured through HP0 under ARMv7's invalidating map", () => {
  for (const exporter of ["system", "cma"]) {
    test(`${exporter}, whole: coherent, and the zeroes that are thrown away are no lost write`, () => {
      const report = run(pipeline(exporter, { device: "adc-hp0", writes: "samples" }, inspect));
      expect(report).toBeCoherent();
      expect(report).not.toHaveFinding("lost-write");
    });

    test(`${exporter}, in part and read whole: what was there before the zeroes shows in the rest`, () => {
      const half = 2 ** 19;
      const report = run(
        pipeline(exporter, { device: "adc-hp0", writes: "samples", bytes: [0, half] }, inspect),
      );
      expect(report.verdict).toBe("incoherent");
      expect(report).toHaveFinding("uninitialised-export", { stage: "inspect", range: [half, 2 ** 20] });
      expect(report).not.toHaveFinding("lost-write");
    });

    test(`${exporter}, in part, and that part read: coherent`, () => {
      const bytes: [number, number] = [0, 2 ** 19];
      const report = run(
        pipeline(exporter, { device: "adc-hp0", writes: "samples", bytes }, { ...inspect, bytes }),
      );
      expect(report).toBeCoherent();
    });
  }

  test("each of the two caches is invalidated twice, outwards before the capture and inwards after it (A-10, A-11)", () => {
    const done = maintenance(pipeline("system", { device: "adc-hp0", writes: "samples" }, inspect), "kernel");
    const outwards = ["invalidate cpu", "invalidate l2"];
    const inwards = ["invalidate l2", "invalidate cpu"];
    expect(done.slice(0, 2 * buffers)).toEqual(new Array(buffers).fill(outwards).flat());
    expect(done.slice(2 * buffers, 2 * buffers + 4), "the first bracket").toEqual([...inwards, ...outwards]);
    expect(done.slice(-2), "the last unmap").toEqual(inwards);
  });
});

describe("ADC on ACP to USB", () => {
  const what = (exporter: string): Pipeline =>
    pipeline(exporter, { device: "adc-acp", writes: "samples" }, { device: "usb0", reads: "samples" });

  for (const exporter of ["system", "udmabuf", "cma"]) {
    test(`${exporter}: a stale read without a clean of the outer cache`, () => {
      const report = run(what(exporter));
      expect(report.verdict).toBe("incoherent");
      expect(report).toHaveFinding("stale-read", { device: "usb0", range: [0, 2 ** 20], count: frames });
      const stale = report.findings.find(({ code }) => code === "stale-read");
      expect(stale?.message).toContain("the new data is still in l2's cache");
      expect(stale?.fix.join()).toContain("clean the lines in l2's cache before usb0 reads");
      expect(stale?.fix.join(), "the inner caches hold nothing of it").not.toContain("cpu's cache");
    });

    test(`${exporter}, device-to-device: coherent with just that clean`, () => {
      expect(run(what(exporter), "device-to-device")).toBeCoherent();
      expect(maintenance(what(exporter), "device-to-device")).toEqual(new Array(frames).fill("clean l2"));
    });

    test(`${exporter}, begin-end-access: coherent, with a clean of both, the inner cache first`, () => {
      expect(run(what(exporter), "begin-end-access")).toBeCoherent();
      expect(maintenance(what(exporter), "begin-end-access")).toEqual(
        new Array(frames).fill(["clean cpu", "clean l2"]).flat(),
      );
    });
  }
});

describe("USB to DAC on ACP", () => {
  const what = (exporter: string): Pipeline =>
    pipeline(exporter, { device: "usb0", writes: "samples" }, { device: "dac-acp", reads: "samples" });

  for (const exporter of ["system", "udmabuf", "cma"]) {
    test(`${exporter}: a stale read without an outer and an inner invalidate`, () => {
      const report = run(what(exporter));
      expect(report.verdict).toBe("incoherent");
      expect(report).toHaveFinding("stale-read", { device: "dac-acp", range: [0, 2 ** 20], count: frames });
      const stale = report.findings.find(({ code }) => code === "stale-read");
      expect(stale?.fix).toEqual([
        expect.stringContaining("invalidate the lines in l2's cache before dac-acp reads"),
        expect.stringContaining("invalidate the lines in cpu's cache before dac-acp reads"),
      ]);
    });

    test(`${exporter}, device-to-device: coherent, the zeroes once out of the way and then two invalidates inwards`, () => {
      expect(run(what(exporter), "device-to-device")).toBeCoherent();
      const done = maintenance(what(exporter), "device-to-device");
      expect(done.filter((one) => one.startsWith("invalidate"))).toEqual(
        new Array(frames).fill(["invalidate l2", "invalidate cpu"]).flat(),
      );
      expect(done.filter((one) => one.startsWith("clean"))).toEqual(
        new Array(buffers).fill(["clean cpu", "clean l2"]).flat(),
      );
    });

    test(`${exporter}, begin-end-access: coherent`, () => {
      expect(run(what(exporter), "begin-end-access")).toBeCoherent();
    });
  }

  test("system, the wrong half of the maintenance: still stale with the inner or the outer invalidate alone", () => {
    for (const only of ["cpu", "l2"]) {
      const report = run(
        pipeline("system", { device: "usb0", writes: "samples" }, inspect),
        "kernel",
        withArch((arch) => ({
          syncForCpu: (extents, direction) =>
            arch.syncForCpu(extents, direction).filter(({ domain }) => domain === only),
        })),
      );
      expect(report, only).toHaveFinding("stale-read", { stage: "inspect" });
    }
  });
});

/** The machine with an architecture that does something else. */
function withArch(change: (arch: Arch) => Partial<Arch>): Platform {
  const [own, ...others] = zynq7000Plugins(zc702);
  const wrong = definePlugin({
    name: "@acme/arch-wrong",
    provides: {
      arch: () => {
        const arch = own?.provides.arch?.() as Arch;
        return {
          name: arch.name,
          domains: arch.domains,
          cpuDomain: arch.cpuDomain,
          dmaDefaultCoherent: false,
          syncForDevice: (extents, direction) => arch.syncForDevice(extents, direction),
          syncForCpu: (extents, direction) => arch.syncForCpu(extents, direction),
          lineCost: (kind, domain) => arch.lineCost(kind, domain),
          ...change(arch),
        };
      },
    },
  });
  return assemble(zc702, [wrong, ...others]);
}

describe("maintenance in the wrong order is found (A-11)", () => {
  const inwards = withArch((arch) => ({
    syncForDevice: (extents, direction) => arch.syncForDevice(extents, direction).toReversed(),
  }));
  const outwards = withArch((arch) => ({
    syncForCpu: (extents, direction) => arch.syncForCpu(extents, direction).toReversed(),
  }));
  const played = pipeline(
    "system",
    { name: "fill", cpu: true, writes: "samples" },
    { device: "dac-hp0", reads: "samples" },
  );
  const captured = pipeline("system", { device: "adc-hp0", writes: "samples" }, inspect);

  test("in the right order both are coherent", () => {
    expect(run(played)).toBeCoherent();
    expect(run(captured)).toBeCoherent();
  });

  test("outer before inner for a device that reads: what the inner cache writes back stays in the outer one", () => {
    expect(run(played, "kernel", inwards)).toHaveFinding("stale-read", { device: "dac-hp0" });
  });

  test("outer before inner for a device that writes: a dirty line lands on its data from there", () => {
    expect(run(captured, "kernel", inwards)).toHaveFinding("lost-write", { device: "adc-hp0" });
  });

  test("inner before outer for the CPU: the inner cache is filled once more from old lines", () => {
    expect(run(captured, "kernel", outwards)).toHaveFinding("stale-read", { stage: "inspect" });
  });
});

test("udmabuf's bracket drops what a coherent ADC has written, which the heaps' does not", () => {
  const what = (exporter: string): Pipeline =>
    pipeline(exporter, { device: "adc-acp", writes: "samples" }, inspect);
  expect(run(what("udmabuf"))).toHaveFinding("lost-write", { stage: "inspect" });
  for (const exporter of ["system", "cma"]) {
    expect(run(what(exporter))).toBeCoherent();
    expect(maintenance(what(exporter), "kernel")).toEqual([]);
  }
});

test("two devices on HP0 and USB need nothing between them once the zeroes are out of the way", () => {
  const what = pipeline(
    "system",
    { device: "adc-hp0", writes: "samples" },
    { device: "usb0", reads: "samples" },
  );
  expect(run(what)).toBeCoherent();
  expect(maintenance(what, "device-to-device")).toHaveLength(2 * buffers);
});

test("without the outer cache ACP still snoops, and USB finds what it wrote", () => {
  const bare = zynq7000(zc702, { outerCache: false });
  const toUsb = pipeline(
    "system",
    { device: "adc-acp", writes: "samples" },
    { device: "usb0", reads: "samples" },
  );
  expect(run(toUsb, "kernel", bare)).toBeCoherent();
});

test("if a run is coherent, it performs at least what is required", () => {
  for (const adc of ["adc-acp", "adc-hp0"]) {
    for (const exporter of ["system", "udmabuf", "cma"]) {
      for (const coherency of ["kernel", "begin-end-access", "device-to-device"] as const) {
        const what = pipeline(
          exporter,
          { device: adc, writes: "samples" },
          { device: "usb0", reads: "samples" },
        );
        const { verdict, maintenance: did } = run(what, coherency);
        if (verdict !== "coherent") continue;
        expect(did.performed.ns).toBeGreaterThanOrEqual(did.required?.ns ?? 0);
      }
    }
  }
});

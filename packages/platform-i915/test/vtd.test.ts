// SPDX-License-Identifier: MIT
// The machines with their IOMMU on: what changes, and what does not.
import {
  AssemblyError,
  type Pipeline,
  type Process,
  parseSize,
  type RunReport,
  type System,
} from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { type AssembleOptions, type I915Machine, i915, machines } from "../src/index.ts";

const { READ } = IommuProt;
const translated = ["skylake", "broxton", "meteorlake"] as const;
const choices = ["strict", "lazy", "igfx-off"] as const;
const all = translated.flatMap((machine) => choices.map((vtd) => ({ machine, vtd })));

const pipeline = (exporter: string, stages: Pipeline["stages"]): Pipeline => ({
  ...{ buffers: { frame: { size: "64KiB", count: 2 } }, stages, exporter, frames: 3 },
});
const draw = [
  { name: "draw", cpu: true, writes: "frame" },
  { name: "compose", device: "gpu", reads: "frame" },
  { name: "scan out", device: "display", reads: "frame" },
] as const;
const render = [
  { name: "render", device: "gpu", writes: "frame" },
  { name: "scan out", device: "display", reads: "frame" },
  { name: "save", device: "nvme0", reads: "frame" },
] as const;
const shoot = [
  { name: "shoot", device: "camera", writes: "frame" },
  { name: "show", device: "display", reads: "frame" },
] as const;

const errors = ({ findings }: RunReport): string[] =>
  findings
    .filter(({ severity }) => severity === "error")
    .map(({ code, device, count }) => `${code} ${device} ${count}`);

describe.each(all)("on $machine, $vtd", ({ machine, vtd }) => {
  test.each(["i915", "system"])(
    "pipelines with buffers of %s are as right or wrong as without",
    (exporter) => {
      for (const stages of [draw, render, shoot]) {
        const plain = i915(machine).run(pipeline(exporter, stages));
        const report = i915(machine, { vtd }).run(pipeline(exporter, stages));
        expect(report.verdict).toBe(plain.verdict);
        expect(errors(report)).toEqual(errors(plain));
      }
    },
  );

  test("addresses are the IOMMU's, but those of graphics when its unit is off", () => {
    const system = i915(machine, { vtd }).boot();
    for (const name of ["gpu", "display", "camera", "usb0", "nvme0"]) {
      const device = system.device(name);
      const page = system.memory.pages.allocatePages(0) ?? expect.fail();
      const { dmaAddress } = system.dma.mapPage(device, page, 4096, "bidirectional");
      const isPhysical = vtd === "igfx-off" && (name === "gpu" || name === "display");
      expect(dmaAddress === (page as number), name).toBe(isPhysical);
      if (!isPhysical)
        expect(device.translation?.translate(dmaAddress, READ)).toMatchObject({ address: page, fault: null });
    }
  });

  test("what was stolen for graphics is where it was, for graphics alone", () => {
    const system = i915(machine, { vtd }).boot();
    const [stolen] = system.board.pools ?? [];
    if (stolen?.kind !== "carve-out") return expect.fail();
    for (const name of ["gpu", "usb0"]) {
      const device = system.device(name);
      const page = system.memory.pages.allocatePages(0) ?? expect.fail();
      system.dma.mapPage(device, page, 4096, "bidirectional");
    }
    const last = stolen.base + parseSize(stolen.size) - 1;
    const reached = (name: string) => system.device(name).translation?.translate(last, READ);
    if (vtd === "igfx-off") expect(system.device("gpu").iommu).toBeNull();
    else expect(reached("gpu")).toMatchObject({ fault: null, address: last });
    expect(reached("usb0")?.fault).toMatch(/fault reason 0x(06|71)/);
  });
});

test("what the driver's own buffers have as addresses in the GPU's page tables is the IOMMU's as well", () => {
  const mapped = (vtd: AssembleOptions["vtd"]): string[] => {
    const names: string[] = [];
    i915("skylake", vtd === undefined ? {} : { vtd }).inspect(function* (system: System): Process {
      const buffer = yield* system.exporter("i915").allocate(65536);
      const imported = yield* system.importer("gpu").attach(buffer, "bidirectional");
      const fence = yield* imported.transfer("write");
      yield* fence.wait();
      fence.put();
      yield* imported.detach();
      buffer.put();
      for (const { point } of system.simulation.trace.events()) names.push(point.name);
    });
    return names.filter((name) => /^dma_(un)?map_sg$/.test(name));
  };
  expect(mapped("strict")).toEqual(["dma_map_sg", "dma_unmap_sg"]);
  expect(mapped("igfx-off")).toEqual([]);
  expect(mapped(undefined)).toEqual([]);
});

describe("a device whose accesses ask for no snoop", () => {
  /** Skylake with such a disk, which reads what the CPU wrote. */
  const saved = (device: "nvme0" | "display", options: AssembleOptions): RunReport["verdict"] => {
    const { board } = machines.skylake;
    const { [device]: described } = board.devices;
    const devices = { ...board.devices, [device]: { ...described, port: "snoop", noSnoop: true } };
    const machine = { ...machines.skylake, board: { ...board, devices } } as I915Machine;
    return i915(machine, options).run(
      pipeline("system", [
        { name: "draw", cpu: true, writes: "frame" },
        { name: "use", device, reads: "frame" },
      ]),
    ).verdict;
  };

  test("misses what is in the CPU's caches, with an IOMMU as without", () => {
    expect(saved("nvme0", {})).toBe("incoherent");
    expect(saved("nvme0", { vtd: "strict" })).toBe("incoherent");
  });

  test("snoops all the same behind a unit that makes it, as kernels before 5.19 did", () => {
    expect(saved("nvme0", { vtd: "strict", snoop: "cacheable" })).toBe("coherent");
  });

  test("does not behind the graphics unit, which has no Snoop Control", () => {
    expect(saved("display", { vtd: "strict", snoop: "cacheable" })).toBe("incoherent");
  });
});

test("a machine without VT-d says so, and one of one's own what it lacks", () => {
  expect(() => i915("baytrail", { vtd: "lazy" })).toThrow(
    new TypeError("Intel Bay Trail (Atom E3845) has no VT-d"),
  );
  const own: I915Machine = { ...machines.skylake, dmar: { graphics: {}, rest: {}, ids: { usb0: 0xa0 } } };
  expect(() => i915(own, { vtd: "lazy" })).toThrow(
    new AssemblyError("Intel Skylake (Core i7-6770HQ): nobody knows the requester id of camera"),
  );
});

test("a choice that there is not is refused with the nearest", () => {
  expect(() => i915("skylake", { vtd: "lasy" as never })).toThrow(
    'Intel Skylake (Core i7-6770HQ).vtd: "lasy" is none of strict, lazy, igfx-off; did you mean "lazy"?',
  );
  expect(() => i915("skylake", { snop: "enforced" } as never)).toThrow('no option "snop"');
});

test("graphics and display are one function, and have one domain", () => {
  const system = i915("meteorlake", { vtd: "strict" }).boot();
  expect(system.iommuGroup("gpu")).toBe(system.iommuGroup("display"));
  expect(system.iommuGroup("gpu")).not.toBe(system.iommuGroup("usb0"));
});

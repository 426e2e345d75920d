// SPDX-License-Identifier: MIT
// The same board with its MMU-500 switched on, and with one whose driver forgets something.
import "@dmabuf/core/vitest";
import { assemble, Extents, type Pipeline, type Stage, type System } from "@dmabuf/core";
import { mmu500 } from "@dmabuf/iommu-smmu";
import { describe, expect, test } from "vitest";
import { overlaid, smmuOn, zcu102, zynqmp, zynqmpPlugins } from "../src/index.ts";

const behind = zynqmp(smmuOn(zcu102));

const pipeline = (exporter: string, ...stages: Stage[]): Pipeline => ({
  buffers: { samples: { size: "256KiB", count: 2 } },
  stages,
  exporter,
  frames: 4,
});

test("stream ids are those of the device tree's comments and of UG1085's table", () => {
  const ids = Object.entries(behind.board.devices).map(([name, { iommu }]) => [
    name,
    typeof iommu === "object" ? iommu.ids.map((id) => id.toString(16)).join() : null,
  ]);
  expect(Object.fromEntries(ids)).toEqual({
    ...{ "adc-dmac": "200", "dac-dmac": "201", "adc-hp0": "e80", "dac-hp0": "e81", "adc-acp": null },
    ...{ usb0: "860", usb1: "861", gem0: "874", gem1: "875", gem2: "876", gem3: "877" },
    ...{ dp: "ce3", gpu: null, sata: "4c0", "fpd-dma": "14e8" },
  });
});

describe("with the SMMU a pipeline", () => {
  const pairs: readonly [writer: string, reader: string][] = [
    ["usb0", "dac-dmac"],
    ["adc-dmac", "usb0"],
    ["adc-hp0", "usb0"],
    ["adc-acp", "usb0"],
    ["adc-dmac", "dac-dmac"],
    ["usb0", "dac-hp0"],
  ];
  test.each(pairs)("from %s to %s is as coherent as without", (writer, reader) => {
    const stages: Stage[] = [
      { device: writer, writes: "samples" },
      { device: reader, reads: "samples" },
    ];
    for (const exporter of ["system", "cma", "udmabuf"]) {
      const [without, with_] = [zynqmp(), behind].map((platform) =>
        platform.run(pipeline(exporter, ...stages)),
      );
      expect(with_?.verdict).toBe(without?.verdict);
      // Entries that the IOMMU joins show that FunctionFS announces more than there are (FF-5), and nothing else.
      const codes = (report: typeof with_) =>
        report?.findings.flatMap(({ code, severity, message }) =>
          severity !== "error" || message.includes("(FF-5)") ? [] : [code],
        );
      expect(codes(with_), exporter).toEqual(codes(without));
    }
  });

  test("shows that FunctionFS counts entries that were joined (FF-5)", () => {
    const stages: Stage[] = [
      { device: "adc-hp0", writes: "samples" },
      { device: "usb0", reads: "samples" },
    ];
    expect(behind.run(pipeline("udmabuf", ...stages))).toHaveFinding("dma-api-misuse", {
      message: expect.stringContaining("(FF-5)"),
    });
  });

  test("gets scattered pages to a display that takes one piece (D27)", () => {
    const stages: Stage[] = [
      { device: "adc-hp0", writes: "samples" },
      { device: "dp", reads: "samples" },
    ];
    const boot = { scatter: { seed: 5 } };
    expect(zynqmp().run(pipeline("system", ...stages), boot).verdict).toBe("impossible");
    expect(behind.run(pipeline("system", ...stages), boot)).toBeCoherent();
  });
});

test("a device that the SMMU does not know by a mapping is kept out, and one that is switched off lets all through", () => {
  const wild = function* ({ device, dmaBuf, cpu }: System) {
    yield* cpu.settle();
    return dmaBuf.transfers.accessAt(device("usb0"), 0x1000, 64, "write");
  };
  const { result, findings } = behind.inspect(wild);
  expect(result).toBe(0);
  expect(findings.map(({ code, device }) => [code, device])).toEqual([["iommu-fault", "usb0"]]);
  const off = zynqmp(overlaid(smmuOn(zcu102), { iommus: { smmu: { enabled: false } } }));
  expect(off.inspect(wild).result).toBe(64);
});

describe("a driver that forgets", () => {
  const forgetting = (...omits: NonNullable<NonNullable<Parameters<typeof mmu500>[1]>["omits"]>) =>
    assemble(smmuOn(zcu102), [...zynqmpPlugins(zcu102), mmu500("smmu", { omits })]);

  test("to clean its tables: the walker reads what was there before, and the clean is what mends it", () => {
    const report = forgetting("sync_pte").run(
      pipeline("system", { device: "adc-hp0", writes: "samples" }, { device: "usb0", reads: "samples" }),
    );
    expect(report.verdict).toBe("incoherent");
    const walker = report.findings.find(({ message }) => message.startsWith("the table walker of smmu"));
    expect(walker?.code).toBe("stale-read");
    expect(walker?.fix[0]).toMatch(/^clean the lines in cpu's cache before the table walker of smmu reads/);
  });

  test("to invalidate: the device gets at the page that is somebody else's, and the register is named", () => {
    const { findings } = forgetting("TLBIVAL").inspect(function* ({ device, dma, dmaBuf, memory, cpu }) {
      const page = memory.pages.allocatePages(0);
      if (page === null) return;
      const usb = device("usb0");
      const mapping = dma.mapPage(usb, page, 4096, "from-device");
      dmaBuf.transfers.accessAt(usb, mapping.dmaAddress, 4096, "write");
      dma.unmapPage(mapping);
      cpu.access("write", Extents.of([page, page + 4096]));
      dmaBuf.transfers.accessAt(usb, mapping.dmaAddress, 4096, "write");
      yield* cpu.settle();
    });
    const [stale] = findings.filter(({ code }) => code === "stale-translation");
    expect(stale?.device).toBe("usb0");
    expect(stale?.fix[0]).toContain("TLBIVAL");
    expect(findings.map(({ code }) => code)).toContain("lost-write");
  });
});

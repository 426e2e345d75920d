// SPDX-License-Identifier: MIT
// The verdicts that this board is built for; what each sentence says is worked out by the engine, nothing is recorded.
import "@dmabuf/core/vitest";
import { type CoherencyChoice, linux612, type Pipeline, type Stage } from "@dmabuf/core";
import { describe, expect, test } from "vitest";
import { zcu102, zynqmp } from "../src/index.ts";

const platform = zynqmp();

const pipeline = (exporter: string, ...stages: Stage[]): Pipeline => ({
  buffers: { samples: { size: "1MiB", count: 4 } },
  stages,
  exporter,
  frames: 20,
});
const usbToDac = (exporter: string): Pipeline =>
  pipeline(exporter, { device: "usb0", writes: "samples" }, { device: "dac-dmac", reads: "samples" });
const toUsb = (adc: string, exporter: string): Pipeline =>
  pipeline(exporter, { device: adc, writes: "samples" }, { device: "usb0", reads: "samples" });
const run = (what: Pipeline, coherency: CoherencyChoice = "kernel") =>
  platform.run(what, { kernel: linux612, coherency });

describe("carve-outs, as a device tree has them", () => {
  const own = zynqmp({
    ...zcu102,
    pools: [
      ...(zcu102.pools ?? []),
      { kind: "carve-out", name: "cut@7e000000", base: 0x7e00_0000, size: "16MiB" },
    ],
  });

  test("have a heap each, and what else runs goes on as before", () => {
    expect(own.exporterNames).toEqual([...platform.exporterNames, "cut@7e000000"]);
    const report = own.run(usbToDac("system"), { kernel: linux612 });
    expect(report).toEqual(run(usbToDac("system")));
  });

  test("are uncached memory: what a CPU writes past its cache the DAC sees", () => {
    const { verdict, findings } = own.run(
      pipeline("cut@7e000000", { cpu: true, writes: "samples" }, { device: "dac-hp0", reads: "samples" }),
    );
    expect([verdict, findings]).toEqual(["coherent", []]);
  });
});

describe("usb-to-dac", () => {
  test("system heap, kernel: a stale read by the DAC from the first frame on, of a line that was filled or stayed valid", () => {
    const report = run(usbToDac("system"));
    expect(report.verdict).toBe("incoherent");
    expect(report).toHaveFinding("stale-read", {
      device: "dac-dmac",
      buffer: "samples",
      range: [0, 2 ** 20],
      frame: 0,
      count: 20,
    });
    expect(report).not.toHaveFinding("lost-write");
    const stale = report.findings.find(({ code }) => code === "stale-read");
    expect(stale?.message).toContain("an old line is still in cpu's cache");
    expect(stale?.other).toMatchObject({ device: "usb0" });
    expect(stale?.fix.join()).toContain("invalidate");
  });

  test("udmabuf, kernel: also a lost write, of the dirty lines that zeroing left", () => {
    const report = run(usbToDac("udmabuf"));
    expect(report).toHaveFinding("stale-read", { device: "dac-dmac" });
    expect(report).toHaveFinding("lost-write", { device: "usb0" });
    const lost = report.findings.find(({ code }) => code === "lost-write");
    expect(lost?.because[0]?.text).toContain("clears samples[0]");
    expect(report.maintenance.performed.ops).toBe(0);
  });

  for (const exporter of ["system", "udmabuf", "cma"]) {
    test(`${exporter}, begin-end-access and device-to-device: coherent, the latter with less maintenance`, () => {
      const bracketed = run(usbToDac(exporter), "begin-end-access");
      const direct = run(usbToDac(exporter), "device-to-device");
      expect(bracketed).toBeCoherent();
      expect(direct).toBeCoherent();
      expect(direct.maintenance.performed.bytes).toBeLessThan(bracketed.maintenance.performed.bytes);
      expect(direct.maintenance.performed.ns).toBeLessThan(bracketed.maintenance.performed.ns);
      expect(direct.maintenance.required?.ns).toBeLessThanOrEqual(direct.maintenance.performed.ns);
    });

    test(`${exporter}, exporter-sync: says that usb0 has to export, and is then coherent`, () => {
      const report = run(usbToDac(exporter), "exporter-sync");
      expect(report).toBeCoherent();
      expect(report.assumptions).toEqual([expect.stringContaining("needs usb0 to export the buffer")]);
    });

    test(`${exporter}, reject-at-attach: impossible, with the reason`, () => {
      const report = run(usbToDac(exporter), "reject-at-attach");
      expect(report.verdict).toBe("impossible");
      const [conflict] = report.findings;
      expect(conflict).toMatchObject({ code: "coherency-conflict", severity: "error" });
      expect(conflict?.message).toContain(
        "dac-dmac is coherent with the CPU, usb0, already attached, is not",
      );
      expect(report.maintenance.required).toBeNull();
      expect(report.cost.frames).toBe(0);
    });
  }
});

describe("adc-to-usb", () => {
  test("adc-dmac on HPC0: coherent without any maintenance after the map", () => {
    const report = run(toUsb("adc-dmac", "system"));
    expect(report).toBeCoherent();
    // The four maps for usb0 clean one buffer each, and that is all.
    expect(report.maintenance.performed).toMatchObject({ ops: 4, bytes: 4 * 2 ** 20 });
    expect(report.maintenance.required).toEqual({ ops: 0, bytes: 0, ns: 0 });
  });

  test("adc-acp: a stale read by USB, because its writes may stay in L2", () => {
    const report = run(toUsb("adc-acp", "system"));
    expect(report.verdict).toBe("incoherent");
    expect(report).toHaveFinding("stale-read", { device: "usb0" });
    const stale = report.findings.find(({ code }) => code === "stale-read");
    expect(stale?.message).toContain("the new data is still in cpu's cache");
    expect(stale?.fix.join()).toMatch(/clean|flush/);
  });

  test("adc-hp0 from udmabuf: a lost write", () => {
    const report = run(toUsb("adc-hp0", "udmabuf"));
    expect(report.verdict).toBe("incoherent");
    expect(report).toHaveFinding("lost-write", { device: "adc-hp0" });
  });

  test("adc-hp0 from the system heap: coherent", () => {
    expect(run(toUsb("adc-hp0", "system"))).toBeCoherent();
  });
});

describe("a CPU stage that reads after adc-hp0, system heap", () => {
  const inspected = (cpu: Partial<Extract<Stage, { cpu: true }>>): Pipeline =>
    pipeline(
      "system",
      { device: "adc-hp0", writes: "samples" },
      { name: "inspect", cpu: true, reads: "samples", ...cpu },
    );

  test("coherent with brackets", () => {
    const report = run(inspected({}));
    expect(report).toBeCoherent();
    expect(report).not.toHaveFinding("missing-bracket");
  });

  test("with wait: ioctl a stale read, because 6.12 maintains before it waits", () => {
    const report = run(inspected({ wait: "ioctl" }));
    expect(report.verdict).toBe("incoherent");
    expect(report).toHaveFinding("stale-read", { stage: "inspect", device: null });
  });

  test("a kernel that waits first has no stale read with wait: ioctl", async () => {
    const { proposed } = await import("@dmabuf/core");
    expect(platform.run(inspected({ wait: "ioctl" }), { kernel: proposed })).toBeCoherent();
  });

  test("with brackets: false a stale read, and a warning for the bracket", () => {
    const report = run(inspected({ brackets: false }));
    expect(report.verdict).toBe("incoherent");
    expect(report).toHaveFinding("stale-read", { stage: "inspect" });
    expect(report).toHaveFinding("missing-bracket", { stage: "inspect", severity: "warning" });
  });
});

test("the same input gives the same report", () => {
  const twice = [run(usbToDac("udmabuf")), run(usbToDac("udmabuf"))].map((report) => JSON.stringify(report));
  expect(twice[0]).toBe(twice[1]);
});

test("if a run is coherent, it performs at least what is required", () => {
  for (const adc of ["adc-dmac", "adc-hp0", "adc-acp"]) {
    for (const exporter of ["system", "udmabuf", "cma"]) {
      for (const coherency of ["kernel", "begin-end-access", "device-to-device", "exporter-sync"] as const) {
        const { verdict, maintenance } = run(toUsb(adc, exporter), coherency);
        if (verdict !== "coherent") continue;
        expect(maintenance.performed.ns).toBeGreaterThanOrEqual(maintenance.required?.ns ?? 0);
      }
    }
  }
});

describe("to the display", () => {
  const frames = (from: string, exporter: string): Pipeline => ({
    buffers: { frames: { size: "8100KiB", count: 2 } },
    stages: [
      { device: from, writes: "frames" },
      { device: "dp", reads: "frames" },
    ],
    exporter,
    frames: 4,
  });

  test.each(["adc-hp0", "adc-dmac", "gpu"])("%s, in contiguous memory: coherent", (from) => {
    expect(run(frames(from, "cma"))).toBeCoherent();
  });

  test.each(["system", "udmabuf"])("%s, in pieces: impossible, and it says where they end", (exporter) => {
    const scatter = { seed: 1 };
    const { verdict, findings } = platform.run(frames("adc-hp0", exporter), { scatter });
    expect(verdict).toBe("impossible");
    expect(findings[0]).toMatchObject({ code: "constraint-conflict", severity: "error" });
    expect(findings[0]?.message).toMatch(
      /-EINVAL: dp takes contiguous memory only, and after \d+ of 8294400 bytes the buffer goes on elsewhere/,
    );
  });
});

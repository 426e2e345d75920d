// SPDX-License-Identifier: MIT
// Real boards, found through DMABUF_SAMPLES; without it these tests are skipped.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type BoardFacts,
  type DeviceTree,
  describeBoard,
  describeMachine,
  readDeviceTree,
} from "../src/index.ts";

const folder = process.env["DMABUF_SAMPLES"];
const files =
  folder === undefined ? [] : readdirSync(join(folder, "dtb")).filter((file) => file.endsWith(".dtb"));
if (folder === undefined)
  console.log("DMABUF_SAMPLES is not set: the tests on real device trees are skipped");

const trees = new Map<string, DeviceTree>();
const boards = new Map<string, BoardFacts>();
function treeOf(file: string): DeviceTree {
  const tree = trees.get(file) ?? readDeviceTree(readFileSync(join(folder ?? "", "dtb", file)), file);
  trees.set(file, tree);
  return tree;
}
function boardOf(file: string): BoardFacts {
  const board = boards.get(file) ?? describeBoard(treeOf(file));
  boards.set(file, board);
  return board;
}
const masterOf = (file: string, path: string) => boardOf(file).masters.find((one) => one.path.endsWith(path));
const verdict = (file: string, from: string, to: string) =>
  boardOf(file).sharing.find((one) => one.from.endsWith(from) && one.to.endsWith(to))?.verdict;
const coherent = (file: string, kind: string) =>
  boardOf(file)
    .masters.filter((one) => one.class === kind)
    .map((one) => one.coherent);

describe("real boards", () => {
  beforeEach(({ skip }) => {
    skip(folder === undefined, "DMABUF_SAMPLES is not set");
  });

  test.each(files)("%s is read, and everything in it can be printed", (file) => {
    const board = boardOf(file);
    expect(board.masters.length).toBeGreaterThan(0);
    expect(board.sharing).toHaveLength(board.masters.length * (board.masters.length - 1));
    expect(JSON.stringify(board)).not.toMatch(/undefined|NaN/);
    expect(describeMachine(treeOf(file)).architecture).not.toBeNull();
  });

  test("there are at least 18 of them", () => {
    expect(files.length).toBeGreaterThanOrEqual(18);
  });

  test("every enabled node that owns dma-coherent is a master, or an IOMMU, or a bus", () => {
    const owners = files.flatMap((file) =>
      treeOf(file)
        .nodes.filter((node) => node.enabled && node.has("dma-coherent"))
        .map((node) => ({ file, path: node.path })),
    );
    const masters = owners.filter(({ file, path }) => boardOf(file).masters.some((one) => one.path === path));
    const iommus = owners.filter(({ file, path }) => boardOf(file).iommus.some((one) => one.path === path));
    // Of the 64 in the corpus of 22 boards that the method was validated on, these boards have 47.
    expect([owners.length, masters.length, iommus.length]).toEqual([47, 41, 6]);
  });

  test("ZCU102: two banks of 2 GiB, nobody coherent, the SMMU disabled, hence nobody behind it", () => {
    const file = "zynqmp-zcu102-rev1.0.dtb";
    const board = boardOf(file);
    expect(board.model).toBe("ZynqMP ZCU102 Rev1.0");
    expect(board.ram).toEqual([
      { base: 0, size: 0x8000_0000 },
      { base: 0x8_0000_0000, size: 0x8000_0000 },
    ]);
    expect(board.iommus).toEqual([{ path: "/axi/iommu@fd800000", kind: "mmu-500", enabled: false }]);
    expect(board.masters.every((one) => !one.coherent && one.iommus.length === 0 && one.limit === null)).toBe(
      true,
    );
    expect(masterOf(file, "/display@fd4a0000")?.class).toBe("display");
    expect(masterOf(file, "/dma-controller@fd4c0000")?.class).toBe("dma");
    expect(masterOf(file, "/usb@ff9d0000/usb@fe200000")?.class).toBe("usb");
    const machine = describeMachine(treeOf(file));
    expect(machine.architecture).toBe("arm64");
    expect(machine.cpus.map((cpu) => cpu.compatible)).toEqual(new Array(4).fill(["arm,cortex-a53"]));
    expect(machine.masters.find((one) => one.class === "gpu")?.base).toBe(0xfd4b_0000);
  });

  test("Khadas VIM3: the Mali is coherent, display and NPU are not", () => {
    const file = "meson-g12b-a311d-khadas-vim3.dtb";
    expect(masterOf(file, "/gpu@ffe40000")).toMatchObject({ class: "gpu", coherent: true });
    expect(masterOf(file, "/vpu@ff900000")).toMatchObject({ class: "display", coherent: false });
    expect(masterOf(file, "/npu@ff100000")).toMatchObject({ class: "npu", coherent: false });
    expect(verdict(file, "/gpu@ffe40000", "/vpu@ff900000")).toBe("maintenance");
    expect(verdict(file, "/video-decoder@ff620000", "/vpu@ff900000")).toBe("direct");
  });

  test("Yoga Slim 7x: PCIe, USB, Iris and 17 DSP contexts coherent; display, Adreno, GMU, QUP and BAM not; 40 bits", () => {
    const file = "x1e80100-lenovo-yoga-slim7x.dtb";
    expect(coherent(file, "pcie")).toEqual([true, true]);
    expect(coherent(file, "usb")).toEqual([true, true, true]);
    expect(coherent(file, "codec")).toEqual([true]);
    expect(coherent(file, "dsp")).toEqual(new Array(17).fill(true));
    expect(coherent(file, "display")).toEqual([false]);
    expect(coherent(file, "gpu")).toEqual([false, false]);
    expect(coherent(file, "dma")).toEqual([false, false, false, false]);
    expect(masterOf(file, "/gpu@3d00000")?.limit).toBe(2 ** 40);
    expect(masterOf(file, "/display-controller@ae01000")?.iommus).toEqual([
      { path: "/soc@0/iommu@15000000", ids: [0x1c00] },
    ]);
    expect(boardOf(file).iommus.map((one) => [one.kind, one.enabled])).toEqual([
      ["adreno-smmu", true],
      ["mmu-500", true],
      ["smmu-v3", false],
    ]);
    expect(boardOf(file).ram).toEqual([]);
    expect(verdict(file, "/video-codec@aa00000", "/display-controller@ae01000")).toBe("maintenance");
  });

  test("Raspberry Pi 4: three views of one RAM", () => {
    const file = "bcm2711-rpi-4-b.dtb";
    expect(masterOf(file, "/hvs@7e400000")).toMatchObject({ limit: 2 ** 30, offset: -0xc000_0000 });
    expect(masterOf(file, "/pcie@7d500000")).toMatchObject({ limit: 3 * 2 ** 30, offset: 0 });
    expect(masterOf(file, "/gpu@7ec00000")).toMatchObject({ limit: null, offset: 0 });
    expect(describeMachine(treeOf(file)).cacheLine).toBe(64);
  });

  test("Raspberry Pi 5: PCIe inbound at 0x10_0000_0000, the south bridge behind it, a window onto registers", () => {
    const file = "bcm2712-rpi-5-b.dtb";
    const machine = describeMachine(treeOf(file));
    const port = machine.masters.find((one) => one.path.endsWith("/pcie@1000120000"));
    expect(port?.windows).toEqual([
      { bus: 0, cpu: 0x1f_0000_0000, size: 0x40_0000 },
      { bus: 0x10_0000_0000, cpu: 0, size: 2 ** 36 },
      { bus: 0xff_ffff_f000, cpu: 0x10_0013_0000, size: 4096 },
    ]);
    expect(masterOf(file, "/pcie@1000110000")?.offset).toBe(-0x10_0000_0000);
    expect(masterOf(file, "/usb@40200000")).toMatchObject({ limit: 2 ** 36, offset: -0x10_0000_0000 });
    expect(masterOf(file, "/isp@1000880000")).toMatchObject({ limit: 2 ** 37, offset: 0 });
  });

  test("Jetson Xavier: host1x, VIC, codecs, GPU and PCIe coherent, the display not; 39 bits through dma-mem", () => {
    const file = "tegra194-p2972-0000.dtb";
    expect(masterOf(file, "/host1x@13e00000")?.coherent).toBe(true);
    expect(masterOf(file, "/vic@15340000")).toMatchObject({ class: "2d", coherent: true });
    expect(coherent(file, "codec")).toEqual(new Array(5).fill(true));
    expect(coherent(file, "display")).toEqual(new Array(4).fill(false));
    expect(coherent(file, "gpu")).toEqual([true]);
    expect(coherent(file, "pcie")).toEqual(new Array(4).fill(true));
    expect(coherent(file, "net")).toEqual([false]);
    expect(coherent(file, "storage")).toEqual([false, false]);
    expect(masterOf(file, "/usb@3550000")?.coherent).toBe(true);
    expect(masterOf(file, "/usb@3610000")?.coherent).toBe(false);
    expect(masterOf(file, "/hda@3510000")).toMatchObject({ coherent: false, limit: 2 ** 39 });
  });

  test("Juno: coherent Mali and PCIe, HDLCD not, one IOMMU each, RAM above 32 GiB", () => {
    const file = "juno-r1.dtb";
    expect(coherent(file, "gpu")).toEqual([true]);
    expect(coherent(file, "pcie")).toEqual([true]);
    expect(coherent(file, "display")).toEqual([false, false]);
    expect(masterOf(file, "/hdlcd@7ff50000")?.iommus).toEqual([{ path: "/iommu@7fb10000", ids: [0] }]);
    expect(boardOf(file).ram.map((range) => range.base)).toEqual([0x8000_0000, 0x8_8000_0000]);
    expect(verdict(file, "/gpu@2d000000", "/hdlcd@7ff50000")).toBe("maintenance");
  });

  test("i.MX8MQ: 3 GiB at 0x4000_0000; DB845c: 36 bits; i.MX6: RAM at 0x1000_0000", () => {
    expect(masterOf("imx8mq-evk.dtb", "/gpu@38000000")).toMatchObject({ limit: 2 ** 32, offset: 0 });
    const windows = describeMachine(treeOf("imx8mq-evk.dtb")).masters.find(
      (one) => one.class === "gpu",
    )?.windows;
    expect(windows).toEqual([{ bus: 0x4000_0000, cpu: 0x4000_0000, size: 3 * 2 ** 30 }]);
    expect(masterOf("sdm845-db845c.dtb", "/gpu@5000000")?.limit).toBe(2 ** 36);
    expect(boardOf("imx6q-sabresd.dtb").ram).toEqual([{ base: 0x1000_0000, size: 2 ** 30 }]);
  });

  test("ZC702: everybody non-coherent and direct; RK3399: one IOMMU a block; a RISC-V machine", () => {
    expect(new Set(boardOf("zynq-zc702.dtb").sharing.map((one) => one.verdict))).toEqual(new Set(["direct"]));
    expect(masterOf("rk3399-rockpro64.dtb", "/vop@ff900000")?.iommus).toEqual([
      { path: "/iommu@ff903f00", ids: [] },
    ]);
    expect(masterOf("rk3399-rockpro64.dtb", "/rga@ff680000")?.iommus).toEqual([]);
    expect(describeMachine(treeOf("repnop-issue-3.dtb")).architecture).toBe("riscv");
  });
});

// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { PhysAddr } from "../../src/address.ts";
import { KernelError, linux72, linux612 } from "../../src/index.ts";
import { notingSystem } from "./noting-arch.ts";
import { narrowSystem } from "./swiotlb/narrow-system.ts";

const PAGE = 4096;
const phys = (address: number): PhysAddr => address as PhysAddr;
const system = (kernel = linux72) =>
  notingSystem(
    {
      eth: { iommu: "strict", addressBits: 32 },
      lazy: { iommu: "lazy" },
      coherent: { iommu: "strict", coherent: true },
    },
    { kernel },
  );

describe("addresses first, memory later (5.11)", () => {
  test("only behind an IOMMU, and not for nothing (I-20)", () => {
    const { dma, device, simulation } = system().system;
    expect(dma.iovaTryAlloc(device("plain"), phys(0), PAGE)).toBeNull();
    expect(dma.iovaTryAlloc(device("eth"), phys(0), 0)).toBeNull();
    expect(simulation.diagnostics.entries.map(({ rule }) => rule)).toEqual(["I-20"]);
    expect(dma.live.size).toBe(0);
  });

  test("not for a device that bounces everything", () => {
    const devices = { eth: { class: "dma", coherent: false, iommu: "strict" } } as const;
    const take = (force: boolean) => {
      const { dma, device } = narrowSystem({ devices, swiotlb: { force } }, { kernel: linux72 });
      return dma.iovaTryAlloc(device("eth"), phys(0), PAGE);
    };
    expect(take(true)).toBeNull();
    expect(take(false)?.size).toBe(PAGE);
  });

  test("Linux 6.12 does not have it", () => {
    const { dma, device } = system(linux612).system;
    expect(() => dma.iovaTryAlloc(device("eth"), phys(0), PAGE)).toThrow(
      "dma_iova_try_alloc: linux612 does not have it; Linux 6.16 on does: boot linux72",
    );
  });

  test("each piece is maintained when it is linked and unlinked, and reached in between (I-21 to I-23)", () => {
    const { calls, system: booted } = system();
    const { dma, device, dmaBuf } = booted;
    const eth = device("eth");
    const link = dma.iovaTryAlloc(eth, phys(0x5200), 2 * PAGE + 0x200) ?? expect.fail();
    expect([link.kind, link.dmaAddress % PAGE, link.size, dma.live.has(link)]).toEqual([
      "iova-link",
      0x200,
      2 * PAGE + 0x200,
      true,
    ]);
    const touch = (offset: number): number =>
      dmaBuf.transfers.accessAt(eth, link.dmaAddress + offset, 64, "write");
    expect(touch(0), "nothing is linked").toBe(0);
    link.link(phys(0x5200), 0, 0xe00, "from-device");
    link.link(phys(0x9000), 0xe00, PAGE, "from-device", { skipCpuSync: true });
    link.link(phys(0x7000), 0x1e00, 0x400, "from-device");
    expect(link.isReady(0, link.size)).toBe(false);
    link.sync(0, link.size);
    expect(link.isReady(0, link.size)).toBe(true);
    expect([touch(0), touch(0xe00), touch(0x1e00)]).toEqual([64, 64, 64]);
    link.unlink(0xe00, PAGE, "from-device", { skipCpuSync: true });
    expect([touch(0), touch(0xe00)], "flushed at once").toEqual([64, 0]);
    link.unlink(0, 0xe00, "from-device");
    link.unlink(0x1e00, 0x400, "from-device");
    link.free();
    expect(calls).toEqual([
      "for_device from-device 3584",
      "for_device from-device 1024",
      "for_cpu from-device 3584",
      "for_cpu from-device 1024",
    ]);
    expect([dma.live.size, booted.simulation.diagnostics.entries]).toEqual([0, []]);
  });

  test("destroying unlinks and frees in one, through the flush queue in lazy mode (I-23)", () => {
    const { calls, system: booted } = system();
    const { dma, device } = booted;
    const link = dma.iovaTryAlloc(device("lazy"), phys(0), 2 * PAGE) ?? expect.fail();
    link.link(phys(0x4000), 0, PAGE, "bidirectional");
    link.destroy(PAGE, "bidirectional");
    expect(calls).toEqual(["for_device bidirectional 4096", "for_cpu bidirectional 4096"]);
    expect([dma.live.size, device("lazy").iommu?.domain.flushQueue?.length]).toEqual([0, 1]);
    const empty = dma.iovaTryAlloc(device("lazy"), phys(0), PAGE) ?? expect.fail();
    empty.destroy(0, "bidirectional");
    expect(device("lazy").iommu?.domain.flushQueue?.length, "nothing to flush").toBe(1);
  });

  test("a coherent device and registers need no maintenance", () => {
    const { calls, system: booted } = system();
    for (const name of ["coherent", "eth"]) {
      const link = booted.dma.iovaTryAlloc(booted.device(name), phys(0), PAGE) ?? expect.fail();
      link.link(phys(0x4000), 0, PAGE, "bidirectional", { mmio: name === "eth" });
      link.destroy(PAGE, "bidirectional", { mmio: name === "eth" });
    }
    expect(calls).toEqual([]);
  });

  test("a later piece begins at a granule: EIO and a WARN (I-21)", () => {
    const { dma, device, simulation } = system().system;
    const link = dma.iovaTryAlloc(device("eth"), phys(0), 2 * PAGE) ?? expect.fail();
    expect(() => link.link(phys(0x4100), PAGE, 0x100, "to-device")).toThrow(KernelError);
    expect(simulation.diagnostics.entries.map(({ rule }) => rule)).toEqual(["I-21"]);
  });

  test("what is not given back is on the account, and dma-debug does not look at it", () => {
    const { dma, device, simulation } = system().system;
    const link = dma.iovaTryAlloc(device("eth"), phys(0), PAGE) ?? expect.fail();
    link.link(phys(0x4000), 0, PAGE, "to-device");
    expect([...dma.live].map(({ kind }) => kind)).toEqual(["iova-link"]);
    const names = [...simulation.trace.events()].map(({ point }) => `${point.system}:${point.name}`);
    expect(names.filter((name) => name.startsWith("dma:"))).toEqual([]);
    expect(names).toContain("iommu:map");
  });
});

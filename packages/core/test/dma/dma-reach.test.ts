// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { dmaToPhys, physToDma } from "../../src/dma/dma-window.ts";
import { type DeviceDescription, Extents, InputError, KernelError, physAddr } from "../../src/index.ts";
import { notingSystem } from "./noting-arch.ts";

const MIB = 2 ** 20;
const device = (description: Partial<DeviceDescription>) => {
  const { system } = notingSystem({ device: description });
  return { dma: system.dma, device: system.device("device") };
};
const reason = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof KernelError) return `${error.errno} ${error.reason}`;
    throw error;
  }
  return "fine";
};

describe("windows, as boards have them (D-15)", () => {
  test.each<
    [board: string, windows: DeviceDescription["windows"] & object, phys: number, bus: number | null]
  >([
    ["Pi 4, VC bus", [{ cpu: 0, bus: 0xc000_0000, size: "1GiB" }], 0x1000, 0xc000_1000],
    ["Pi 4, VC bus, beyond", [{ cpu: 0, bus: 0xc000_0000, size: "1GiB" }], 0x4000_0000, null],
    ["sunxi MBUS", [{ cpu: 0x4000_0000, bus: 0, size: "3GiB" }], 0x4000_0000, 0],
    ["MT8186 codec", [{ cpu: 0x4000_0000, bus: 0x1_0000_0000, size: "4GiB" }], 0x5000_0000, 0x1_1000_0000],
    [
      "Pi 5, PCIe, MMIO target",
      [
        { cpu: 0, bus: 0x10_0000_0000, size: "64GiB" },
        { cpu: 0x1f_0000_0000, bus: 0, size: "4MiB" },
      ],
      0x1f_0000_1000,
      0x1000,
    ],
    ["i.MX8M, above 4 GiB", [{ cpu: 0x4000_0000, bus: 0x4000_0000, size: "3GiB" }], 0x1_0000_0000, null],
  ])("%s", (_board, windows, phys, bus) => {
    const parsed = device({ windows }).device.windows;
    expect(physToDma(parsed, phys, "to-device")).toBe(bus);
    if (bus !== null) expect(dmaToPhys(parsed, bus)).toBe(phys);
  });

  test("a window through which a device can only write does not let it read", () => {
    const windows = [{ cpu: 0, bus: 0, size: "16MiB", only: "write" }] as const;
    const { dma, device: writer } = device({ windows });
    const page = Extents.of([0x1000, 0x2000]);
    expect(dma.mapSgtable(writer, page, "from-device").dmaAddresses[0]).toBe(0x1000);
    for (const direction of ["to-device", "bidirectional"] as const)
      expect(reason(() => dma.mapSgtable(writer, page, direction))).toBe(
        "EIO device cannot reach [0x1000, 0x2000): it reaches [0x0, 0x1000000) to write it",
      );
  });

  test("what cannot be is refused in one line", () => {
    const refuse = (description: Partial<DeviceDescription>) => () => device(description);
    expect(refuse({ windows: [] })).toThrow(InputError);
    expect(refuse({ windows: [] })).toThrow("devices.device.windows: a device that sees no memory");
    expect(refuse({ windows: [{ cpu: 0, bus: 0, size: 0 }] })).toThrow(
      "windows[0].size: a window cannot be empty",
    );
    expect(refuse({ windows: [{ cpu: -1, bus: 0, size: 1 }] })).toThrow(
      "windows[0].cpu: -1 is not an address",
    );
    expect(refuse({ windows: [{ cpu: 0, bus: 0, size: 1 }], limit: 4 })).toThrow(
      "leave out limit and offset",
    );
    expect(refuse({ addressBits: 65 })).toThrow("65 is not a number of bits from 1 to 64");
  });
});

describe("masks (D-12, D-13)", () => {
  test("what the driver asks for bounds mappings, byte for byte", () => {
    const { dma, device: narrow } = device({ addressBits: 64 });
    narrow.masks.set(32);
    expect(dma.mapPage(narrow, physAddr(2 ** 32 - 4096), 4096, "to-device").dmaAddress).toBe(2 ** 32 - 4096);
    expect(reason(() => dma.mapPage(narrow, physAddr(2 ** 32 - 4096), 4097, "to-device"))).toContain("EIO");
    expect(narrow.masks.coherent, "one does not change the other").toBe(2 ** 53 - 1);
    narrow.masks.setCoherent(32);
    expect(narrow.masks.coherent).toBe(2 ** 32 - 1);
  });

  test("fewer than 32 bits do when they reach all memory, else EIO and nothing changes", () => {
    const { device: narrow } = device({});
    narrow.masks.set(24);
    expect(narrow.masks.streaming).toBe(16 * MIB - 1);
    expect(reason(() => narrow.masks.setBoth(23))).toContain(
      "EIO device: 23 address bits do not reach 0xffffff",
    );
    expect(narrow.masks.streaming).toBe(16 * MIB - 1);
    expect(() => narrow.masks.set(0)).toThrow(TypeError);
  });
});

describe("a window of another device (D-9)", () => {
  test("is mapped where it is, with no maintenance", () => {
    const { system, calls } = notingSystem();
    const window = system.dma.mapResource(
      system.device("plain"),
      physAddr(0x8000_0000),
      4096,
      "bidirectional",
    );
    expect(window.dmaAddress).toBe(0x8000_0000);
    system.dma.unmapResource(window);
    expect([calls, system.dma.live.size]).toEqual([[], 0]);
  });

  test("is no RAM, and within the mask", () => {
    const { dma, device: narrow } = device({ addressBits: 32 });
    expect(reason(() => dma.mapResource(narrow, physAddr(0x1000), 4096, "to-device"))).toBe(
      "EIO 0x1000 is RAM (System RAM), map its pages",
    );
    expect(reason(() => dma.mapResource(narrow, physAddr(2 ** 32), 4096, "to-device"))).toContain(
      "cannot reach",
    );
  });
});

describe("attributes", () => {
  test("requireCoherent refuses a device that is not (D-10)", () => {
    const { dma, device: plain } = device({});
    const required = { requireCoherent: true };
    expect(reason(() => dma.mapPage(plain, physAddr(0), 64, "to-device", required))).toContain(
      "is not coherent",
    );
  });

  test("mmio gets no maintenance", () => {
    const { system, calls } = notingSystem();
    const page = system.dma.mapPage(system.device("plain"), physAddr(0), 64, "to-device", { mmio: true });
    system.dma.unmapPage(page);
    expect(calls).toEqual([]);
  });
});

describe("a part of a mapping (D-5)", () => {
  test("is synced alone", () => {
    const { system, calls } = notingSystem();
    const page = system.dma.mapPage(system.device("plain"), physAddr(0x1000), 4096, "bidirectional");
    system.dma.syncSingleForCpu(page, { offset: 128, size: 64, direction: "from-device" });
    system.dma.syncSingleForDevice(page, { offset: 4032 });
    expect(calls).toEqual([
      "for_device bidirectional 4096",
      "for_cpu from-device 64",
      "for_device bidirectional 64",
    ]);
  });
});

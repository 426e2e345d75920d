// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type SocDescription, socBoard } from "../src/index.ts";
import { machine } from "./board-under-test.ts";

const soc: SocDescription = {
  model: "Acme 1",
  ram: { base: 0, size: "16MiB" },
  cma: "4MiB",
  coherentPort: "snoop",
  masters: { 4096: { name: "usb0", bits: 32, bandwidth: "40MiB" }, 8192: { name: "usb0" } },
};
const usb = (address: number, more: object = {}) => ({
  compatible: "snps,dwc3",
  reg: [address, 16],
  ...more,
});

describe("the board of a SoC's device tree", () => {
  test("has masters by the names of the manual, or else of their nodes", () => {
    const { devices } = socBoard(
      machine({ "usb@1000": usb(0x1000), "usb@2000": usb(0x2000), "usb@3000": usb(0x3000) }),
      soc,
    );
    expect(devices).toEqual({
      usb0: { class: "usb", coherent: false, port: "direct", limit: 2 ** 32, bandwidth: "40MiB" },
      "usb0-2": { class: "usb", coherent: false, port: "direct" },
      "usb@3000": { class: "usb", coherent: false, port: "direct" },
    });
  });

  test("takes coherency from the tree, and how a coherent master does it from the SoC", () => {
    const { devices } = socBoard(machine({ "usb@3000": usb(0x3000, { "dma-coherent": true }) }), soc);
    expect(devices["usb@3000"]).toEqual({ class: "usb", coherent: true, port: "snoop" });
  });

  test("fills in what the tree leaves to the boot loader", () => {
    expect(socBoard(machine({ "usb@3000": usb(0x3000) }), soc)).toMatchObject({
      model: "Acme 1",
      memory: [{ base: 0, size: "16MiB" }],
      pools: [{ kind: "cma", size: "4MiB" }],
    });
    const own = socBoard(
      machine({
        model: "Acme 1 board",
        memory: { device_type: "memory", reg: [0, 0x4000_0000] },
        "reserved-memory": { ranges: true, "cut@100000": { reg: [0x10_0000, 0x1000], "no-map": true } },
        "usb@3000": usb(0x3000),
      }),
      soc,
    );
    expect(own.model).toBe("Acme 1 board");
    expect(own.memory).toEqual([{ base: 0, size: 2 ** 30 }]);
    expect(own.pools).toEqual([
      { kind: "carve-out", base: 0x10_0000, size: 0x1000, name: "cut@100000" },
      { kind: "cma", size: "4MiB" },
    ]);
  });

  test("gives each range of a reserved region a name of its own, so that it runs", () => {
    const { pools } = socBoard(
      machine({
        "reserved-memory": {
          ranges: true,
          "cut@100000": { reg: [0x10_0000, 0x1000, 0x20_0000, 0x1000], "no-map": true },
        },
        "usb@3000": usb(0x3000),
      }),
      soc,
    );
    expect(pools?.map(({ name }) => name)).toEqual(["cut@100000", "cut@100000-2", undefined]);
  });

  test("bounces all DMA of a master that names a restricted pool (D-47)", () => {
    const pooled = (size: number) =>
      socBoard(
        machine({
          "reserved-memory": {
            ranges: true,
            "wifi@400000": { compatible: "restricted-dma-pool", reg: [0x40_0000, size], phandle: 3 },
          },
          "usb@3000": usb(0x3000, { "memory-region": 3 }),
        }),
        soc,
      );
    const { devices, pools } = pooled(0x4_0000);
    expect(devices["usb@3000"]).toMatchObject({ restrictedPool: "wifi@400000" });
    expect(pools?.[0]).toEqual({
      ...{ kind: "restricted", base: 0x40_0000, size: 0x4_0000, name: "wifi@400000" },
    });
    // Too small for a bounce buffer of 256 KiB.
    expect(pooled(0x1000).pools?.[0]).toMatchObject({ kind: "carve-out" });
    expect(pooled(0x1000).devices["usb@3000"]).not.toHaveProperty("restrictedPool");
  });

  test("needs masters", () => {
    expect(() => socBoard(machine({}), soc)).toThrow(
      'board "Acme 1": devices: a board needs at least one device',
    );
  });
});

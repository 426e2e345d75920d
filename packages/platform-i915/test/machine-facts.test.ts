// SPDX-License-Identifier: MIT
import { type Port, parseSize } from "@dmabuf/core";
import type { CacheLevel } from "@dmabuf/exporter-i915";
import { describe, expect, test } from "vitest";
import { i915, type MachineName, machines } from "../src/index.ts";

/** What i915_pci.c says of each machine, and what its masters' accesses look into: typed from there, not from the source. */
interface Row {
  readonly machine: MachineName;
  readonly llc: boolean;
  readonly snoopBit: boolean;
  readonly maskBits: number;
  readonly ppgttBits: number;
  /** Cache level, whether the GPU sees the CPUs' lines under it, and whether its writes may stay in the CPUs' cache. */
  readonly levels: readonly (readonly [CacheLevel, sees: boolean, stays: boolean])[];
  readonly byDefault: CacheLevel;
  readonly cameraSees: boolean;
}

const rows: readonly Row[] = [
  {
    ...{ machine: "skylake", llc: true, snoopBit: false, maskBits: 39, ppgttBits: 48 },
    levels: [
      ["none", true, false],
      ["llc", true, true],
      ["wt", true, false],
    ],
    ...{ byDefault: "llc", cameraSees: true },
  },
  {
    ...{ machine: "baytrail", llc: false, snoopBit: true, maskBits: 40, ppgttBits: 31 },
    levels: [
      ["none", false, false],
      ["snooped", true, false],
    ],
    ...{ byDefault: "none", cameraSees: true },
  },
  {
    ...{ machine: "broxton", llc: false, snoopBit: true, maskBits: 39, ppgttBits: 48 },
    levels: [
      ["none", false, false],
      ["snooped", true, false],
    ],
    ...{ byDefault: "none", cameraSees: false },
  },
  {
    ...{ machine: "meteorlake", llc: false, snoopBit: true, maskBits: 46, ppgttBits: 48 },
    levels: [
      ["none", false, false],
      ["snooped", true, false],
    ],
    ...{ byDefault: "none", cameraSees: false },
  },
];

const portThat = (sees: boolean, stays: boolean): Port =>
  stays ? "snoop-allocate" : sees ? "snoop" : "direct";

test("every machine has its row", () => {
  expect(rows.map(({ machine }) => machine)).toEqual(Object.keys(machines));
});

describe.each(rows)("$machine", ({ machine, ...row }) => {
  const { board, gpu: graphics } = machines[machine];
  const { gpu, display, camera, usb0, nvme0 } = board.devices;

  test("its GPU has the cache levels, and each the port, that the machine gives them", () => {
    expect([graphics.llc, graphics.levels.snooped !== undefined]).toEqual([row.llc, row.snoopBit]);
    expect(graphics.levels).toEqual(
      Object.fromEntries(row.levels.map(([level, sees, stays]) => [level, portThat(sees, stays)])),
    );
    expect(gpu?.port).toBe(graphics.levels[row.byDefault]);
    expect(graphics.ppgtt).toBe(2 ** row.ppgttBits);
  });

  test("its display never snoops, its other masters do", () => {
    expect(display?.port).toBe("direct");
    expect([usb0?.port, nvme0?.port]).toEqual(["snoop", "snoop"]);
    expect(camera?.port).toBe(portThat(row.cameraSees, false));
  });

  test("GPU and display are one PCI function with one mask, and whatever they do is coherent for Linux", () => {
    for (const device of [gpu, display]) {
      expect(device).toMatchObject({ function: "0000:00:02.0", coherent: true, limit: 2 ** row.maskBits });
    }
    expect(Object.values(board.devices).map(({ coherent }) => coherent)).toEqual(Array(5).fill(true));
    expect([camera, usb0, nvme0].map((device) => device?.function)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("stolen memory is the top of low RAM, and out of everybody's allocations", () => {
    const [low, high] = board.memory;
    const [stolen] = board.pools ?? [];
    expect(stolen).toMatchObject({ kind: "carve-out", name: graphics.stolen });
    expect((stolen?.base ?? 0) + parseSize(stolen?.size ?? 0)).toBe(
      (low?.base ?? 0) + parseSize(low?.size ?? 0),
    );
    if (high === undefined) return;
    expect(high.base).toBe(2 ** 32);
    expect(high.base + parseSize(high.size)).toBeLessThan(2 ** row.maskBits);
  });

  test("it boots", () => {
    expect(i915(machine).board.model).toMatch(/^Intel /);
    expect(i915(machine).exporterNames).toEqual(expect.arrayContaining(["i915", "udmabuf", "system"]));
    expect([...i915(machines[machine]).boot().devices.keys()]).toEqual([
      ...["gpu", "display", "camera", "usb0", "nvme0"],
    ]);
  });
});

test("a machine that there is not is refused with the nearest name", () => {
  expect(() => i915("skylark" as MachineName)).toThrow('no machine "skylark"; did you mean "skylake"?');
  expect(() => i915("toString" as MachineName)).toThrow(/^no machine "toString"; known: skylake/);
});

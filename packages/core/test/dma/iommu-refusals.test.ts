// SPDX-License-Identifier: MIT
import { expect, test, vi } from "vitest";
import { Extents, KernelError } from "../../src/index.ts";
import { translatedSystem } from "./translated.ts";

test("a list of which the tables refuse a part leaves nothing mapped and nothing in the TLB (I-9, M-15)", () => {
  const { dma, device } = translatedSystem({ behind: { addressBits: 32 } });
  const { table } = device("behind").iommu?.domain ?? expect.fail();
  const flush = vi.spyOn(table, "flush");
  const real = table.map.bind(table);
  let calls = 0;
  table.map = (...of) => {
    if (++calls === 2) throw new KernelError("ENOMEM", "iommu_map", "no table");
    real(...of);
  };
  const extents = Extents.each([0x3000, 0x9000], [0x4000, 0xa000]);
  expect(() => dma.mapSgtable(device("behind"), extents, "to-device")).toThrow("-EINVAL");
  expect(flush.mock.calls).toEqual([[0xffff_e000, 0x1000]]);
  expect(table.lookup(0xffff_e000 as never)).toBeNull();
});

test("a device has no addresses below 0: one line says so", () => {
  const { dmaBuf, device } = translatedSystem({ behind: { addressBits: 32 } });
  for (const address of [-4096, Number.NaN])
    expect(() => dmaBuf.transfers.accessAt(device("behind"), address, 64, "read")).toThrow(
      `behind: ${address} is not an address that it can use`,
    );
});

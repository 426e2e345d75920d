// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { assemble, board, definePlugin, Extents } from "../../../src/index.ts";
import { untranslated } from "../../../src/iommu/translation.ts";
import { toyArch } from "../../../src/testing.ts";
import { HIGH, narrowBoard, PAGE } from "./narrow-system.ts";

/** An IOMMU that lets everybody through, and notes what comes by. */
function passing(): { readonly seen: number[]; readonly plugin: ReturnType<typeof definePlugin> } {
  const seen: number[] = [];
  const translate = (address: number) => {
    seen.push(address);
    return untranslated(address);
  };
  const unit = {
    kind: "passing",
    allocateDomain: () => {
      throw new TypeError("it has no domains");
    },
    attach: () => {},
    translation: () => ({ translate }),
    defaultDomainType: () => "identity" as const,
  };
  return { seen, plugin: definePlugin({ name: "passing", provides: { iommus: { iommu: () => unit } } }) };
}

test("behind an IOMMU that lets it through a device bounces as without one, and its slots are what the IOMMU sees", () => {
  const { seen, plugin } = passing();
  const narrow = { ...narrowBoard.devices["narrow"], iommu: { unit: "iommu", ids: [1] } } as const;
  const devices = { narrow: { ...narrow, class: "usb", coherent: false } };
  const system = assemble(board({ ...narrowBoard, devices }), [toyArch(), plugin]).boot();
  const { dma, device, memory } = system;
  const usb = device("narrow");
  expect(usb.iommu).toBeNull();
  const mapping = dma.mapSgtable(usb, Extents.of([PAGE, 2 * PAGE], [HIGH, HIGH + PAGE]), "to-device");
  const pool = memory.swiotlb?.base ?? 0;
  expect([...mapping.dmaAddresses]).toEqual([PAGE, pool]);
  const access = { kind: "read", offset: 0, event: -1 } as const;
  const reached = mapping.placement.reached(mapping.extents, usb.route, access);
  expect(seen).toEqual([PAGE, pool]);
  expect(reached.map(({ extents }) => [...extents.pairs])).toEqual([
    [PAGE, 2 * PAGE],
    [HIGH, HIGH + PAGE],
  ]);
  expect(reached.map(({ route }) => route.domain?.slot?.name ?? route.kind)).toEqual([
    "direct",
    "narrow's bounce buffer",
  ]);
});

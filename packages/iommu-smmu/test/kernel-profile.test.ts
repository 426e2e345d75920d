// SPDX-License-Identifier: MIT
import {
  assemble,
  board,
  dmaAddr,
  type KernelProfile,
  linux72,
  linux612,
  type Plugin,
  physAddr,
} from "@dmabuf/core";
import { IommuProt } from "@dmabuf/core/iommu";
import { toyArch } from "@dmabuf/core/testing";
import { expect, test } from "vitest";
import { smmuV2, smmuV3 } from "../src/index.ts";

const BLOCK = 0x20_0000;
const AT = dmaAddr(0x4000_0000);

/** What unmapping the second page of a block takes out, and what is left before and behind it. */
function partly(plugin: Plugin, kernel: KernelProfile): readonly (number | null)[] {
  const dma = { class: "dma", coherent: false, iommu: { unit: "smmu", ids: [1] } } as const;
  const machine = board({ model: "b", memory: [{ base: 0, size: "16MiB" }], devices: { dma } });
  const table = assemble(machine, [toyArch(), plugin]).boot({ kernel }).iommu("smmu").allocateDomain();
  table.map(AT, physAddr(BLOCK), BLOCK, IommuProt.READ);
  const unmapped = table.unmap(dmaAddr(AT + 4096), 4096);
  return [unmapped, ...[0, 4096, 8192].map((offset) => table.lookup(dmaAddr(AT + offset)))];
}

test.each([
  ["SMMUv2", smmuV2("smmu")],
  ["SMMUv3", smmuV3("smmu")],
])("a part of a block splits it up to 6.13, and is refused from 6.14 on: %s (M-26)", (_, plugin) => {
  expect(partly(plugin, linux612)).toEqual([4096, BLOCK, null, BLOCK + 8192]);
  expect(partly(plugin, linux72)).toEqual([0, BLOCK, BLOCK + 4096, BLOCK + 8192]);
});

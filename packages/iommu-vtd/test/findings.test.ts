// SPDX-License-Identifier: MIT
// A driver at work through the DMA API, and what an inspection says: what the IOMMU's driver forgets becomes a finding.
import {
  assemble,
  type BoardDescription,
  Extents,
  type Finding,
  type Process,
  type System,
} from "@dmabuf/core";
import { toyArch } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { type VtdOptions, vtd } from "../src/index.ts";
import { GPU } from "./machine.ts";

const board = (domain: "strict" | "lazy"): BoardDescription => ({
  model: "a machine",
  memory: [{ base: 0, size: "64MiB" }],
  devices: { gpu: { class: "gpu", coherent: true, iommu: { unit: "dmar0", ids: [GPU], domain } } },
});

/** Maps a page, has the GPU use it, unmaps it, and so on with another page; the second time the address is the same. */
function* twice({ dma, memory, cpu, dmaBuf, device }: System): Process {
  const gpu = device("gpu");
  for (let i = 0; i < 2; i++) {
    const page = memory.pages.allocatePages(0) ?? expect.fail();
    cpu.access("write", Extents.of([page, page + 4096]));
    const mapping = dma.mapPage(gpu, page, 4096, "to-device");
    dmaBuf.transfers.accessAt(gpu, mapping.dmaAddress, 4096, "read");
    yield* cpu.settle();
    dma.unmapPage(mapping);
  }
}

const inspected = (options: VtdOptions, domain: "strict" | "lazy" = "strict"): readonly Finding[] =>
  assemble(board(domain), [toyArch(), vtd("dmar0", options)]).inspect(twice).findings;
const errors = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity === "error").map(({ code, message }) => `${code}: ${message}`);

describe.each<VtdOptions>([{}, { mode: "scalable" }, { coherentWalk: true }, { cachingMode: true }])(
  "with %o",
  (options) => {
    test("nothing is wrong with a driver that forgets nothing, strict or lazy", () => {
      expect(errors(inspected(options))).toEqual([]);
      expect(errors(inspected(options, "lazy"))).toEqual([]);
    });
  },
);

test.each([
  [
    { omits: ["iotlb_inv_dsc"] },
    /^stale-translation: .*iotlb_inv_dsc page-selective of 0x\w+ for domain 2, inv_wait_dsc/,
  ],
  [{ mode: "scalable", omits: ["p_iotlb_inv_dsc"] }, /^stale-translation: .*p_iotlb_inv_dsc/],
  [{ omits: ["inv_wait_dsc"] }, /^stale-translation: .*inv_wait_dsc after iotlb_inv_dsc/],
  [
    { deviceTlb: [GPU], omits: ["dev_tlb_inv_dsc"] },
    /^stale-translation: .*dev_tlb_inv_dsc of 0x\w+ for 00:02.0/,
  ],
] satisfies [VtdOptions, RegExp][])(
  "a driver with %o lets the GPU reach the page before",
  (options, message) => {
    expect(errors(inspected(options))[0]).toMatch(message);
  },
);

test("a driver without clflush writes entries that a walker which does not snoop reads past the caches", () => {
  for (const mode of ["legacy", "scalable"] as const) {
    const found = errors(inspected({ mode, omits: ["clflush"] }));
    expect(
      found.some((text) => /^stale-read: .*dmar0/.test(text)),
      found.join("\n"),
    ).toBe(true);
    expect(errors(inspected({ mode, coherentWalk: true, omits: ["clflush"] }))).toEqual([]);
  }
});

test("a device that goes on after unmap is refused, with the reason of the architecture", () => {
  function* late({ dma, memory, dmaBuf, device }: System): Process {
    const gpu = device("gpu");
    const page = memory.pages.allocatePages(0) ?? expect.fail();
    const mapping = dma.mapPage(gpu, page, 4096, "to-device");
    expect(dmaBuf.transfers.accessAt(gpu, mapping.dmaAddress, 4096, "write")).toBe(0);
    dma.unmapPage(mapping);
    expect(dmaBuf.transfers.accessAt(gpu, mapping.dmaAddress, 4096, "read")).toBe(0);
    yield 0;
  }
  const { findings } = assemble(board("strict"), [toyArch(), vtd("dmar0")]).inspect(late);
  expect(errors(findings)).toEqual([
    "iommu-fault: the IOMMU refuses gpu to write 0xfffffffff000: fault reason 0x05: no write permission in the paging entry",
    "iommu-fault: the IOMMU refuses gpu to read 0xfffffffff000: fault reason 0x06: no read permission in the paging entry, level 1",
  ]);
});

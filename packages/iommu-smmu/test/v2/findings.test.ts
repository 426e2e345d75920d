// SPDX-License-Identifier: MIT
// What a user is told: the SMMU's words in the findings of a run.
import { assemble, type Finding, type System } from "@dmabuf/core";
import { toyArch } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { smmuV2 } from "../../src/index.ts";
import type { SmmuV2Options } from "../../src/v2/smmu-v2-options.ts";

/** Runs on a machine with two devices behind an SMMU; what is found, by code. */
function found(
  options: SmmuV2Options,
  run: (system: System) => void,
  ids: readonly [number, number] = [0x860, 0xce3],
): Map<string, Finding> {
  const device = (id: number) =>
    ({ class: "dma", coherent: false, iommu: { unit: "smmu", ids: [id] } }) as const;
  const board = {
    model: "two devices",
    memory: [{ base: 0, size: "64MiB" }],
    devices: { usb0: device(ids[0]), display: device(ids[1]) },
  } as const;
  const { findings } = assemble(board, [toyArch(), smmuV2("smmu", options)]).inspect(function* (system) {
    run(system);
    yield 0;
  });
  return new Map(findings.map((finding) => [finding.code, finding]));
}

/** Maps a page for the USB controller, lets it work, unmaps it, and lets it work on. */
function workOn({ dma, device, memory, dmaBuf }: System): void {
  const page = memory.pages.allocatePages(0);
  if (page === null) throw new TypeError("the board has no memory");
  const usb = device("usb0");
  const mapping = dma.mapPage(usb, page, 4096, "from-device");
  dmaBuf.transfers.accessAt(usb, mapping.dmaAddress, 4096, "write");
  dma.unmapPage(mapping);
  dmaBuf.transfers.accessAt(usb, mapping.dmaAddress, 4096, "write");
  memory.pages.freePages(page, 0);
}

describe("a device that works on after its page was unmapped", () => {
  test("is an iommu-fault with the context bank's registers", () => {
    const findings = found({}, workOn);
    expect(findings.get("iommu-fault")?.message).toBe(
      "the IOMMU refuses usb0 to write 0xfffffffff000: TF (translation fault) at level 3 in context bank 0: FSR 0x402, FSYNR0 0x13",
    );
    expect(findings.has("stale-translation")).toBe(false);
    expect(findings.has("stale-read")).toBe(false);
  });

  test.each([
    ["TLBIVAL", "TLBIVAL of 0xfffffffff000 for ASID 0, TLBSYNC"],
    ["TLBSYNC", "TLBSYNC of context bank 0"],
  ] as const)("is a stale-translation without %s, and the fix is its name", (omission, fix) => {
    const stale = found({ omits: [omission] }, workOn).get("stale-translation");
    expect(stale?.fix).toEqual([fix]);
    expect(stale?.device).toBe("usb0");
  });
});

test("tables that are not cleaned are a stale read of the walker", () => {
  const stale = found({ omits: ["sync_pte"] }, workOn).get("stale-read");
  expect(stale?.message).toMatch(/^the table walker of smmu reads the descriptors/);
  expect(found({ omits: ["sync_pte"], coherentWalk: true }, workOn).has("stale-read")).toBe(false);
});

test("two devices of which one is behind the other's mask are not isolated", () => {
  const aliased = found({}, workOn, [0xf_0860, 0x863]).get("not-isolated");
  expect(aliased?.message).toMatch(/^smmu does not tell usb0, display apart by their ids, such as 0xf0860:/);
  expect(found({}, workOn).has("not-isolated")).toBe(false);
});

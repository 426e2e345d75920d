// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { assemble, definePlugin, type System } from "../../src/index.ts";
import { type DeviceTranslation, PlainTable, untranslated } from "../../src/iommu.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";

/** A device behind an IOMMU that answers so. */
function behind(translate: DeviceTranslation["translate"]): System {
  const unit = {
    kind: "answering",
    allocateDomain: () => new PlainTable(),
    attach() {},
    translation: () => ({ translate }),
  };
  const devices = { eth: { class: "net", coherent: false, iommu: { unit: "mmu", ids: [1] } } } as const;
  const board = { model: "answers", memory: [{ base: 0, size: "16MiB" }], devices } as const;
  return assemble(board, [
    toyArch(),
    definePlugin({ name: "answering", provides: { iommus: { mmu: () => unit } } }),
  ]).boot();
}

test("an IOMMU whose answer holds for nothing is told so, and the transfer does not go on for ever", () => {
  const system = behind((address) => ({ ...untranslated(address), end: address }));
  expect(() => system.dmaBuf.transfers.accessAt(system.device("eth"), 0x5000, 64, "read")).toThrow(
    "eth: the answer for 0x5000 holds for nothing",
  );
});

test("past the addresses of any bus nothing is reached", () => {
  const system = behind((address) => untranslated(address));
  const reach = (address: number): number =>
    system.dmaBuf.transfers.accessAt(system.device("eth"), address, 128, "read");
  expect([reach(0x5000), reach(2 ** 52 - 64), reach(2 ** 52)]).toEqual([128, 64, 0]);
});

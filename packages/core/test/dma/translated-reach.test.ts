// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { assemble, definePlugin, type System } from "../../src/index.ts";
import { carrying, type DeviceTranslation, PlainTable, refused, untranslated } from "../../src/iommu.ts";
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

test("what an engine does for somebody carries his PASID to the IOMMU on the bus, and other accesses none", () => {
  const heard: unknown[] = [];
  const system = behind((address, _access, substream) => {
    heard.push(substream);
    return substream === 2 ? refused("not his", address) : untranslated(address);
  });
  const { transfers } = system.dmaBuf;
  const eth = system.device("eth");
  expect(transfers.accessAt(eth, 0x5000, 64, "write", carrying(1))).toBe(64);
  expect(transfers.accessAt(eth, 0x5000, 64, "write", carrying(2))).toBe(0);
  expect(transfers.accessAt(eth, 0x5000, 64, "write")).toBe(64);
  expect(heard).toEqual([1, 2, undefined]);
});

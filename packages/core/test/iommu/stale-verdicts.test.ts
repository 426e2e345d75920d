// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { dmaAddr, physAddr } from "../../src/address.ts";
import { assemble, definePlugin, type Finding, type Process, type System } from "../../src/index.ts";
import { IommuProt, type IommuUnit, PlainTable } from "../../src/iommu.ts";
import { toyArch } from "../../src/testing/toy-arch.ts";
import { ToyUnit } from "./toy-unit.ts";

const PAGE = 4096;
const MS = 1_000_000;

/** A driver that never invalidates anything. */
class Forgetful extends ToyUnit {
  protected override invalidate(): void {}
  protected override invalidateAll(): void {}
}

function platformOf(
  domain: "strict" | "lazy",
  make: (...of: ConstructorParameters<typeof ToyUnit>) => IommuUnit,
) {
  const eth = { class: "net", coherent: true, iommu: { unit: "mmu", ids: [1], domain } } as const;
  const board = { model: "stale", memory: [{ base: 0, size: "16MiB" }], devices: { eth } } as const;
  const plugin = definePlugin({ name: "toy", provides: { iommus: { mmu: (services) => make(services) } } });
  return assemble(board, [toyArch(), plugin]);
}

const codesOf = (findings: readonly Finding[]): string[] =>
  findings.map(({ code, fix }) => `${code}: ${fix[0]}`);

const mapped = ({ dma, device }: System, phys: number) =>
  dma.mapPage(device("eth"), physAddr(phys), PAGE, "from-device");
const touch = ({ dmaBuf, device }: System, address: number): number =>
  dmaBuf.transfers.accessAt(device("eth"), address, 64, "write");

describe("in lazy mode", () => {
  test("what waits for its flush is the device's fault, what was forgotten is the IOMMU driver's (I-5)", () => {
    const { findings } = platformOf("lazy", (services) => new Forgetful(services)).inspect(
      function* (system): Process<void> {
        const first = mapped(system, 0x40_0000);
        touch(system, first.dmaAddress);
        system.dma.unmapPage(first);
        touch(system, first.dmaAddress);
        yield 10 * MS;
        // The queue was flushed, so the address is handed out again; what the TLB has of it should be gone.
        const second = mapped(system, 0x50_0000);
        expect(second.dmaAddress).toBe(first.dmaAddress);
        touch(system, second.dmaAddress);
        system.dma.unmapPage(second);
      },
    );
    const address = "0xfffff000";
    expect(codesOf(findings)).toEqual([
      "dma-api-misuse: stop the device before unmapping; only iommu.strict=1 keeps it out from then on",
      `stale-translation: an invalidation of ${address}`,
    ]);
  });
});

describe("a device whose driver manages addresses by itself", () => {
  test("is not one that uses the DMA API since something was stale (M-4)", () => {
    const { findings } = platformOf("lazy", (services) => new ToyUnit(services)).inspect(
      function* (system): Process<void> {
        const group = system.iommuGroup("eth");
        if (group === null) throw new TypeError("no group");
        group.claim();
        const own = group.unit.allocateDomain();
        group.attach(own);
        own.map(dmaAddr(0x1000), physAddr(0x40_0000), PAGE, IommuProt.READ | IommuProt.WRITE);
        touch(system, 0x1000);
        own.unmap(dmaAddr(0x1000), PAGE);
        touch(system, 0x1000);
        expect(group.usesDmaApi).toBe(false);
        yield 0;
      },
    );
    expect(codesOf(findings)).toEqual(["stale-translation: an invalidation of 0x1000"]);
  });
});

describe("two instructions that were forgotten", () => {
  test("are two findings, and one that is forgotten again and again is one", () => {
    const words = ["TLBI of 0x1000", "TLBI of 0x2000", "CFGI of 1"];
    let at = 0;
    const table = new PlainTable({ end: 2 ** 32 });
    const unit: IommuUnit = {
      kind: "forgetful",
      allocateDomain: () => table,
      attach() {},
      translation: () => ({
        translate: (address) => ({
          ...{ fault: null, address, end: address + PAGE, snooping: "device" },
          missing: words[at++] ?? null,
        }),
      }),
    };
    const { findings } = platformOf("strict", () => unit).inspect(function* (system): Process<void> {
      for (const address of [0x1000, 0x2000, 0x3000]) touch(system, address);
      yield 0;
    });
    expect(findings.map(({ fix, count }) => [fix[0], count])).toEqual([
      ["TLBI of 0x1000", 2],
      ["CFGI of 1", 1],
    ]);
  });
});

// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { Extents, type Finding, type Process, type System } from "../../src/index.ts";
import { translatedPlatform } from "./translated.ts";

const MS = 1_000_000;
const whole = (page: number): Extents => Extents.of([page, page + 4096]);

/** What a process on a board with the device `eth`, and what an inspection says of it. */
function inspected(
  iommu: "strict" | "lazy",
  process: (system: System) => Process,
  given: { coherent?: boolean } = {},
): readonly Finding[] {
  return translatedPlatform({ eth: { class: "net", iommu, addressBits: 32, ...given } }).inspect(process)
    .findings;
}

/** A driver that unmaps its page and frees it while the device still writes there; `later` ns pass in between. */
function* forgetful(system: System, later: number, reached: number[]): Process {
  const { dma, memory, dmaBuf, cpu } = system;
  const eth = system.device("eth");
  const page = memory.pages.allocatePages(0) ?? expect.fail();
  const mapping = dma.mapPage(eth, page, 4096, "from-device");
  dmaBuf.transfers.accessAt(eth, mapping.dmaAddress, 4096, "write");
  yield* cpu.settle();
  dma.unmapPage(mapping);
  const unmapped = system.simulation.now;
  memory.pages.freePages(page, 0);
  const next = memory.pages.allocatePages(0) ?? expect.fail();
  expect(next, "somebody else has the page now").toBe(page);
  cpu.access("write", whole(next));
  yield* cpu.settle();
  yield Math.max(0, unmapped + later - system.simulation.now);
  reached.push(dmaBuf.transfers.accessAt(eth, mapping.dmaAddress, 4096, "write"));
  cpu.access("read", whole(next));
  yield* cpu.settle();
  memory.pages.freePages(next, 0);
}

describe("a device that goes on after unmap (G.9)", () => {
  test("strict: the IOMMU refuses it, and nobody's data is touched", () => {
    const reached: number[] = [];
    const findings = inspected("strict", (system) => forgetful(system, 0, reached));
    expect(reached).toEqual([0]);
    const errors = findings.filter(({ severity }) => severity === "error");
    expect(errors.map(({ code, device, message }) => [code, device, message])).toEqual([
      ["iommu-fault", "eth", "the IOMMU refuses eth to write 0xfffff000: not mapped"],
    ]);
  });

  test("lazy: it gets through to the page's next owner, whose data is lost (X-23)", () => {
    const reached: number[] = [];
    const findings = inspected("lazy", (system) => forgetful(system, 0, reached));
    expect(reached).toEqual([4096]);
    const codes = findings.map(({ code }) => code);
    expect(codes.some((code) => ["stale-read", "lost-write"].includes(code))).toBe(true);
    const misuse = findings.find(({ code }) => code === "dma-api-misuse");
    expect(misuse?.message).toMatch(
      /^write of eth: 0xfffff000 is unmapped, but the TLB still has it: .*\(X-23\)$/,
    );
    expect(codes).not.toContain("iommu-fault");
  });

  test("lazy: a flush, 10 ms after the first unmap, ends it (I-5)", () => {
    const until: Record<number, number> = {};
    for (const later of [10 * MS - 1, 10 * MS]) {
      const reached: number[] = [];
      const findings = inspected("lazy", (system) => forgetful(system, later, reached), { coherent: true });
      until[later - 10 * MS] = reached[0] ?? -1;
      expect(findings.some(({ code }) => code === "iommu-fault")).toBe(later === 10 * MS);
    }
    expect(until).toEqual({ [-1]: 4096, 0: 0 });
  });

  test("lazy: so does a queue that is full, at the 256th unmap (I-5)", () => {
    const { dma, dmaBuf, device } = translatedPlatform({ eth: { iommu: "lazy" } }).boot();
    const eth = device("eth");
    const first = dma.mapPage(eth, 0x1000 as never, 4096, "from-device");
    const touch = (): number => dmaBuf.transfers.accessAt(eth, first.dmaAddress, 64, "write");
    touch();
    dma.unmapPage(first);
    for (let unmapped = 2; unmapped <= 255; unmapped++) {
      dma.unmapPage(dma.mapPage(eth, 0x2000 as never, 4096, "from-device"));
    }
    expect([touch(), eth.iommu?.domain.flushQueue?.length]).toEqual([64, 255]);
    dma.unmapPage(dma.mapPage(eth, 0x2000 as never, 4096, "from-device"));
    expect([touch(), eth.iommu?.domain.flushQueue?.length]).toEqual([0, 1]);
  });

  test("lazy: power off ends the queue, and the simulation ends", () => {
    const system = translatedPlatform({ eth: { iommu: "lazy" } }).boot();
    const { dma, device, simulation } = system;
    dma.unmapPage(dma.mapPage(device("eth"), 0x1000 as never, 4096, "from-device"));
    system[Symbol.dispose]();
    expect(simulation.run().time).toBe(0);
  });
});

describe("faults", () => {
  function* faulty({ dma, dmaBuf, device }: System): Process {
    const eth = device("eth");
    const mapping = dma.mapPage(eth, 0x1000 as never, 4096, "to-device");
    const { accessAt } = { accessAt: dmaBuf.transfers.accessAt.bind(dmaBuf.transfers) };
    expect(accessAt(eth, mapping.dmaAddress, 64, "write")).toBe(0);
    expect(accessAt(eth, mapping.dmaAddress + 4000, 200, "read"), "up to the end of the granule").toBe(96);
    expect(accessAt(eth, 2 ** 48, 64, "read")).toBe(0);
    expect(accessAt(eth, 2 ** 48 + 4096, 64, "read")).toBe(0);
    dma.unmapPage(mapping);
    yield 0;
  }

  test("say who, where, what and why, each kind once", () => {
    const found = inspected("strict", faulty).filter(({ code }) => code === "iommu-fault");
    expect(found.map(({ message, count, stage, fix }) => [message, count, stage, fix.length])).toEqual([
      ["the IOMMU refuses eth to write 0xfffff000: no permission", 1, "main", 1],
      ["the IOMMU refuses eth to read 0x100000000: not mapped", 1, "main", 1],
      ["the IOMMU refuses eth to read 0x1000000000000: beyond the table", 2, "main", 1],
    ]);
  });

  test("are the kernel's event", () => {
    const system = translatedPlatform({ eth: { class: "net" } }).boot();
    system.dmaBuf.transfers.accessAt(system.device("eth"), 0x5000, 64, "write");
    const events = [...system.simulation.trace.events()].map(String);
    expect(events).toContain("io_page_fault: device=eth driver=net iova=0x5000 flags=1");
  });

  test("without an IOMMU the bus decides: what no window shows reaches nothing, and is noted (X-23)", () => {
    const platform = translatedPlatform({ eth: { iommu: null, offset: 0x1000, limit: "1MiB" } });
    const { findings } = platform.inspect(function* ({ device, dmaBuf }) {
      const eth = device("eth");
      expect(dmaBuf.transfers.accessAt(eth, 0x2000, 64, "read")).toBe(64);
      expect(dmaBuf.transfers.accessAt(eth, 0x10_0000, 64, "read")).toBe(0);
      yield 0;
    });
    expect(findings.map(({ code, message }) => [code, message])).toEqual([
      ["dma-api-misuse", "read of eth: its bus shows no memory at [0x100000, 0x100040) (X-23)"],
    ]);
  });
});

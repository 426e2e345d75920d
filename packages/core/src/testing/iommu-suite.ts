// SPDX-License-Identifier: MIT
import { dmaAddr, physAddr } from "../address.ts";
import { KernelError } from "../error.ts";
import { IommuProt } from "../iommu/iommu-prot.ts";
import type { IommuTable } from "../iommu/iommu-table.ts";
import type { Plugin } from "../platform/plugin.ts";
import { IommuFixture, type IommuSuiteOptions, mapIn, READ_WRITE, takeOut } from "./iommu-fixture.ts";
import { demand, type SuiteTest } from "./suite-test.ts";

const { READ, WRITE } = IommuProt;
/** Where the suite maps: within 32 bits, and past the null page of IOMMUs that have one. */
const AT = 0x4000_0000;

/**
 * What every IOMMU owes the devices behind it and the kernel in front, as tests for any runner.
 * @param make the plugin, with an IOMMU of that name; called for every system
 * @see struct iommu_ops, struct iommu_domain_ops
 */
export function iommuSuite(make: (name: string) => Plugin, options: IommuSuiteOptions = {}): SuiteTest[] {
  const { permissions = "read-and-write", identity = true, contexts = true, oneDomain = false } = options;
  const fixture = (): IommuFixture => new IommuFixture(make, options);
  const tests: SuiteTest[] = [
    {
      name: "lets a device reach what is mapped, byte by byte, and nothing beside it",
      run() {
        const iommu = fixture();
        const table = iommu.domain();
        const { granule } = table;
        mapIn(table, AT, 0x10_0000, 2 * granule);
        demand(iommu.reach(AT) === 0x10_0000, "the first byte is not where it was mapped");
        const last = 2 * granule - 1;
        demand(iommu.reach(AT + last) === 0x10_0000 + last, "the last byte is not where it was mapped");
        demand(iommu.reach(AT - 1) === null, "the byte before is reached");
        demand(iommu.reach(AT + 2 * granule) === null, "the byte behind is reached");
        demand(table.lookup(dmaAddr(AT + 1)) === 0x10_0001, "the tables do not say what was mapped");
      },
    },
    {
      name: "says how far an answer holds, and it holds that far",
      run() {
        const iommu = fixture();
        const table = iommu.domain();
        const { granule } = table;
        const [size, pages] = [0x40_0000, 8];
        const end = AT + size + pages * granule;
        mapIn(table, AT, 0x40_0000, size);
        for (let page = 0; page < pages; page++)
          mapIn(table, AT + size + page * granule, 0x40_0000 - (page + 1) * granule, granule);
        for (let at = AT; at < end; ) {
          const { address, end: until, fault } = iommu.access(at);
          demand(fault === null, `0x${at.toString(16)} is refused: ${fault}`);
          demand(until > at, `the answer for 0x${at.toString(16)} holds for nothing`);
          const last = Math.min(until, end) - 1;
          demand(iommu.reach(last) === address + last - at, `it does not hold at 0x${last.toString(16)}`);
          at = until;
        }
      },
    },
    {
      name: "refuses what was unmapped and invalidated, even when it was in use",
      run() {
        const iommu = fixture();
        const table = iommu.domain();
        const { granule } = table;
        mapIn(table, AT, 0x10_0000, 4 * granule);
        for (let page = 0; page < 4; page++) iommu.reach(AT + page * granule);
        demand(takeOut(table, AT + granule, 2 * granule) === 2 * granule, "not all was unmapped");
        const reached = [0, 1, 2, 3].map((page) => iommu.reach(AT + page * granule));
        demand(reached[1] === null && reached[2] === null, "what was unmapped is reached");
        demand(reached[0] !== null && reached[3] !== null, "what is mapped is not reached any more");
      },
    },
    {
      name: "remembers what was used until it is invalidated, and says what is missing",
      run() {
        const iommu = fixture();
        const table = iommu.domain();
        mapIn(table, AT, 0x10_0000, table.granule);
        demand(iommu.access(AT).missing === null, "a translation that is right lacks something");
        table.unmap(dmaAddr(AT), table.granule);
        const { fault, address, missing } = iommu.access(AT);
        demand(fault === null && address === 0x10_0000, "the TLB forgets by itself");
        demand(missing !== null && missing !== "", "it does not say which invalidation is missing");
        table.flush(dmaAddr(AT), table.granule);
        demand(iommu.reach(AT) === null, "the invalidation has no effect");
      },
    },
    {
      name: "does not remember the old page when a new one is mapped after the invalidation",
      run() {
        const iommu = fixture();
        const table = iommu.domain();
        for (const phys of [0x10_0000, 0x20_0000, 0x30_0000]) {
          mapIn(table, AT, phys, table.granule);
          demand(iommu.reach(AT + 5) === phys + 5, `0x${phys.toString(16)} is not reached`);
          takeOut(table, AT, table.granule);
        }
      },
    },
    {
      name: "lets a device reach what is mapped after it was refused",
      run() {
        const iommu = fixture();
        const table = iommu.domain();
        const { granule } = table;
        demand(iommu.reach(AT) === null, "something is reached before anything is mapped");
        mapIn(table, AT, 0x10_0000, granule);
        demand(iommu.reach(AT) === 0x10_0000, "the first page is not reached");
        demand(iommu.reach(AT + granule) === null, "the page behind is reached");
        mapIn(table, AT + granule, 0x20_0000, granule);
        demand(iommu.reach(AT + granule) === 0x20_0000, "the page behind is not reached");
      },
    },
    {
      name: "forgets a whole domain at once, and serves it again",
      run() {
        const iommu = fixture();
        const table = iommu.domain();
        const { granule } = table;
        mapIn(table, AT, 0x10_0000, 8 * granule);
        for (let page = 0; page < 8; page++) iommu.reach(AT + page * granule);
        table.unmap(dmaAddr(AT), 7 * granule);
        table.flushAll();
        demand(iommu.reach(AT) === null, "it is reached after everything was forgotten");
        demand(iommu.reach(AT + 7 * granule) === 0x10_0000 + 7 * granule, "what stayed mapped is gone");
      },
    },
    {
      name: "unmaps a part of a large mapping and keeps the rest, or leaves it whole",
      run() {
        const iommu = fixture();
        const table = iommu.domain();
        const size = 0x40_0000;
        mapIn(table, AT, 0x40_0000, size);
        iommu.reach(AT + table.granule);
        const unmapped = takeOut(table, AT + table.granule, table.granule);
        demand(unmapped === table.granule || unmapped === 0, `${unmapped} bytes were unmapped, not one page`);
        demand(iommu.reach(AT) === 0x40_0000, "the page before the hole is gone");
        demand(iommu.reach(AT + size - 1) === 0x40_0000 + size - 1, "the end of the mapping is gone");
        demand((iommu.reach(AT + table.granule) === null) === unmapped > 0, "the hole is not what it says");
      },
    },
    {
      name: "stops unmapping at the first hole and says how far it came",
      run() {
        const table = fixture().domain();
        const { granule } = table;
        mapIn(table, AT, 0x10_0000, granule);
        mapIn(table, AT + 2 * granule, 0x20_0000, granule);
        demand(table.unmap(dmaAddr(AT), 3 * granule) === granule, "it went on past a hole (M-13)");
        demand(table.lookup(dmaAddr(AT + 2 * granule)) === 0x20_0000, "the page behind the hole is gone");
      },
    },
    {
      name: "refuses what is no multiple of the granule or out of its range, and maps nothing of it",
      run() {
        const table = fixture().domain();
        const { granule, end } = table;
        const refuses = (what: string, iova: number, phys: number, size: number): void => {
          let error: unknown = null;
          try {
            table.map(dmaAddr(iova), physAddr(phys), size, READ_WRITE);
          } catch (thrown) {
            error = thrown;
          }
          demand(error instanceof KernelError, `${what} is mapped`);
        };
        refuses("an address within a page", AT + 1, 0x10_0000, granule);
        refuses("a page at an odd place", AT, 0x10_0001, granule);
        refuses("a part of a page", AT, 0x10_0000, granule / 2);
        refuses("what ends past the last address", end - granule, 0x10_0000, 2 * granule);
        demand(table.lookup(dmaAddr(AT)) === null, "something was mapped");
      },
    },
    {
      name: "serves the DMA API: what it maps is reached, what it unmaps is not",
      run() {
        const { system } = fixture();
        const dma = system.device("dma0");
        const page = system.memory.pages.allocatePages(2);
        demand(page !== null, "the board has no memory");
        const mapping = system.dma.mapPage(dma, page, 0x4000, "bidirectional");
        const { dmaAddress } = mapping;
        demand(
          system.dmaBuf.transfers.accessAt(dma, dmaAddress, 0x4000, "write") === 0x4000,
          "not all is reached",
        );
        system.dma.unmapPage(mapping);
        demand(
          system.dmaBuf.transfers.accessAt(dma, dmaAddress, 0x4000, "write") === 0,
          "it is still reached",
        );
      },
    },
    {
      name: "keeps everything out of a device that is blocked",
      run() {
        const iommu = fixture();
        const table = iommu.domain();
        mapIn(table, AT, 0x10_0000, table.granule);
        iommu.reach(AT);
        iommu.unit.attach(iommu.masters[0], "blocked");
        demand(iommu.reach(AT) === null, "it is reached");
      },
    },
  ];
  if (!oneDomain) tests.push(another(fixture));
  if (contexts) tests.push(isolation(fixture));
  if (identity) tests.push(untranslated(fixture));
  if (permissions !== "none") tests.push(permission(fixture, READ, WRITE, "written"));
  if (permissions === "read-and-write") tests.push(permission(fixture, WRITE, READ, "read"));
  return tests;
}

const isolation = (fixture: () => IommuFixture): SuiteTest => ({
  name: "keeps a device out of what is mapped for another",
  run() {
    const iommu = fixture();
    const tables: readonly [IommuTable, IommuTable] = [iommu.domain(0), iommu.domain(1)];
    const { granule } = tables[0];
    mapIn(tables[0], AT, 0x10_0000, granule);
    mapIn(tables[1], AT + granule, 0x20_0000, granule);
    demand(iommu.reach(AT, READ, 0) === 0x10_0000, "the first does not reach its own");
    demand(iommu.reach(AT + granule, READ, 1) === 0x20_0000, "the second does not reach its own");
    demand(iommu.reach(AT, READ, 1) === null, "the second reaches what is the first's");
    demand(iommu.reach(AT + granule, READ, 0) === null, "the first reaches what is the second's");
    takeOut(tables[0], AT, granule);
    demand(iommu.reach(AT + granule, READ, 1) === 0x20_0000, "unmapping for the first hits the second");
  },
});

const untranslated = (fixture: () => IommuFixture): SuiteTest => ({
  name: "lets a device through untranslated when that is asked for, and translates again",
  run() {
    const iommu = fixture();
    iommu.unit.attach(iommu.masters[0], "identity");
    demand(iommu.reach(0x12_3456) === 0x12_3456, "it gets somewhere else");
    iommu.domain();
    demand(iommu.reach(0x12_3456) === null, "it still gets through untranslated");
  },
});

const permission = (
  fixture: () => IommuFixture,
  allowed: number,
  forbidden: number,
  done: string,
): SuiteTest => ({
  name: `refuses that memory is ${done} which was not mapped for it`,
  run() {
    const iommu = fixture();
    const table = iommu.domain();
    mapIn(table, AT, 0x10_0000, table.granule, allowed);
    demand(iommu.reach(AT, allowed) === 0x10_0000, "what is allowed is refused");
    demand(iommu.reach(AT, forbidden) === null, `it is ${done}`);
    demand(iommu.reach(AT, allowed) === 0x10_0000, "after a refusal nothing gets through");
  },
});

const another = (fixture: () => IommuFixture): SuiteTest => ({
  name: "leaves nothing of the old domain when a device gets another",
  run() {
    const iommu = fixture();
    const old = iommu.domain();
    const { granule } = old;
    mapIn(old, AT, 0x10_0000, 2 * granule);
    iommu.reach(AT);
    iommu.reach(AT + granule);
    const table = iommu.domain();
    mapIn(table, AT + granule, 0x20_0000, granule);
    demand(iommu.reach(AT) === null, "it reaches what only the old domain maps");
    demand(iommu.reach(AT + granule) === 0x20_0000, "it gets where the old domain leads");
  },
});

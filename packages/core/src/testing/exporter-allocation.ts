// SPDX-License-Identifier: MIT
import { alignUp, PAGE_SIZE } from "../address.ts";
import type { DmaBuf } from "../buffer/dma-buf.ts";
import { KernelError } from "../error.ts";
import type { Plugin } from "../platform/plugin.ts";
import type { Process } from "../sim/process.ts";
import {
  ascending,
  demandDisjoint,
  ExporterFixture,
  type ExporterSuiteOptions,
  failureOf,
  units,
} from "./exporter-fixture.ts";
import { demand, type SuiteTest } from "./suite-test.ts";

/** More buffers than any board of the suite holds. */
const MANY = 1024;
/** 5 MiB: neither bank and no pool is a multiple of it, so that the last buffer fails half way. */
const chunkOf = (options: ExporterSuiteOptions): number => alignUp(5 * 2 ** 20, units(options, 1));

/** Sizes, memory, its contents, and that all of it comes back. */
export function exporterAllocation(make: () => Plugin, options: ExporterSuiteOptions): SuiteTest[] {
  const fixture = (): ExporterFixture => new ExporterFixture(make, options);
  const bytes = (count: number): number => units(options, count);
  return [
    {
      name: "allocates a buffer of the size that was asked for",
      run() {
        const { run, exporter } = bound(fixture());
        for (const count of [1, 2, 3, 17, 255]) {
          const size = run(function* () {
            using buffer = yield* exporter.allocate(bytes(count));
            return buffer.size;
          });
          demand(size === bytes(count), `${bytes(count)} bytes were asked for, the buffer has ${size}`);
        }
      },
    },
    {
      name: "refuses a buffer of 0 bytes",
      run() {
        const { run, exporter, system } = bound(fixture());
        run(() => failureOf(exporter.allocate(0), "allocating 0 bytes"));
        demand(system.dmaBuf.buffers.length === 0, "a buffer stays behind");
      },
    },
    {
      name: "hands the caller the only reference (B-10)",
      run() {
        const { run, exporter, system } = bound(fixture());
        run(function* () {
          const buffer = yield* exporter.allocate(bytes(2));
          demand(buffer.references === 1, `the buffer has ${buffer.references} references`);
          demand(system.dmaBuf.buffers.includes(buffer), "the buffer was not exported");
          buffer.put();
          demand(system.dmaBuf.buffers.length === 0, "the buffer is not released by its last put");
        });
      },
    },
    {
      name: "uses whole pages of the board's memory, each once",
      run() {
        const { run, exporter, system, self } = bound(fixture());
        run(function* () {
          using buffer = yield* exporter.allocate(bytes(17));
          const extents = yield* self.extentsOf(buffer);
          demandDisjoint(extents);
          for (const [start, end] of ascending(extents)) {
            const at = `[0x${start.toString(16)}, 0x${end.toString(16)})`;
            demand(start % PAGE_SIZE === 0 && end % PAGE_SIZE === 0, `${at} is not made of whole pages`);
            for (let page = start; page < end; page += PAGE_SIZE) {
              const kind = system.memory.regionAt(page)?.kind;
              demand(kind !== undefined && kind !== "mmio", `${at} is not memory of the board`);
            }
          }
        });
      },
    },
    {
      name: "shares no byte between two buffers",
      run() {
        const { run, exporter, self } = bound(fixture());
        run(function* () {
          using one = yield* exporter.allocate(bytes(5));
          using two = yield* exporter.allocate(bytes(1));
          using three = yield* exporter.allocate(bytes(33));
          demandDisjoint(
            yield* self.extentsOf(one),
            yield* self.extentsOf(two),
            yield* self.extentsOf(three),
          );
        });
      },
    },
    ...(options.clears === false ? [] : [clearedTest(make, options)]),
    {
      name: "gives all memory back at the release (B-16)",
      run() {
        const { run, exporter, self } = bound(fixture());
        const free = self.freePages;
        run(function* () {
          for (const count of [1, 17, 255]) {
            const buffer = yield* exporter.allocate(bytes(count));
            yield* self.extentsOf(buffer);
            buffer.put();
            demand(self.freePages === free, `${free - self.freePages} pages do not come back`);
          }
        });
      },
    },
    {
      name: "keeps the memory as long as somebody has a reference (B-17)",
      run() {
        const { run, exporter, self } = bound(fixture());
        run(function* () {
          const first = yield* exporter.allocate(bytes(4));
          first.get();
          first.put();
          yield* self.extentsOf(first);
          using second = yield* exporter.allocate(bytes(4));
          demandDisjoint(yield* self.extentsOf(first), yield* self.extentsOf(second));
          first.put();
        });
      },
    },
    {
      name: "answers ENOMEM when the memory is used up, and keeps nothing of it",
      run: () => usesUp(fixture(), chunkOf(options)),
    },
    {
      name: "makes many buffers, and takes them back in any order",
      run() {
        const { run, exporter, self } = bound(fixture());
        const free = self.freePages;
        run(function* () {
          const buffers: DmaBuf[] = [];
          const lists = [];
          for (let i = 0; i < 100; i++) {
            const buffer = yield* exporter.allocate(bytes(1 + (i % 3)));
            buffers.push(buffer);
            lists.push(yield* self.extentsOf(buffer));
          }
          demandDisjoint(...lists);
          for (let i = 0; i < 100; i++) buffers[(i * 37) % 100]?.put();
        });
        demand(self.freePages === free, `${free - self.freePages} pages do not come back`);
      },
    },
    {
      name: "uses the same addresses at every boot",
      run() {
        const boot = (): string => {
          const { run, exporter, self } = bound(fixture());
          return run(function* () {
            const addresses: number[] = [];
            for (const count of [3, 1, 20]) {
              const buffer = yield* exporter.allocate(bytes(count));
              addresses.push(...(yield* self.extentsOf(buffer)).pairs);
              if (count === 1) buffer.put();
            }
            return addresses.join();
          });
        };
        const first = boot();
        demand(boot() === first, "two boots use different addresses");
      },
    },
  ];
}

const bound = (fixture: ExporterFixture) => ({
  self: fixture,
  system: fixture.system,
  exporter: fixture.exporter,
  run: fixture.run.bind(fixture) as ExporterFixture["run"],
});

/**
 * The data machine's bytes start as 0, and no access but this test's own stores a 0: a 0 that is left is what an earlier
 * owner wrote, or what the memory held at power-on.
 */
const clearedTest = (make: () => Plugin, options: ExporterSuiteOptions): SuiteTest => ({
  name: "clears the memory before anybody sees it",
  run() {
    const self = new ExporterFixture(make, options, { data: 1 });
    const { system, exporter } = self;
    const { data, cpu } = system;
    const past = options.cached === false || options.trustId !== undefined;
    const route = past ? system.route("direct") : cpu.route;
    demand(data !== null, "no data machine runs");
    self.run(function* () {
      for (const owner of ["the first", "the second", "the third"]) {
        using buffer = yield* exporter.allocate(units(options, 9));
        const extents = yield* self.extentsOf(buffer);
        const contents = new Uint8Array(extents.bytes);
        data.read(route, extents, contents);
        const at = contents.indexOf(0);
        demand(at < 0, `${owner} owner of the memory can read what was there before at byte ${at}`);
        data.write(route, extents, contents.fill(0));
      }
    });
  },
});

function usesUp(self: ExporterFixture, chunk: number): void {
  const { system, exporter } = self;
  const free = self.freePages;
  const fill = (): Process<DmaBuf[]> => allUsed(self, chunk);
  self.run(function* () {
    const buffers = yield* fill();
    for (const buffer of buffers) buffer.put();
    demand(self.freePages === free, `${free - self.freePages} pages do not come back`);
    const again = yield* fill();
    const count = `${buffers.length} buffers fit at first, ${again.length} the second time`;
    demand(again.length === buffers.length, count);
    for (const buffer of again) buffer.put();
    demand(system.dmaBuf.buffers.length === 0, "a buffer stays behind");
    using last = yield* exporter.allocate(chunk);
    demand(last.size === chunk, "the memory cannot be used again");
  });
}

/** Buffers until there are no more. */
function* allUsed(self: ExporterFixture, chunk: number): Process<DmaBuf[]> {
  const { exporter, system } = self;
  const buffers: DmaBuf[] = [];
  while (buffers.length < MANY) {
    const before = self.freePages;
    try {
      buffers.push(yield* exporter.allocate(chunk));
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      demand(error.errno === "ENOMEM", `it answers ${error.errno} when there is no memory: ${error.reason}`);
      demand(self.freePages === before, `${before - self.freePages} pages are lost by a failure`);
      demand(system.dmaBuf.buffers.length === buffers.length, "a buffer stays behind after a failure");
      demand(buffers.length > 0, `not even one buffer of ${chunk} bytes fits: ${error.reason}`);
      return buffers;
    }
  }
  throw new TypeError(`${MANY} buffers of ${chunk} bytes fit on a board of 64 MiB`);
}

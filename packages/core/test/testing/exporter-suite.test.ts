// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import {
  type Attachment,
  type BufferMemory,
  board,
  type CoreServices,
  type CpuPages,
  type DmaBuf,
  type DmaDirection,
  definePlugin,
  demandTrust,
  type Exporter,
  Extents,
  KernelError,
  PAGE_SIZE,
  type Plugin,
  type Process,
  physAddr,
  type SgMapping,
  UntrustedAccess,
} from "../../src/index.ts";
import { exporterSuite, type SuiteTest, toyBoard } from "../../src/testing.ts";
import { bufferPlugin, freePages, PageBuffer, PageExporter, pagePlugin } from "./page-exporter.ts";

const failures = (suite: readonly SuiteTest[]): string[] =>
  suite
    .filter(({ run }) => {
      try {
        run();
        return false;
      } catch {
        return true;
      }
    })
    .map(({ name }) => name);

const reversed = ({ pairs }: Extents): Extents => {
  const starts = [...pairs].filter((_, i) => i % 2 === 0).reverse();
  return Extents.each(
    starts,
    starts.map((start) => start + PAGE_SIZE),
  );
};

describe("an exporter that does everything right passes", () => {
  for (const { name, run } of exporterSuite(() => pagePlugin())) test(name, run);

  test("names are sentences of their own", () => {
    const names = exporterSuite(() => pagePlugin()).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

/** A fault, the test that must find it, and a plugin that has it. */
type Mutant = readonly [fault: string, found: string, make: () => Plugin];

/** What the exporter that remembers remembers. */
let systems = 0;

const exporters: Mutant[] = [
  [
    "a page too many",
    "allocates a buffer of the size that was asked for",
    () =>
      pagePlugin(
        class extends PageExporter {
          override *allocateProcess(size: number): Process<DmaBuf> {
            return yield* super.allocateProcess(size === 0 ? 0 : size + PAGE_SIZE);
          }
        },
      ),
  ],
  [
    "accepts 0 bytes",
    "refuses a buffer of 0 bytes",
    () =>
      pagePlugin(
        class extends PageExporter {
          override *allocateProcess(size: number): Process<DmaBuf> {
            return yield* super.allocateProcess(Math.max(size, PAGE_SIZE));
          }
        },
      ),
  ],
  [
    "keeps a reference for itself",
    "hands the caller the only reference (B-10)",
    () =>
      pagePlugin(
        class extends PageExporter {
          override export(extents: Extents, size: number): DmaBuf {
            return super.export(extents, size).get();
          }
        },
      ),
  ],
  [
    "begins inside a page",
    "uses whole pages of the board's memory, each once",
    () =>
      pagePlugin(
        class extends PageExporter {
          override pages(count: number): Extents {
            const extents = super.pages(count + 1);
            return extents.slice(64, count * PAGE_SIZE);
          }
          override ops(extents: Extents) {
            return new (class extends PageBuffer {
              override release(): void {}
            })(this.services, extents);
          }
        },
      ),
  ],
  [
    "uses addresses without memory behind them",
    "uses whole pages of the board's memory, each once",
    () => {
      let next = 0x5000_0000;
      return pagePlugin(
        class extends PageExporter {
          override page(): number {
            next += PAGE_SIZE;
            return next;
          }
          override ops(extents: Extents) {
            return new (class extends PageBuffer {
              override release(): void {}
            })(this.services, extents);
          }
        },
      );
    },
  ],
  [
    "uses a page twice in one buffer",
    "uses whole pages of the board's memory, each once",
    () =>
      pagePlugin(
        class extends PageExporter {
          override pages(count: number): Extents {
            const { starts, ends } = super.pages(count);
            if (count > 1) {
              this.services.memory.pages.freePages(physAddr(starts[1] as number), 0);
              starts[1] = starts[0] as number;
              ends[1] = ends[0] as number;
            }
            return Extents.each(starts, ends);
          }
          override ops(extents: Extents) {
            return new (class extends PageBuffer {
              override release(): void {
                const own = new Set(this.extents.starts);
                for (const page of own) this.services.memory.pages.freePages(physAddr(page), 0);
              }
            })(this.services, extents);
          }
        },
      ),
  ],
  [
    "hands out the same pages again and again",
    "shares no byte between two buffers",
    () =>
      pagePlugin(
        class extends PageExporter {
          #pool: Extents | null = null;
          override pages(count: number): Extents {
            this.#pool ??= super.pages(2048);
            return this.#pool.slice(0, count * PAGE_SIZE);
          }
          override ops(extents: Extents) {
            return new (class extends PageBuffer {
              override release(): void {}
            })(this.services, extents);
          }
        },
      ),
  ],
  [
    "does not clear",
    "clears the memory before anybody sees it",
    () =>
      pagePlugin(
        class extends PageExporter {
          override clear(): void {}
        },
      ),
  ],
  [
    "clears all but the last bytes",
    "clears the memory before anybody sees it",
    () =>
      pagePlugin(
        class extends PageExporter {
          override clear(extents: Extents): void {
            super.clear(extents.slice(0, extents.bytes - 64));
          }
        },
      ),
  ],
  [
    "clears memory behind the cache",
    "needs no bracket between the CPU and a coherent device",
    () =>
      pagePlugin(
        class extends PageExporter {
          override clear(extents: Extents): void {
            const { machine } = this.services.dmaBuf;
            machine.access(machine.topology.route({ route: "direct" }), "write", extents);
          }
        },
      ),
  ],
  [
    "keeps what it got when the memory is used up",
    "answers ENOMEM when the memory is used up, and keeps nothing of it",
    () =>
      pagePlugin(
        class extends PageExporter {
          override outOfMemory(): never {
            throw new KernelError("ENOMEM", "allocate", "no page is left");
          }
        },
      ),
  ],
  [
    "answers another error when the memory is used up",
    "answers ENOMEM when the memory is used up, and keeps nothing of it",
    () =>
      pagePlugin(
        class extends PageExporter {
          override outOfMemory(starts: readonly number[]): never {
            try {
              return super.outOfMemory(starts);
            } catch {
              throw new KernelError("EINVAL", "allocate", "no page is left");
            }
          }
        },
      ),
  ],
  [
    "exports before it knows that there is memory",
    "answers ENOMEM when the memory is used up, and keeps nothing of it",
    () =>
      pagePlugin(
        class extends PageExporter {
          override outOfMemory(starts: readonly number[]): never {
            super.export(Extents.of([0, PAGE_SIZE]), PAGE_SIZE);
            return super.outOfMemory(starts);
          }
        },
      ),
  ],
  [
    "frees in the order of allocation, whoever is released",
    "makes many buffers, and takes them back in any order",
    () =>
      pagePlugin(
        class extends PageExporter {
          readonly #queue: Extents[] = [];
          override ops(extents: Extents) {
            const queue = this.#queue;
            queue.push(extents);
            return new (class extends PageBuffer {
              override release(): void {
                // What others free now is allocated anew while it is still in use.
                freePages(this.services, queue.shift() as Extents);
                if (queue.length > 2) queue.push(queue.shift() as Extents);
                if (queue.length === 40) queue.pop();
              }
            })(this.services, extents);
          }
        },
      ),
  ],
  [
    "remembers an earlier system",
    "uses the same addresses at every boot",
    () =>
      pagePlugin(
        class extends PageExporter {
          constructor(services: CoreServices) {
            super(services);
            for (let i = 0; i < systems; i++) services.memory.pages.allocatePages(0);
            systems = (systems + 1) % 3;
          }
        },
      ),
  ],
];

const buffers: Mutant[] = [
  [
    "keeps everything at the release",
    "gives all memory back at the release (B-16)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override release(): void {}
        },
      ),
  ],
  [
    "keeps one page at the release",
    "gives all memory back at the release (B-16)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override release(): void {
            if (this.extents.bytes > PAGE_SIZE) {
              freePages(this.services, this.extents.slice(PAGE_SIZE, this.extents.bytes - PAGE_SIZE));
            }
          }
        },
      ),
  ],
  [
    "frees when a device leaves",
    "keeps the memory as long as somebody has a reference (B-17)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          #freed = false;
          detach(): void {
            if (!this.#freed) freePages(this.services, this.extents);
            this.#freed = true;
          }
          override release(): void {
            this.detach();
          }
        },
      ),
  ],
  [
    "maps all but the last page",
    "maps page-aligned segments that add up to the size (B-40)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
            const part = this.extents.slice(0, Math.max(this.extents.bytes - PAGE_SIZE, PAGE_SIZE));
            yield* this.services.cpu.settle();
            return this.services.dma.mapSgtable(attachment.device, part, direction);
          }
        },
      ),
  ],
  [
    "cuts segments inside a page",
    "maps page-aligned segments that add up to the size (B-40)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
            const { starts, ends } = this.extents;
            const cut = Extents.each(
              [...starts].flatMap((start) => [start, start + 512]),
              [...ends].flatMap((end) => [end - PAGE_SIZE + 512, end]),
            );
            yield* this.services.cpu.settle();
            return this.services.dma.mapSgtable(attachment.device, cut, direction);
          }
        },
      ),
  ],
  [
    "maps in both directions, always",
    "maps for the attachment's device, in the direction that was asked for",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *map(attachment: Attachment): Process<SgMapping> {
            return yield* super.map(attachment, "bidirectional");
          }
        },
      ),
  ],
  [
    "maps for the first device that comes",
    "maps for the attachment's device, in the direction that was asked for",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          #first: Attachment | null = null;
          override *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
            this.#first ??= attachment;
            return yield* super.map(this.#first, direction);
          }
        },
      ),
  ],
  [
    "hands out its first mapping, whatever the direction",
    "keeps the directions of one attachment apart (B-35)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
            return this.mapped.get(attachment) ?? (yield* super.map(attachment, direction));
          }
          override *unmap(attachment: Attachment, mapping: SgMapping): Process {
            if (this.services.dma.live.has(mapping)) yield* super.unmap(attachment, mapping);
          }
        },
      ),
  ],
  [
    "forgets to unmap",
    "balances map and unmap",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *unmap(): Process {
            yield* this.services.cpu.settle();
          }
        },
      ),
  ],
  [
    "maps in reverse for every second device",
    "maps the same memory for every device, each with a mapping of its own",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
            const { dma, cpu } = this.services;
            if (this.mapped.size === 0) return yield* super.map(attachment, direction);
            yield* cpu.settle();
            return dma.mapSgtable(attachment.device, reversed(this.extents), direction);
          }
        },
      ),
  ],
  [
    "keeps what it mapped before it failed",
    "keeps nothing when a device cannot reach the memory",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
            const probe = this.services.dma.mapSgtable(
              this.services.device("display"),
              this.extents,
              direction,
              { skipCpuSync: true },
            );
            const mapping = yield* super.map(attachment, direction);
            this.services.dma.unmapSgtable(probe, { skipCpuSync: true });
            return mapping;
          }
        },
      ),
  ],
  [
    "shows user space the pages in reverse",
    "maps the same memory into user space (B-59)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override mmap(): CpuPages {
            return { extents: reversed(this.extents), memoryType: "write-back" };
          }
        },
      ),
  ],
  [
    "says that its memory lies in reverse",
    "says where its memory is as it maps it, if it says (D19)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          memory(): BufferMemory {
            return { extents: reversed(this.extents) };
          }
        },
      ),
  ],
  [
    "says that it has no memory",
    "says where its memory is as it maps it, if it says (D19)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          memory(): null {
            return null;
          }
        },
      ),
  ],
  [
    "shows user space half of the buffer",
    "maps the same memory into user space (B-59)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override mmap(): CpuPages {
            return { extents: this.extents.slice(0, this.extents.bytes / 2), memoryType: "write-back" };
          }
        },
      ),
  ],
  [
    "leaves a bracket with the reservation locked",
    "leaves the reservation alone in brackets (1.15)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *endCpuAccess(buffer: DmaBuf, direction: DmaDirection): Process {
            yield* buffer.resv.lock();
            yield* super.endCpuAccess(buffer, direction);
          }
        },
      ),
  ],
  [
    "takes the reservation in map, which is called with it",
    "maps page-aligned segments that add up to the size (B-40)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
            yield* attachment.buffer.resv.lock();
            const mapping = yield* super.map(attachment, direction);
            attachment.buffer.resv.unlock();
            return mapping;
          }
        },
      ),
  ],
  [
    "refuses a second bracket",
    "takes brackets that nest and overlap (B-53)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          #open = false;
          override *beginCpuAccess(buffer: DmaBuf, direction: DmaDirection): Process {
            if (this.#open) throw new KernelError("EBUSY", "begin_cpu_access", "in use");
            this.#open = true;
            yield* super.beginCpuAccess(buffer, direction);
          }
          override *endCpuAccess(buffer: DmaBuf, direction: DmaDirection): Process {
            this.#open = false;
            yield* super.endCpuAccess(buffer, direction);
          }
        },
      ),
  ],
  [
    "does nothing at the end of a bracket",
    "shows a device that is not coherent what the CPU wrote in a bracket",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *endCpuAccess(): Process {
            yield* this.services.cpu.settle();
          }
        },
      ),
  ],
  [
    "does nothing at the beginning of a bracket",
    "shows the CPU in a bracket what a device that is not coherent wrote",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *beginCpuAccess(): Process {
            yield* this.services.cpu.settle();
          }
        },
      ),
  ],
  [
    "syncs neither at map nor for those that join later",
    "shows it also to a device that joins later",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
            const { dma, cpu } = this.services;
            const mapping = dma.mapSgtable(attachment.device, this.extents, direction, { skipCpuSync: true });
            this.mapped.set(attachment, mapping);
            yield* cpu.settle();
            return mapping;
          }
        },
      ),
  ],
  [
    "warns",
    "maps page-aligned segments that add up to the size (B-40)",
    () =>
      bufferPlugin(
        class extends PageBuffer {
          override *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
            this.services.simulation.diagnostics.warn("B-34", "map", "attachment is odd");
            return yield* super.map(attachment, direction);
          }
        },
      ),
  ],
];

describe("a faulty exporter is found", () => {
  test.each([...exporters, ...buffers])("%s: %s", (_fault, found, make) => {
    expect(failures(exporterSuite(make))).toContain(found);
  });

  test("and every test of the suite finds one", () => {
    const names = exporterSuite(() => pagePlugin()).map(({ name }) => name);
    expect([...new Set([...exporters, ...buffers].map(([, found]) => found))].sort()).toEqual(names.sort());
  });
});

describe("private memory (D20)", () => {
  /** Refuses the CPU and whoever is not trusted; what is given is done instead. */
  class PrivateBuffer extends PageBuffer {
    *attach(_buffer: DmaBuf, { device }: Attachment): Process {
      yield* this.services.cpu.settle();
      demandTrust(device, "tee");
    }
    override mmap(): CpuPages {
      throw new UntrustedAccess("dma_buf_mmap", null, "tee");
    }
    override *beginCpuAccess(): Process {
      yield* this.services.cpu.settle();
      throw new UntrustedAccess("dma_buf_begin_cpu_access", null, "tee");
    }
    override *endCpuAccess(): Process {
      yield* this.services.cpu.settle();
      throw new UntrustedAccess("dma_buf_end_cpu_access", null, "tee");
    }
  }
  const options = { trustId: "tee", clears: false } as const;
  const suite = (kind: typeof PrivateBuffer) => exporterSuite(() => bufferPlugin(kind), options);

  for (const { name, run } of suite(PrivateBuffer)) test(name, run);

  const untrusted = "refuses a device that is not trusted with its memory (D20)";
  const cpu = "refuses the CPU (H-9)";
  class Trusting extends PrivateBuffer {
    override *attach(): Process {
      yield* this.services.cpu.settle();
    }
  }
  class Mapped extends PrivateBuffer {
    override mmap(): CpuPages {
      return { extents: this.extents, memoryType: "write-back" };
    }
  }
  class Bracketed extends PrivateBuffer {
    override *endCpuAccess(): Process {
      yield* this.services.cpu.settle();
    }
  }
  test.each([
    ["trusts everybody", untrusted, Trusting],
    ["lets user space map it", cpu, Mapped],
    ["lets a bracket end", cpu, Bracketed],
  ] as const)("an exporter that %s is found: %s", (_fault, found, kind) => {
    expect(failures(suite(kind))).toEqual([found]);
  });
});

describe("the suite adapts", () => {
  test("to memory and pools of its own, as an exporter of a carve-out needs", () => {
    const carveout = (): Plugin =>
      definePlugin({
        name: "@acme/exporter-carveout",
        provides: { exporters: { unused: () => neverUsed, carveout: (services) => new Carveout(services) } },
      });
    const neverUsed: Exporter = {
      allocate: () => {
        throw new TypeError("the other one was asked for");
      },
    };
    class Carveout extends PageExporter {
      static readonly base = 0x7000_0000;
      readonly #used = new Set<number>();
      override page(): number | null {
        for (let page = Carveout.base; page < Carveout.base + 2 ** 24; page += 2 * PAGE_SIZE) {
          if (!this.#used.has(page)) return page;
        }
        return null;
      }
      override pages(count: number): Extents {
        const starts: number[] = [];
        for (let i = 0; i < count; i++) {
          const page = this.page();
          if (page === null) {
            for (const start of starts) this.#used.delete(start);
            throw new KernelError("ENOMEM", "carveout", "it is full");
          }
          this.#used.add(page);
          starts.push(page, page + PAGE_SIZE);
          i++;
        }
        const used = starts.slice(0, count);
        return Extents.each(
          used,
          used.map((start) => start + PAGE_SIZE),
        );
      }
      override ops(extents: Extents) {
        const used = this.#used;
        return new (class extends PageBuffer {
          override release(): void {
            for (const start of this.extents.starts) used.delete(start);
          }
        })(this.services, extents);
      }
    }
    const pools = [{ kind: "carve-out", name: "acme", base: Carveout.base, size: "16MiB" }] as const;
    const own = { memory: toyBoard.memory, pools };
    expect(failures(exporterSuite(carveout, { exporter: "carveout", board: own, unit: "8KiB" }))).toEqual([]);
    expect(failures(exporterSuite(carveout, { exporter: "carveout", board: own }))).toEqual([]);
  });

  test("to an exporter that leaves clearing to others", () => {
    const make = (): Plugin =>
      pagePlugin(
        class extends PageExporter {
          override clear(): void {}
        },
      );
    expect(failures(exporterSuite(make, { clears: false }))).toEqual([]);
  });

  test("to an exporter without mmap", () => {
    const make = (): Plugin =>
      bufferPlugin(
        class {
          readonly #ops: PageBuffer;
          readonly map: PageBuffer["map"];
          readonly unmap: PageBuffer["unmap"];
          readonly release: PageBuffer["release"];
          constructor(services: CoreServices, extents: Extents) {
            this.#ops = new PageBuffer(services, extents);
            this.map = this.#ops.map.bind(this.#ops);
            this.unmap = this.#ops.unmap.bind(this.#ops);
            this.release = this.#ops.release.bind(this.#ops);
          }
        },
      );
    expect(failures(exporterSuite(make))).toEqual([]);
  });

  test("to other plugins that an exporter needs", () => {
    const plugins = (): Plugin[] => [
      definePlugin({
        name: "@acme/needed",
        provides: { exporters: { needed: (services) => new PageExporter(services) } },
      }),
    ];
    expect(failures(exporterSuite(() => pagePlugin(), { plugins }))).toEqual([]);
  });

  test("a plugin without an exporter fails everything", () => {
    const make = (): Plugin =>
      definePlugin({ name: "@acme/none", provides: { importers: {}, exporters: {} } });
    const suite = exporterSuite(make);
    expect(failures(suite)).toHaveLength(suite.length);
    expect(() => suite[0]?.run()).toThrow("@acme/none provides no exporter");
  });

  test("the toy board is a board", () => {
    expect(board(toyBoard)).toBe(toyBoard);
  });
});

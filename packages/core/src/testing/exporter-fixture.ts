// SPDX-License-Identifier: MIT
import { parseSize, type Size } from "../address.ts";
import type { DmaBuf } from "../buffer/dma-buf.ts";
import type { Exporter } from "../buffer/exporter.ts";
import type { DmaDirection } from "../dma/direction.ts";
import type { SgMapping } from "../dma/mapping.ts";
import { type Errno, KernelError } from "../error.ts";
import type { Extents } from "../memory/extents.ts";
import type { BoardDescription } from "../platform/board.ts";
import { assemble } from "../platform/platform.ts";
import { exportersFor, type Plugin } from "../platform/plugin.ts";
import type { BootOptions, System } from "../platform/system.ts";
import type { Process } from "../sim/process.ts";
import { demand } from "./suite-test.ts";
import { toyArch } from "./toy-arch.ts";
import { toyBoard } from "./toy-board.ts";

/** What an exporter needs to be tested, and what it does differently from most. */
export interface ExporterSuiteOptions {
  /** The one to test of a plugin that provides several; default the first. */
  readonly exporter?: string;
  /** What all its sizes are multiples of; default a page. */
  readonly unit?: Size;
  /** Whether the memory is cleared before anybody sees it; default yes. */
  readonly clears?: boolean;
  /**
   * Whether its brackets serve devices of others that are not coherent; default yes. False is a driver that knows its own
   * device only, and flushes for that.
   */
  readonly servesNonCoherent?: boolean;
  /**
   * Whether the CPU has its memory in the cache; default yes. False is memory that is not in the linear map and is mapped
   * past the cache: what a coherent device leaves there the CPU does not see.
   */
  readonly cached?: boolean;
  /**
   * For private memory (D20): all devices but `display` are trusted with it, `display` and the CPU must get EPERM. Such memory
   * is not `cached` either.
   */
  readonly trustId?: string;
  /** Memory and pools instead of the suite's two banks of 32 MiB at 0 and 0x7000_0000, half of the second a CMA pool. */
  readonly board?: Pick<BoardDescription, "memory" | "pools">;
  /** Plugins that it needs. */
  readonly plugins?: () => readonly Plugin[];
}

/** A freshly booted toy board with the exporter under test. */
export class ExporterFixture {
  readonly system: System;
  readonly exporter: Exporter;

  constructor(make: () => Plugin, options: ExporterSuiteOptions, boot?: BootOptions) {
    const { board = {}, plugins = () => [], trustId } = options;
    const plugin = make();
    const platform = assemble({ ...toyBoard, ...board, ...trusting(trustId) }, [
      toyArch(),
      plugin,
      ...plugins(),
    ]);
    const name = options.exporter ?? Object.keys(exportersFor(plugin, platform.board))[0];
    demand(name !== undefined, `${plugin.name} provides no exporter`);
    this.system = platform.boot(boot);
    this.exporter = this.system.exporter(name);
  }

  /** Pages that the page allocator, the CMA pools and the carve-outs have free. */
  get freePages(): number {
    const { pages, cma, carveOuts } = this.system.memory;
    return [...cma.values(), ...carveOuts.values()].reduce(
      (sum, { freePages }) => sum + freePages,
      pages.freePageCount(),
    );
  }

  /** Runs a process to its end; fails the test when the kernel would have complained on the way. */
  run<T>(process: () => Process<T>): T {
    const { simulation } = this.system;
    const result = simulation.complete("test", process());
    const [complaint] = simulation.diagnostics.entries;
    demand(complaint === undefined, `${complaint?.rule} ${complaint?.operation}: ${complaint?.text}`);
    return result;
  }

  /** Attaches a device, maps, lets `use` look at the mapping, unmaps and detaches. */
  *share<T>(
    buffer: DmaBuf,
    use: (mapping: SgMapping) => T,
    device = "snooping",
    direction: DmaDirection = "bidirectional",
  ): Process<T> {
    const attachment = yield* buffer.attach(this.system.device(device));
    const mapping = yield* attachment.mapUnlocked(direction);
    const result = use(mapping);
    yield* attachment.unmapUnlocked(mapping);
    yield* attachment.detach();
    return result;
  }

  /** The memory of a buffer. */
  extentsOf(buffer: DmaBuf): Process<Extents> {
    return this.share(buffer, ({ extents }) => extents);
  }

  /** One transfer of a device, waited for. */
  *transfer(buffer: DmaBuf, device: string, kind: "read" | "write"): Process {
    const direction = kind === "read" ? "to-device" : "from-device";
    const imported = yield* this.system.importer(device).attach(buffer, direction);
    const fence = yield* imported.transfer(kind);
    yield* fence.wait();
    fence.put();
    yield* imported.detach();
  }

  /** Fails the test when any access went wrong so far. */
  demandNoHazard(): void {
    const [hazard] = this.system.hazards;
    demand(hazard === undefined, `${hazard?.code} at 0x${hazard?.address.toString(16)}`);
  }
}

/** The devices of the toy board, all but one trusted with private memory. */
function trusting(trustId: string | undefined): Partial<BoardDescription> {
  if (trustId === undefined) return {};
  const { display, ...others } = toyBoard.devices;
  const trusted = Object.entries(others).map(([name, device]) => [name, { ...device, trustId }]);
  return { devices: { ...(display && { display }), ...Object.fromEntries(trusted) } };
}

/** The exporter's sizes in bytes, as multiples of its unit. */
export const units = (options: ExporterSuiteOptions, count: number): number =>
  count * parseSize(options.unit ?? 4096);

/** The error with which a process fails; fails the test when it succeeds or throws anything but a `KernelError`. */
export function* failureOf(process: Process<unknown>, what: string): Process<Errno> {
  try {
    yield* process;
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
  throw new TypeError(`${what} succeeds`);
}

/** Start and end of each range, ascending. */
export function ascending(...lists: readonly Extents[]): (readonly [start: number, end: number])[] {
  const ranges: [number, number][] = [];
  for (const { pairs } of lists) {
    for (let i = 0; i < pairs.length; i += 2) ranges.push([pairs[i] as number, pairs[i + 1] as number]);
  }
  return ranges.sort((a, b) => a[0] - b[0]);
}

/** Fails the test when two ranges of the lists share a byte. */
export function demandDisjoint(...lists: readonly Extents[]): void {
  let previous = -1;
  for (const [start, end] of ascending(...lists)) {
    demand(start >= previous, `the byte at 0x${start.toString(16)} is used twice`);
    previous = end;
  }
}

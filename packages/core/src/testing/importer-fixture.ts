// SPDX-License-Identifier: MIT
import type { DmaBuf } from "../buffer/dma-buf.ts";
import type { ImportedBuffer, Importer } from "../buffer/importer.ts";
import type { AccessKind } from "../coherency/operation.ts";
import type { DmaDirection } from "../dma/direction.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import { deviceAccess } from "../dma/dma-trace.ts";
import { directSegments } from "../dma/scatterlist/direct-segments.ts";
import { DmaSegments } from "../dma/scatterlist/dma-segments.ts";
import { sgFromExtents } from "../dma/scatterlist/from-extents.ts";
import type { SgTable } from "../dma/scatterlist/sg-table.ts";
import { KernelError } from "../error.ts";
import { Extents } from "../memory/extents.ts";
import { assemble } from "../platform/platform.ts";
import type { Plugin } from "../platform/plugin.ts";
import type { BootOptions, System } from "../platform/system.ts";
import type { Process } from "../sim/process.ts";
import { DmaFence } from "../sync/dma-fence.ts";
import { dmaFenceDestroy, dmaFenceInit } from "../sync/dma-fence-trace.ts";
import type { Usage } from "../sync/usage.ts";
import { NotingExporter } from "./noting-exporter.ts";
import { demand } from "./suite-test.ts";
import { toyArch } from "./toy-arch.ts";
import { toyBoard } from "./toy-board.ts";

/** The device of the suites' board whose importer is tested. */
const testedDevice = "direct";

/** How a test's buffer lies. */
export interface FixtureMemory {
  readonly extents?: Extents;
  /** Whether the exporter's mapping has one segment for all of it, as behind an IOMMU; default one an entry. */
  readonly joined?: boolean;
}

/** An access of the device, and what the buffer's reservation said in that moment. */
interface SeenAccess {
  readonly time: number;
  readonly kind: AccessKind;
  /** Step of the machine's log. */
  readonly step: number;
  /** Whether a write fence was pending. */
  readonly writePending: boolean;
  /** Whether a read or write fence was pending. */
  readonly anyPending: boolean;
  readonly mapped: boolean;
}

/** Where the fixture's buffer lies unless a test says otherwise: three scattered pages. */
const scatteredPages = Extents.of([0x10_0000, 0x10_1000], [0x14_0000, 0x14_1000], [0x12_0000, 0x12_1000]);

/** A fresh system with one importer under test, and one buffer. */
export class ImporterFixture {
  readonly system: System;
  readonly importer: Importer;
  readonly device: DmaDevice;
  /** Where the buffer lies, one entry a range. */
  readonly extents: Extents;
  /** The same as a scatterlist with the device's view. */
  readonly sg: SgTable;
  readonly exporter: NotingExporter;
  /** The fixture's own reference goes at the end, unless `release` gives it up before. */
  readonly buffer: DmaBuf;
  readonly accesses: SeenAccess[] = [];
  #held = true;
  #fences = 0;

  constructor(
    make: (device: string) => Plugin,
    options: BootOptions,
    { extents = scatteredPages, joined = false }: FixtureMemory = {},
  ) {
    this.extents = extents;
    this.sg = sgFromExtents(extents);
    this.sg.map(
      joined ? new DmaSegments(Float64Array.of(0), Uint32Array.of(extents.bytes)) : directSegments(this.sg),
    );
    this.system = assemble(toyBoard, [toyArch(), make(testedDevice)]).boot(options);
    const { analysis, dma, dmaBuf, simulation } = this.system;
    simulation.trace.subscribe(dmaFenceInit, () => void this.#fences++);
    simulation.trace.subscribe(dmaFenceDestroy, () => void this.#fences--);
    this.device = this.system.device(testedDevice);
    this.importer = this.system.importer(testedDevice);
    this.exporter = new NotingExporter(dma, extents, joined);
    this.buffer = dmaBuf.export({ exporterName: "suite", ops: this.exporter, size: this.extents.bytes });
    const { resv } = this.buffer;
    simulation.trace.subscribe(deviceAccess, (event) => {
      this.accesses.push({
        time: event.time,
        kind: event.text("kind") === "read" ? "read" : "write",
        step: analysis.log.length,
        writePending: !resv.testSignaled("write"),
        anyPending: !resv.testSignaled("read"),
        mapped: this.exporter.mapped > 0,
      });
    });
  }

  /** Attaches the buffer for transfers of one kind. */
  attach(kind: AccessKind): Process<ImportedBuffer> {
    return this.importer.attach(this.buffer, directionFor(kind));
  }

  /** Lets a transfer end and gives its fence back. */
  *finish(fence: DmaFence): Process {
    yield* fence.wait();
    fence.put();
  }

  /** Adds a fence of somebody else, which signals after `delay` ns; when that will be. */
  *foreignFence(usage: Usage, delay: number): Process<number> {
    const { dmaBuf, simulation } = this.system;
    const { resv } = this.buffer;
    const ops = { driverName: "somebody", timelineName: "else" };
    const fence = DmaFence.init(dmaBuf.fences, ops, dmaBuf.fences.contextAlloc(), 1);
    yield* resv.lock();
    resv.reserveFences(1);
    resv.addFence(fence, usage);
    resv.unlock();
    const signal = (): void => {
      fence.signal();
      fence.put();
    };
    simulation.timer(signal).arm(delay);
    return simulation.now + delay;
  }

  /** Gives up the fixture's own reference: from now on only the importer holds the buffer. */
  release(): void {
    this.#held = false;
    this.buffer.put();
  }

  /** The error of the kernel's that `process` throws; fails the test when there is none, or more than a line of it. */
  *refusal(what: string, process: Process<unknown>): Process<KernelError> {
    try {
      yield* process;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      demand(error.reason !== "" && !error.message.includes("\n"), `${what}: the error is not one line`);
      return error;
    }
    throw new TypeError(`${what}: it was accepted`);
  }

  /** What holds at the end of every test: nobody complained, and everything was given back. */
  demandClean(): void {
    const { simulation, dmaBuf, dma } = this.system;
    const complaint = simulation.diagnostics.entries[0];
    demand(complaint === undefined, `${complaint?.operation}: ${complaint?.text} (${complaint?.rule})`);
    const mapped = this.accesses.every((access) => access.mapped);
    demand(mapped, "the device used the buffer while it was not mapped");
    demand(this.buffer.attachments.length === 0, "the buffer is still attached");
    demand(dma.live.size === 0, "a DMA mapping was not given back");
    if (this.#held) this.release();
    demand(dmaBuf.buffers.length === 0, "the importer did not give its reference to the buffer back");
    demand(this.exporter.released === 1, "the importer gave back a reference that it never took");
    demand(this.#fences === 0, `${this.#fences} fences were not given back`);
    demand(this.device.timeline.idle, "the device is still busy");
  }
}

/** The direction in which a buffer is attached for transfers of one kind. */
export const directionFor = (kind: AccessKind): DmaDirection =>
  kind === "read" ? "to-device" : "from-device";

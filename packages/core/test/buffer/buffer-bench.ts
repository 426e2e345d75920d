// SPDX-License-Identifier: MIT
import type { DmaBufOps } from "../../src/buffer/dma-buf-ops.ts";
import {
  type Attachment,
  assemble,
  type BootOptions,
  type DmaBuf,
  type DmaDirection,
  Extents,
  type Process,
  type SgMapping,
  type System,
} from "../../src/index.ts";
import { DmaFence, type Usage } from "../../src/sync.ts";
import { toyArch, toyBoard } from "../../src/testing.ts";

/** Where the benches' buffers lie. */
export const pages = Extents.of([0x10_0000, 0x10_2000], [0x20_0000, 0x20_1000]);

/**
 * An exporter with every operation, which notes each call and whether the reservation was held, and maps as the policy
 * says, with the DMA API's maintenance or without. `cacheSgtMapping` is what the constructor is told.
 */
export class OpenExporter implements DmaBufOps {
  readonly calls: string[] = [];
  readonly cacheSgtMapping: boolean;
  readonly #system: System;

  constructor(system: System, cacheSgtMapping = false) {
    this.#system = system;
    this.cacheSgtMapping = cacheSgtMapping;
  }

  #note(operation: string, { resv }: DmaBuf): void {
    this.calls.push(`${operation}${resv.isHeld ? " locked" : ""}`);
  }

  *attach(buffer: DmaBuf, _attachment: Attachment): Process {
    this.#note("attach", buffer);
    yield 0;
  }

  detach(buffer: DmaBuf): void {
    this.#note("detach", buffer);
  }

  *map(attachment: Attachment, direction: DmaDirection): Process<SgMapping> {
    const { buffer, device } = attachment;
    this.#note(`map ${direction}`, buffer);
    yield 0;
    const skipCpuSync = !buffer.core.policy.syncsAtMap(attachment);
    return this.#system.dma.mapSgtable(device, pages, direction, { skipCpuSync });
  }

  *unmap(attachment: Attachment, mapping: SgMapping): Process {
    const { buffer } = attachment;
    this.#note("unmap", buffer);
    yield 0;
    this.#system.dma.unmapSgtable(mapping, { skipCpuSync: !buffer.core.policy.syncsAtMap(attachment) });
  }

  release(buffer: DmaBuf): void {
    this.#note("release", buffer);
  }

  *beginCpuAccess(buffer: DmaBuf, direction: DmaDirection): Process {
    this.#note(`begin ${direction}`, buffer);
    yield 0;
  }

  *endCpuAccess(buffer: DmaBuf, direction: DmaDirection): Process {
    this.#note(`end ${direction}`, buffer);
    yield 0;
  }

  mmap(buffer: DmaBuf): { extents: Extents; memoryType: "write-back" } {
    this.#note("mmap", buffer);
    return { extents: pages, memoryType: "write-back" };
  }
}

/** A running system with one buffer. */
export class BufferBench {
  readonly system: System;
  readonly exporter: OpenExporter;
  readonly buffer: DmaBuf;

  constructor(boot: BootOptions = {}, cacheSgtMapping = false) {
    this.system = assemble(toyBoard, [toyArch()]).boot(boot);
    this.exporter = new OpenExporter(this.system, cacheSgtMapping);
    this.buffer = this.system.dmaBuf.export({ exporterName: "open", ops: this.exporter, size: pages.bytes });
  }

  run<T>(process: Process<T>, name = "test"): T {
    return this.system.simulation.complete(name, process);
  }

  /** The rules that were broken so far, and where: `B-34 dma_buf_map_attachment`. */
  get complaints(): string[] {
    return this.system.simulation.diagnostics.entries.map(({ rule, operation }) => `${rule} ${operation}`);
  }

  /** Adds a fence that signals at `time` ns, or never. */
  *fence(usage: Usage, time = Number.POSITIVE_INFINITY): Process<DmaFence> {
    const { fences, simulation } = this.buffer.core;
    const { resv } = this.buffer;
    const ops = { driverName: usage, timelineName: "test" };
    const fence = DmaFence.init(fences, ops, fences.contextAlloc(), 1);
    yield* resv.lock();
    resv.reserveFences(1);
    resv.addFence(fence, usage);
    resv.unlock();
    simulation.timer(() => void fence.signal()).arm(time - simulation.now);
    return fence;
  }

  /** Runs `process` with the reservation held. */
  *locked<T>(process: () => Process<T>): Process<T> {
    yield* this.buffer.resv.lock();
    try {
      return yield* process();
    } finally {
      this.buffer.resv.unlock();
    }
  }

  /** What the CPU did to its cache so far, with what asked for it: `clean for dma_map_sg`. */
  get maintenance(): string[] {
    const { trace } = this.system.simulation;
    return [...trace.events()]
      .filter(({ point }) => point.name === "cache_maintenance")
      .map((event) => `${event.text("kind")} for ${trace.at(event.cause)?.point.name ?? "nobody"}`);
  }
}

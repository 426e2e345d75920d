// SPDX-License-Identifier: MIT
import type { CpuMapping } from "../buffer/cpu-mapping.ts";
import type { DmaBuf } from "../buffer/dma-buf.ts";
import type { ImportedBuffer } from "../buffer/importer.ts";
import { memoryExtents } from "../buffer/memory-extents.ts";
import type { AccessKind } from "../coherency/operation.ts";
import { directionOf } from "../dma/direction.ts";
import type { Extents } from "../memory/extents.ts";
import type { Process } from "../sim/process.ts";
import { WaitQueue } from "../sim/wait-queue.ts";
import type { DmaFence } from "../sync/dma-fence.ts";
import { usageRw } from "../sync/usage.ts";
import type { PlannedPipeline, PlannedStage } from "./pipeline.ts";
import type { System } from "./system.ts";

/** A pool of buffers while a pipeline runs. */
interface Pool {
  readonly name: string;
  readonly buffers: DmaBuf[];
}

/**
 * Runs a pipeline on a system: allocates, attaches everybody, lets each stage go through the frames in a task of its own,
 * and gives everything back. A stage starts with a frame when the stage before has handed it on (a device stage when its
 * transfer is enqueued, a CPU stage when it is through), and the first stage when nobody uses that frame's buffers any
 * more; fences do the rest.
 */
export class PipelineRun {
  readonly #system: System;
  readonly #plan: PlannedPipeline;
  readonly #pools = new Map<string, Pool>();
  readonly #imports = new Map<string, ImportedBuffer>();
  readonly #mappings = new Map<string, CpuMapping>();
  /** Fences that the program passes on, with explicit synchronisation. */
  readonly #passed = new Map<DmaBuf, { readonly fence: DmaFence; readonly kind: AccessKind }[]>();
  /** Frames that each stage has handed on. */
  readonly #handed: number[];
  /** Buffers of which is told where they are. */
  readonly #known = new Set<string>();
  readonly #progress: WaitQueue;
  readonly #depth: number;
  /** Called with the memory of each buffer as soon as it is known. */
  readonly #located: (buffer: string, index: number, extents: Extents) => void;

  constructor(
    system: System,
    plan: PlannedPipeline,
    located: (buffer: string, index: number, extents: Extents) => void,
  ) {
    this.#system = system;
    this.#plan = plan;
    this.#located = located;
    this.#handed = plan.stages.map(() => 0);
    this.#progress = new WaitQueue(system.simulation, "the stage before");
    this.#depth = Math.min(...[...plan.buffers.values()].map(({ count }) => count));
  }

  /** Frames that went through every stage. */
  get frames(): number {
    return Math.min(...this.#handed);
  }

  /** The buffers, for what a policy says about them. */
  get buffers(): readonly DmaBuf[] {
    return [...this.#pools.values()].flatMap(({ buffers }) => buffers);
  }

  /** The whole run; `started` is called when the buffers are shared, before the first frame. */
  *run(started: () => void): Process {
    try {
      yield* this.#allocate();
      yield* this.#attach();
      yield* this.#map();
      started();
      const { simulation } = this.#system;
      const tasks = this.#plan.stages.map((stage, i) => simulation.spawn(stage.name, this.#stage(stage, i)));
      for (const task of tasks) yield* task.join();
    } finally {
      yield* this.#release();
    }
  }

  *#allocate(): Process {
    const exporter = this.#system.exporter(this.#plan.exporter);
    for (const [name, { size, picture, count, cache }] of this.#plan.buffers) {
      const pool: Pool = { name, buffers: [] };
      this.#pools.set(name, pool);
      for (let index = 0; index < count; index++) {
        const buffer = yield* exporter.allocate(size, cache === null ? {} : { cache });
        if (picture !== null) buffer.describePicture(picture);
        pool.buffers.push(buffer);
        this.#locate(name, index);
      }
    }
  }

  /** Tells where a buffer is as soon as it is anywhere. */
  #locate(pool: string, index: number): void {
    const key = `${pool} ${index}`;
    const extents = memoryExtents(this.#pools.get(pool)?.buffers[index] as DmaBuf);
    if (extents === null || this.#known.has(key)) return;
    this.#known.add(key);
    this.#located(pool, index, extents);
  }

  *#attach(): Process {
    for (const stage of this.#plan.stages) {
      for (const { pool, reads, writes } of this.#uses(stage)) {
        for (const [index, buffer] of pool.buffers.entries()) {
          const key = `${stage.name} ${pool.name} ${index}`;
          if (stage.device === null) this.#mappings.set(key, buffer.mmap(stage.mmap ?? undefined));
          else {
            const importer = this.#system.importer(stage.device);
            // Memory is chosen when everybody is known, where the kernel asks what they can take (D13).
            const mapsLater = this.#system.kernel.constrainsAttach;
            const options = { mapsLater, ...(stage.pin === null ? {} : { pin: stage.pin }) };
            this.#imports.set(key, yield* importer.attach(buffer, directionOf(reads, writes), options));
          }
        }
      }
    }
  }

  /** Maps for those who have only attached so far, and tells where buffers are that had no memory before. */
  *#map(): Process {
    for (const imported of this.#imports.values()) if (imported.map !== undefined) yield* imported.map();
    for (const { name, buffers } of this.#pools.values())
      for (const index of buffers.keys()) this.#locate(name, index);
  }

  *#release(): Process {
    // A driver may take back on detach what it has not done yet.
    for (const buffer of this.buffers) yield* buffer.resv.wait("bookkeep");
    for (const passed of this.#passed.values()) for (const { fence } of passed) fence.put();
    for (const imported of this.#imports.values()) yield* imported.detach();
    for (const mapping of this.#mappings.values()) mapping.unmap();
    for (const { buffers } of this.#pools.values()) for (const buffer of buffers) buffer.put();
  }

  *#stage(stage: PlannedStage, position: number): Process {
    for (let frame = 0; frame < this.#plan.frames; frame++) {
      yield* this.#progress.waitUntil(() => this.#mayStart(position, frame));
      for (const { pool, reads, writes } of this.#uses(stage)) {
        const index = frame % pool.buffers.length;
        const kinds: AccessKind[] = [
          ...(reads ? ["read" as const] : []),
          ...(writes ? ["write" as const] : []),
        ];
        const key = `${stage.name} ${pool.name} ${index}`;
        const buffer = pool.buffers[index] as DmaBuf;
        if (stage.device === null)
          yield* this.#cpu(stage, buffer, this.#mappings.get(key) as CpuMapping, kinds);
        else yield* this.#transfer(stage, this.#imports.get(key) as ImportedBuffer, buffer, kinds);
      }
      this.#handed[position] = frame + 1;
      this.#progress.wakeAll();
    }
  }

  #mayStart(position: number, frame: number): boolean {
    if (position > 0) return (this.#handed[position - 1] as number) > frame;
    return (this.#handed.at(-1) as number) > frame - this.#depth;
  }

  *#transfer(
    stage: PlannedStage,
    imported: ImportedBuffer,
    buffer: DmaBuf,
    kinds: readonly AccessKind[],
  ): Process {
    const [offset, end] = stage.bytes ?? [0, buffer.size];
    const { waits } = stage;
    const implicitSync = this.#plan.sync === "implicit";
    for (const kind of kinds) {
      // A program polls first, because drivers give up on fences after a while.
      if (waits) yield* this.#waitFor(buffer, kind);
      const options = { offset, length: end - offset, implicitSync, waits };
      const fence = yield* imported.transfer(kind, options);
      if (this.#plan.sync === "explicit") this.#passOn(buffer, fence, kind);
      else fence.put();
    }
  }

  /** Waits as the pipeline's synchronisation asks before an access. */
  *#waitFor(buffer: DmaBuf, kind: AccessKind): Process {
    if (this.#plan.sync === "implicit") yield* buffer.resv.wait(usageRw(kind === "write"));
    if (this.#plan.sync !== "explicit") return;
    const passed = this.#passed.get(buffer) ?? [];
    for (const { fence, kind: other } of passed) {
      if (kind === "write" || other === "write") yield* fence.wait();
    }
  }

  /** Keeps a fence for the stages that come after, and lets go of those that have signaled. */
  #passOn(buffer: DmaBuf, fence: DmaFence, kind: AccessKind): void {
    const kept = (this.#passed.get(buffer) ?? []).filter((entry) => {
      if (!entry.fence.isSignaled) return true;
      entry.fence.put();
      return false;
    });
    this.#passed.set(buffer, [...kept, { fence, kind }]);
  }

  *#cpu(stage: PlannedStage, buffer: DmaBuf, mapping: CpuMapping, kinds: readonly AccessKind[]): Process {
    const writes = kinds.includes("write");
    // Whoever writes a part must read as well: the rest of a touched line goes out with it when it is cleaned, and a
    // bracket for writing alone lets it be an old one.
    const direction = directionOf(writes, kinds.includes("read") || (writes && stage.bytes !== null));
    const [offset, end] = stage.bytes ?? [0, buffer.size];
    if (stage.polls && stage.waits) yield* this.#waitFor(buffer, writes ? "write" : "read");
    if (stage.brackets) yield* buffer.beginCpuAccess(direction);
    for (const kind of kinds) {
      yield* kind === "read" ? mapping.read(offset, end - offset) : mapping.write(offset, end - offset);
    }
    if (writes && stage.drains && mapping.memoryType === "write-combining") mapping.drain();
    if (stage.brackets) yield* buffer.endCpuAccess(direction);
  }

  /** The buffers of a stage; one that it reads and writes is one use. */
  #uses(stage: PlannedStage): { pool: Pool; reads: boolean; writes: boolean }[] {
    const names = [...new Set([stage.reads, stage.writes].filter((name) => name !== null))];
    return names.map((name) => ({
      pool: this.#pools.get(name) as Pool,
      reads: name === stage.reads,
      writes: name === stage.writes,
    }));
  }
}

// SPDX-License-Identifier: MIT
import type { Attachment, DmaBuf, DmaDirection, SgMapping, System } from "../../src/index.ts";
import { type Process, Workqueue } from "../../src/sim.ts";
import {
  beginSignalling,
  DmaFence,
  endSignalling,
  LockMap,
  lockAll,
  mightReclaim,
  type Usage,
  usageRw,
} from "../../src/sync.ts";
import type { Fault } from "./fault.ts";

/** What a job does with one buffer. */
export interface JobPart {
  readonly buffer: DmaBuf;
  readonly kind: "read" | "write";
}

interface Imported {
  readonly attachment: Attachment;
  readonly mapping: SgMapping;
}

/**
 * A driver that does everything right: attaches and maps once, takes the buffers of a job in one context, waits, publishes
 * and then submits; hands the memory to the device before and back after, and signals in a marked section of its
 * interrupt thread. `fault` makes one of these things wrong.
 */
export class ReferenceDriver {
  readonly #system: System;
  readonly #device: string;
  readonly #fault: Fault | null;
  readonly #context: number;
  readonly #irq: Workqueue;
  /** Held around submission; never in the section. */
  readonly #lock: LockMap;
  readonly #mmap: LockMap;
  readonly #imports = new Map<DmaBuf, Imported>();
  #seqno = 0;
  #before: DmaFence | null = null;

  constructor(system: System, device: string, fault: Fault | null) {
    this.#system = system;
    this.#device = device;
    this.#fault = fault;
    this.#context = system.dmaBuf.fences.contextAlloc();
    this.#irq = new Workqueue(system.simulation, `${device} irq`);
    this.#lock = new LockMap(system.simulation, "driver->lock");
    this.#mmap = new LockMap(system.simulation, "mmap_lock");
  }

  *attach(buffer: DmaBuf, direction: DmaDirection): Process {
    if (this.#fault !== "no reference") buffer.get();
    const { resv } = buffer;
    const locked = this.#fault === "attach with lock";
    if (locked) yield* resv.lock();
    const attachment = yield* buffer.attach(this.#system.device(this.#device));
    if (locked) resv.unlock();
    if (this.#fault !== "map without lock") yield* resv.lock();
    const wrong = this.#fault === "map to-device";
    const mapping = yield* this.#fault === "map twice locked"
      ? attachment.mapUnlocked(direction)
      : attachment.map(wrong ? "to-device" : direction);
    if (this.#fault !== "map without lock") resv.unlock();
    this.#imports.set(buffer, { attachment, mapping });
  }

  /** Publishes a fence in every buffer of the job, gives the job to the device, and then says so. */
  *submit(parts: readonly JobPart[], queued: () => void): Process {
    const { dmaBuf } = this.#system;
    const ops = { driverName: this.#device, timelineName: "ring 0" };
    const fence = DmaFence.init(dmaBuf.fences, ops, this.#context, ++this.#seqno);
    this.#mmap.might();
    const inside = this.#fault === "driver lock inside" && this.#seqno > 1;
    if (!inside) this.#lock.acquire();
    yield* this.#locked(parts, fence, inside);
    if (this.#fault === "publish without lock") this.#publish(parts, fence);
    if (!inside) this.#lock.release();
    if (this.#fault === "lock kept") (parts[0] as JobPart).buffer.resv.trylock();
    if (this.#fault === "signal at submit") fence.signal();
    if (this.#fault === "trylock in callback") {
      const { resv } = (parts[0] as JobPart).buffer;
      fence.addCallback(() => void (resv.trylock() && resv.unlock()));
    }
    if (this.#fault !== "submit nothing") this.#start(parts, fence);
    queued();
    if (this.#fault === "publish after submit") {
      // Preempted here: taking the lock at once would order it by luck.
      yield 100;
      using _locks = yield* lockAll(
        parts.map(({ buffer }) => buffer.resv),
        { slots: 1 },
      );
      this.#publish(parts, fence);
    }
  }

  /** What happens with the reservations of all buffers held. */
  *#locked(parts: readonly JobPart[], fence: DmaFence, inside: boolean): Process {
    const resvs = parts.map(({ buffer }) => buffer.resv);
    const [first] = parts as [JobPart];
    if (this.#fault === "locks without context") {
      for (const resv of resvs) {
        yield* resv.lock();
        resv.reserveFences(1);
      }
      yield* this.#wait(parts, fence);
      this.#publish(parts, fence);
      for (const resv of resvs) resv.unlock();
      return;
    }
    if (this.#fault === "context inside lock") yield* this.#nestedContext();
    if (this.#fault === "reserve, then relock") (yield* lockAll(resvs, { slots: 1 }))[Symbol.dispose]();
    const reserves = this.#fault !== "no reserve" && this.#fault !== "reserve, then relock";
    const slots = this.#fault === "reserve nothing" ? 0 : 1;
    using _locks = yield* lockAll(resvs, reserves ? { slots } : {});
    if (inside) this.#lock.acquire();
    if (this.#fault === "fault under lock") this.#mmap.might();
    yield* this.#wait(parts, fence);
    if (this.#fault === "wait for own fence") {
      this.#publish(parts, fence);
      yield* first.buffer.resv.wait("bookkeep");
    }
    if (this.#fault !== "publish after submit" && this.#fault !== "publish without lock")
      this.#publish(parts, fence);
    if (this.#fault === "put under lock") first.buffer.get().put();
    if (inside) this.#lock.release();
    if (this.#fault === "unlock twice") first.buffer.resv.unlock();
  }

  *#nestedContext(): Process {
    const [[buffer]] = this.#imports as unknown as [[DmaBuf]];
    yield* buffer.resv.lock();
    using _context = buffer.resv.pool.acquireInit();
    buffer.resv.unlock();
  }

  *#wait(parts: readonly JobPart[], fence: DmaFence): Process {
    if (this.#fault === "no wait") return;
    for (const { buffer, kind } of parts) {
      const writes = this.#fault === "wait as reader" ? false : kind === "write";
      if (this.#fault === "negative timeout") {
        try {
          yield* fence.wait({ timeout: -1 });
        } catch {
          // EINVAL: the driver looks at it no further.
        }
      }
      yield* buffer.resv.wait(usageRw(writes));
    }
  }

  #publish(parts: readonly JobPart[], fence: DmaFence): void {
    if (this.#fault === "publish nothing") return;
    for (const { buffer, kind } of parts) {
      let usage: Usage = kind;
      if (this.#fault === "publish as reader") usage = "read";
      if (this.#fault === "publish as bookkeep") usage = "bookkeep";
      buffer.resv.addFence(fence, usage);
    }
  }

  #start(parts: readonly JobPart[], fence: DmaFence): void {
    const { dma } = this.#system;
    let left = parts.length;
    const ids = parts.map(({ buffer, kind }) => {
      const { attachment, mapping } = this.#imports.get(buffer) as Imported;
      dma.syncSgtableForDevice(mapping);
      const id = attachment.transfer(mapping, kind, 0, buffer.size, () => {
        if (this.#fault === "trylock in completion") buffer.resv.trylock();
        if (--left === 0) this.#irq.queue(() => this.#complete(parts, fence));
      });
      return { attachment, id };
    });
    if (this.#fault === "cancel without signal" && this.#seqno === 2) {
      for (const { attachment, id } of ids) attachment.cancel(id);
      fence.put();
    }
  }

  /** The interrupt thread: what the signal depends on, the signal, and what may take its time. */
  *#complete(parts: readonly JobPart[], fence: DmaFence): Process {
    const { simulation, dma, cpu } = this.#system;
    const handBack = (): void => {
      for (const { buffer } of parts) {
        const { mapping } = this.#imports.get(buffer) as Imported;
        const direction = this.#fault === "end access to-device" ? "to-device" : mapping.direction;
        dma.syncSgtableForCpu(mapping, direction);
      }
    };
    const cookie = beginSignalling(simulation);
    if (this.#fault !== "no end access" && this.#fault !== "end access after signal") handBack();
    yield* cpu.settle();
    yield* this.#needs(parts);
    this.#signal(fence);
    if (this.#fault !== "section without end") endSignalling(simulation, cookie);
    if (this.#fault === "end access after signal") {
      yield 10_000;
      handBack();
    }
    if (this.#fault === "put instead of signal") return;
    fence.put();
    if (this.#fault === "put twice") while (fence.pool.references(fence.id) > 0) fence.put();
  }

  /** What a signal must not depend on. */
  *#needs(parts: readonly JobPart[]): Process {
    const { simulation, dmaBuf } = this.#system;
    const [{ buffer }] = parts as [JobPart];
    const { attachment, mapping } = this.#imports.get(buffer) as Imported;
    const fault = this.#fault;
    if (fault === "unmap before signal") {
      yield* attachment.unmapUnlocked(mapping);
      this.#imports.set(buffer, {
        attachment,
        mapping: yield* attachment.mapUnlocked(mapping.direction),
      });
    }
    if (fault === "detach before signal") {
      const second = yield* buffer.attach(this.#system.device(this.#device));
      yield* second.detach();
    }
    if (fault === "allocate before signal") mightReclaim(simulation);
    if (fault === "allocate nofs before signal") mightReclaim(simulation, "nofs");
    if (fault === "export before signal")
      dmaBuf.export({ exporterName: "trace", size: 4096, ops: buffer.ops }).get();
    if (fault === "wait before signal")
      yield* this.#before?.wait({ timeout: 0 }) ?? buffer.resv.wait("kernel");
    if (fault === "fault before signal") this.#mmap.might();
    if (fault === "driver lock before signal") this.#lock.might();
  }

  #signal(fence: DmaFence): void {
    const before = this.#before ?? fence.get();
    this.#before = fence.get();
    this.#signalOne(fence, before);
    before.put();
  }

  #signalOne(fence: DmaFence, before: DmaFence): void {
    if (this.#fault === "signal never") return;
    if (this.#fault === "put instead of signal") fence.put();
    else if (this.#fault === "signal the one before") before.signal();
    else if (this.#fault !== "signal at submit") fence.signal();
    if (this.#fault === "signal twice") fence.signal();
    if (this.#fault === "error after signal") fence.setError("EIO");
  }

  /** What the kernel calls when memory is short: it only tries. */
  shrink(): Process {
    return this.#reclaim("fs_reclaim", this.#fault === "lock in shrinker");
  }

  /** What the kernel calls when an address range goes away. */
  invalidate(): Process {
    return this.#reclaim("mmu_notifier_invalidate_range_start", this.#fault === "lock in notifier");
  }

  *#reclaim(state: string, sleeps: boolean): Process {
    using _state = new LockMap(this.#system.simulation, state).acquire();
    for (const { resv } of this.#imports.keys()) {
      if (sleeps) yield* resv.lock();
      if (sleeps || resv.trylock()) resv.unlock();
    }
  }

  *detach(): Process {
    this.#before?.put();
    this.#before = null;
    for (const [buffer, { attachment, mapping }] of this.#imports) {
      const { resv } = buffer;
      const locks = this.#fault !== "unmap without lock";
      if (locks) yield* resv.lock();
      if (this.#fault !== "no unmap") yield* attachment.unmap(mapping);
      if (locks && this.#fault !== "detach with lock") resv.unlock();
      if (this.#fault !== "no detach") yield* attachment.detach();
      if (this.#fault !== "no reference") buffer.put();
    }
  }
}

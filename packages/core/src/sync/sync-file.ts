// SPDX-License-Identifier: MIT
import type { Process } from "../sim/process.ts";
import type { DmaFence } from "./dma-fence.ts";
import { mergeFences, unwrapFence } from "./dma-fence-unwrap.ts";
import type { CallbackId } from "./fence-callback.ts";
import type { FenceStatus } from "./fence-state.ts";
import { type PollEvent, type PollOptions, PollQueue } from "./poll-queue.ts";

/** Bytes that a name may have; what is longer is cut (S-3). */
const NAME_BYTES = 31;

/** What a sync file says about one of its fences (S-6). @see struct sync_fence_info */
export interface SyncFenceInfo {
  /** The kernel's `obj_name`. */
  readonly timelineName: string;
  readonly driverName: string;
  readonly status: FenceStatus;
  /** When it signaled, in ns; 0 while it has not. */
  readonly timestamp: number;
}

/** What a sync file says about itself (S-5). @see struct sync_file_info */
export interface SyncFileInfo {
  readonly name: string;
  /** The first status that is not signaled, an error or active, else signaled. */
  readonly status: FenceStatus;
  readonly fences: readonly SyncFenceInfo[];
}

/**
 * A fence as a file, which user space can pass on, merge and poll (S-1 to S-10): explicit synchronisation.
 * @see struct sync_file
 */
export class SyncFile implements Disposable {
  /** Its fence, of which it holds a reference of its own. */
  readonly fence: DmaFence;
  readonly #name: string | null;
  readonly #pollers: PollQueue;
  #callback: CallbackId | null = null;
  #polled = false;
  #references = 1;

  private constructor(fence: DmaFence, name: string | null) {
    this.fence = fence;
    this.#name = name;
    this.#pollers = new PollQueue(fence.pool.simulation, `poll of a sync file of ${fence.describe()}`);
  }

  /** Makes a file of a fence, with one reference, and takes a reference of the fence (S-1). @see sync_file_create */
  static create(fence: DmaFence): SyncFile {
    return new SyncFile(fence.get(), null);
  }

  /**
   * Makes a file of the fences of two, the same one twice if need be: what has signaled is dropped, and of each context
   * the latest is kept (S-3, F-48). A name is cut after 31 bytes. @see sync_file_merge
   */
  static merge(name: string, one: SyncFile, other: SyncFile): SyncFile {
    return new SyncFile(mergeFences([one.fence, other.fence]), name.slice(0, NAME_BYTES));
  }

  /** The name it was merged with, or driver, timeline, context and seqno of its fence (S-7). @see sync_file_get_name */
  get name(): string {
    const { driverName, timelineName, context, seqno } = this.fence;
    return this.#name ?? `${driverName}-${timelineName}${context}-${seqno}`.slice(0, NAME_BYTES);
  }

  /** References to the file. */
  get references(): number {
    return this.#references;
  }

  /** Name, status, and each of its fences (S-5, S-6). @see sync_file_ioctl_fence_info */
  info(): SyncFileInfo {
    const fences = unwrapFence(this.fence).map((fence) => {
      const { timelineName, driverName, status } = fence;
      return { timelineName, driverName, status, timestamp: status === "active" ? 0 : fence.timestamp };
    });
    const status = fences.find((info) => info.status !== "signaled")?.status ?? "signaled";
    return { name: this.name, status, fences };
  }

  /** Tells the drivers when their work should be done, in ns of virtual time (S-8, F-28). @see SYNC_IOC_SET_DEADLINE */
  setDeadline(time: number): void {
    this.fence.setDeadline(time);
  }

  /**
   * What a poll finds now: readable when the fence has signaled, with an error too; never writable (S-4). The first one
   * hooks the fence, and so makes the driver see to the signal. @see sync_file_poll
   */
  pollEvents(): readonly PollEvent[] {
    if (!this.#polled) {
      this.#polled = true;
      this.#callback = this.fence.addCallback(() => this.#pollers.wake());
    }
    return this.fence.isSignaled ? ["in"] : [];
  }

  /**
   * Waits until it has something of `interest`, and says what; nothing when the time is over before (S-4). Throws
   * `KernelError` EINTR for a signal.
   */
  poll(interest: readonly PollEvent[], options: PollOptions = {}): Process<readonly PollEvent[]> {
    const self = this;
    function* ask(): Process<readonly PollEvent[]> {
      return self.pollEvents().filter((event) => interest.includes(event));
    }
    return this.fence.pool.simulation.process("sync_file_poll", this.#pollers.poll(ask, options));
  }

  /** Takes another reference. */
  get(): this {
    this.#references++;
    return this;
  }

  /** Gives a reference back; the last one unhooks the fence and puts it (S-10). @see sync_file_release */
  put(): void {
    if (--this.#references > 0) return;
    if (this.#references < 0) throw new TypeError("sync_file: the last reference is gone already (S-10)");
    if (this.#callback !== null) this.fence.removeCallback(this.#callback);
    this.fence.put();
  }

  [Symbol.dispose](): void {
    this.put();
  }
}

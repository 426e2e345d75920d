// SPDX-License-Identifier: MIT
import {
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  type ImportedBuffer,
  KernelError,
  type Process,
  type TransferOptions,
  transferSync,
} from "@dmabuf/core";
import type { AccessKind, Route } from "@dmabuf/core/coherency";
import { DmaFence } from "@dmabuf/core/sync";
import type { I915Object } from "./i915-object.ts";
import { ImportedBacking } from "./imported-backing.ts";

/** How accesses of one job go, and what is to be done when it is through; that runs in atomic context. */
export interface PreparedJob {
  readonly route: Route;
  readonly done?: () => void;
}

/** Which buffer, on which of the driver's devices, and what the device may do with it. */
export interface ImportInit {
  readonly buffer: DmaBuf;
  readonly object: I915Object;
  readonly device: DmaDevice;
  readonly direction: DmaDirection;
}

/**
 * A buffer as one device of the driver works with it, whoever made it: wait for the others, bring the object into a state
 * that the device may use, publish a fence, run. What that state is, the device says.
 */
export abstract class I915Import implements ImportedBuffer {
  readonly object: I915Object;
  protected readonly buffer: DmaBuf;
  protected readonly device: DmaDevice;
  readonly #direction: DmaDirection;
  readonly #context: number;
  readonly #fenceOps: { readonly driverName: string; readonly timelineName: string };
  #seqno = 0;
  #attached = true;

  /** Takes over a reference to the object, and takes one to the buffer. */
  constructor({ buffer, object, device, direction }: ImportInit) {
    this.buffer = buffer.get();
    this.object = object;
    this.device = device;
    this.#direction = direction;
    this.#context = buffer.core.fences.contextAlloc();
    this.#fenceOps = { driverName: "i915", timelineName: device.name };
  }

  /** Makes the object ready for a job; the reservation is held, and others have been waited for. */
  protected abstract prepare(): Process<PreparedJob>;
  /** The job's fence is published: the object is the device's from here on. */
  protected abstract begun(kind: AccessKind): void;
  /** The last job is done: lets go of what the device kept. */
  protected abstract ended(): void;

  transfer(kind: AccessKind, options: TransferOptions = {}): Process<DmaFence> {
    return this.object.driver.services.simulation.process(
      `${this.device.name} job`,
      this.#transfer(kind, options),
    );
  }

  *#transfer(kind: AccessKind, options: TransferOptions): Process<DmaFence> {
    const { nonblock = false } = options;
    const { object } = this;
    const { resv } = object;
    const part = this.#part(kind, options);
    const { waitsFor, publishes } = transferSync(kind, options);
    if (!nonblock) yield* resv.lock();
    else if (!resv.trylock()) throw this.#error("EBUSY", `${resv.describe()} is taken`);
    try {
      const left = waitsFor === null ? 1 : yield* resv.wait(waitsFor, nonblock ? { timeout: 0 } : {});
      if (left === 0) throw this.#error("EBUSY", "fences are pending");
      const job = yield* this.prepare();
      const { fences } = this.buffer.core;
      const fence = DmaFence.init(fences, this.#fenceOps, this.#context, ++this.#seqno);
      resv.reserveFences(1);
      resv.addFence(fence, publishes);
      this.begun(kind);
      this.#run(kind, part, job, fence.get());
      return fence;
    } finally {
      resv.unlock();
    }
  }

  #run(
    kind: AccessKind,
    { offset, bytes }: { offset: number; bytes: number },
    job: PreparedJob,
    fence: DmaFence,
  ): void {
    const { object, device, buffer } = this;
    const { backing } = object;
    const imported = backing instanceof ImportedBacking ? backing : null;
    const transfer = {
      buffer,
      device,
      kind,
      attachment: imported?.attachment ?? null,
      mapping: object.pages.mapping,
      extents: backing.extents.slice(offset, bytes),
      offset,
      route: job.route,
    };
    object.get().active++;
    buffer.core.transfers.start(transfer, () => {
      object.active--;
      job.done?.();
      fence.signal();
      fence.put();
      object.putLater();
    });
  }

  detach(): Process {
    return this.object.driver.services.simulation.process(`${this.device.name} close`, this.#detach());
  }

  *#detach(): Process {
    const { object, buffer } = this;
    this.#attached = false;
    yield* object.resv.wait("bookkeep");
    this.ended();
    yield* object.put();
    buffer.put();
  }

  #part(kind: AccessKind, { offset = 0, length = this.buffer.size - offset }: TransferOptions) {
    const { size } = this.buffer;
    if (!this.#attached) throw this.#error("EPERM", "the buffer is detached");
    if (this.#direction === (kind === "read" ? "from-device" : "to-device")) {
      throw this.#error("EINVAL", `the buffer is attached ${this.#direction}, the device cannot ${kind} it`);
    }
    if (!(length > 0 && offset >= 0 && offset + length <= size)) {
      throw this.#error(
        "EINVAL",
        `[${offset}, ${offset + length}) is not a part of a buffer of ${size} bytes`,
      );
    }
    return { offset, bytes: length };
  }

  #error(errno: "EPERM" | "EINVAL" | "EBUSY", reason: string): KernelError {
    return new KernelError(errno, `${this.device.name} job`, reason);
  }
}

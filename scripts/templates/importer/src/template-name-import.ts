// SPDX-License-Identifier: MIT
import {
  type Attachment,
  type CoreServices,
  directionOf,
  type ImportedBuffer,
  KernelError,
  type Process,
  type SgMapping,
  type TransferOptions,
} from "@dmabuf/core";
import type { AccessKind } from "@dmabuf/core/coherency";
import { DmaFence, usageRw } from "@dmabuf/core/sync";

/** A buffer that the driver has attached and mapped. */
export class TemplateNameImport implements ImportedBuffer {
  readonly #services: CoreServices;
  readonly #attachment: Attachment;
  readonly #mapping: SgMapping;
  /** Fences of one attachment signal in order. */
  readonly #context: number;
  #seqno = 0;
  #attached = true;

  constructor(services: CoreServices, attachment: Attachment, mapping: SgMapping) {
    this.#services = services;
    this.#attachment = attachment;
    this.#mapping = mapping;
    this.#context = services.dmaBuf.fences.contextAlloc();
  }

  transfer(kind: AccessKind, options: TransferOptions = {}): Process<DmaFence> {
    return this.#services.simulation.process("template-name transfer", this.#transfer(kind, options));
  }

  /** Implicit synchronisation: wait for those before, tell those behind, then start the device. */
  *#transfer(kind: AccessKind, { offset = 0, length, nonblock = false }: TransferOptions): Process<DmaFence> {
    const { buffer, device } = this.#attachment;
    const { fences } = this.#services.dmaBuf;
    const bytes = length ?? buffer.size - offset;
    const operation = `${device.name} transfer`;
    if (!this.#attached) throw new KernelError("ENOENT", operation, "the buffer is not attached any more");
    const { direction } = this.#mapping;
    if (direction !== "bidirectional" && direction !== directionOf(kind === "read", kind === "write")) {
      throw new KernelError("EINVAL", operation, `the device ${kind}s, and the buffer is mapped ${direction}`);
    }
    if (!(bytes > 0 && offset >= 0 && offset + bytes <= buffer.size)) {
      const reason = `[${offset}, ${offset + bytes}) is not a part of a buffer of ${buffer.size} bytes`;
      throw new KernelError("EINVAL", operation, reason);
    }
    yield* buffer.resv.lock();
    const names = { driverName: "template-name", timelineName: device.name };
    const fence = DmaFence.init(fences, names, this.#context, ++this.#seqno);
    try {
      const left = yield* buffer.resv.wait(usageRw(kind === "write"), nonblock ? { timeout: 0 } : {});
      if (left === 0) throw new KernelError("EBUSY", operation, "fences are pending");
      buffer.resv.reserveFences(1);
      buffer.resv.addFence(fence, kind);
    } catch (error) {
      fence.signal();
      fence.put();
      throw error;
    } finally {
      buffer.resv.unlock();
    }
    const done = fence.get();
    this.#attachment.transfer(this.#mapping, kind, offset, bytes, () => {
      done.signal();
      done.put();
    });
    return fence;
  }

  detach(): Process {
    return this.#services.simulation.process("template-name detach", this.#detach());
  }

  *#detach(): Process {
    if (!this.#attached) return;
    this.#attached = false;
    const { buffer } = this.#attachment;
    yield* buffer.resv.wait("bookkeep");
    yield* this.#attachment.unmapUnlocked(this.#mapping);
    yield* this.#attachment.detach();
    buffer.put();
  }
}

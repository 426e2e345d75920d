// SPDX-License-Identifier: MIT
import {
  type Attachment,
  type CoreServices,
  type ImportedBuffer,
  KernelError,
  type Process,
  type SgMapping,
  type TransferOptions,
} from "@dmabuf/core";
import type { AccessKind } from "@dmabuf/core/coherency";
import { DmaFence, usageRw } from "@dmabuf/core/sync";

/** A buffer that the camera has attached and mapped, for as long as it has it. */
export class CameraImport implements ImportedBuffer {
  readonly #services: CoreServices;
  readonly #attachment: Attachment;
  readonly #mapping: SgMapping;
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
    return this.#services.simulation.process("camera transfer", this.#transfer(kind, options));
  }

  *#transfer(kind: AccessKind, { offset = 0, length, nonblock = false }: TransferOptions): Process<DmaFence> {
    const { buffer, device } = this.#attachment;
    if (!this.#attached) throw new KernelError("EPERM", "camera transfer", "the buffer is not attached");
    const bytes = length ?? buffer.size - offset;
    if (kind !== "write" || !(bytes > 0 && offset >= 0 && offset + bytes <= buffer.size)) {
      const reason = `${device.name} cannot ${kind} [${offset}, ${offset + bytes}) of ${buffer.size} bytes`;
      throw new KernelError("EINVAL", "camera transfer", reason);
    }
    const names = { driverName: "camera", timelineName: device.name };
    yield* buffer.resv.lock();
    const fence = DmaFence.init(this.#services.dmaBuf.fences, names, this.#context, ++this.#seqno);
    try {
      const left = yield* buffer.resv.wait(usageRw(kind === "write"), nonblock ? { timeout: 0 } : {});
      if (left === 0) throw new KernelError("EBUSY", "camera transfer", "somebody still uses the buffer");
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
    return this.#services.simulation.process("camera detach", this.#detach());
  }

  *#detach(): Process {
    const { buffer } = this.#attachment;
    this.#attached = false;
    yield* buffer.resv.wait("bookkeep");
    yield* this.#attachment.unmapUnlocked(this.#mapping);
    yield* this.#attachment.detach();
    buffer.put();
  }
}

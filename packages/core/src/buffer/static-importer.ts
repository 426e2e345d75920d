// SPDX-License-Identifier: MIT
import type { AccessKind } from "../coherency/operation.ts";
import type { DmaDirection } from "../dma/direction.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import type { SgMapping } from "../dma/mapping.ts";
import { KernelError } from "../error.ts";
import type { Process } from "../sim/process.ts";
import { DmaFence } from "../sync/dma-fence.ts";
import type { FenceOps } from "../sync/fence-ops.ts";
import type { Attachment } from "./attachment.ts";
import type { DmaBuf } from "./dma-buf.ts";
import type { DmaBufCore } from "./dma-buf-core.ts";
import { type ImportedBuffer, type Importer, type TransferOptions, transferSync } from "./importer.ts";

/**
 * The plain driver that every device has until a plugin brings its own: attaches and maps once, and does each transfer
 * by the implicit-sync recipe: wait, publish, submit, signal. It is the skeleton OI-5, no driver in particular.
 */
export class StaticImporter implements Importer {
  readonly #core: DmaBufCore;
  readonly #device: DmaDevice;

  constructor(core: DmaBufCore, device: DmaDevice) {
    this.#core = core;
    this.#device = device;
  }

  attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    return this.#core.simulation.process(`attach ${this.#device.name}`, this.#attach(buffer, direction));
  }

  *#attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    buffer.get();
    try {
      const attachment = yield* buffer.attach(this.#device);
      try {
        const mapping = yield* attachment.mapUnlocked(direction);
        return new StaticImport(this.#core, attachment, mapping);
      } catch (error) {
        yield* attachment.detach();
        throw error;
      }
    } catch (error) {
      buffer.put();
      throw error;
    }
  }
}

class StaticImport implements ImportedBuffer {
  readonly #core: DmaBufCore;
  readonly #attachment: Attachment;
  readonly #mapping: SgMapping;
  readonly #context: number;
  readonly #fenceOps: FenceOps;
  #seqno = 0;
  #attached = true;

  constructor(core: DmaBufCore, attachment: Attachment, mapping: SgMapping) {
    this.#core = core;
    this.#attachment = attachment;
    this.#mapping = mapping;
    this.#context = core.fences.contextAlloc();
    const { name } = attachment.device;
    this.#fenceOps = { driverName: name, timelineName: name };
  }

  transfer(kind: AccessKind, options: TransferOptions = {}): Process<DmaFence> {
    return this.#core.simulation.process("transfer", this.#transfer(kind, options));
  }

  *#transfer(kind: AccessKind, options: TransferOptions): Process<DmaFence> {
    const { offset = 0, length, nonblock = false } = options;
    const { buffer, device } = this.#attachment;
    if (!this.#attached) throw new KernelError("EPERM", `${device.name} transfer`, "the buffer is detached");
    const { direction } = this.#mapping;
    if (direction === (kind === "read" ? "from-device" : "to-device")) {
      const reason = `the buffer is mapped ${direction}, the device cannot ${kind} it`;
      throw new KernelError("EINVAL", `${device.name} transfer`, reason);
    }
    const bytes = length ?? buffer.size - offset;
    if (!(bytes > 0 && offset >= 0 && offset + bytes <= buffer.size)) {
      const reason = `[${offset}, ${offset + bytes}) is not a part of a buffer of ${buffer.size} bytes`;
      throw new KernelError("EINVAL", `${device.name} transfer`, reason);
    }
    const { waitsFor, publishes } = transferSync(kind, options);
    if (!nonblock) yield* buffer.resv.lock();
    else if (!buffer.resv.trylock()) {
      throw new KernelError("EBUSY", `${device.name} transfer`, `${buffer.resv.describe()} is taken`);
    }
    const fence = DmaFence.init(this.#core.fences, this.#fenceOps, this.#context, ++this.#seqno);
    try {
      const left = waitsFor === null ? 1 : yield* buffer.resv.wait(waitsFor, nonblock ? { timeout: 0 } : {});
      if (left === 0) throw new KernelError("EBUSY", `${device.name} transfer`, "fences are pending");
      buffer.resv.reserveFences(1);
      buffer.resv.addFence(fence, publishes);
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
    return this.#core.simulation.process("detach", this.#detach());
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

// SPDX-License-Identifier: MIT
import type { AccessKind } from "../coherency/operation.ts";
import type { DmaDirection } from "../dma/direction.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import type { Process } from "../sim/process.ts";
import type { DmaFence } from "../sync/dma-fence.ts";
import type { Attachment } from "./attachment.ts";
import type { DmaBuf } from "./dma-buf.ts";
import type { ImportedBuffer, TransferOptions } from "./importer.ts";
import { MappedAttachment } from "./mapped-attachment.ts";
import { StaticImport } from "./static-import.ts";

/** A buffer that a driver has attached and maps later, when everybody has attached: what the proposal asks of importers (PR-12, D13). */
export class AttachedImport implements ImportedBuffer {
  readonly #attachment: Attachment;
  readonly #direction: DmaDirection;
  #mapped: StaticImport | null = null;

  private constructor(attachment: Attachment, direction: DmaDirection) {
    this.#attachment = attachment;
    this.#direction = direction;
  }

  /** Takes a reference and attaches; gives the reference back when that fails. Throws as `DmaBuf.attach`. */
  static *attach(buffer: DmaBuf, device: DmaDevice, direction: DmaDirection): Process<AttachedImport> {
    buffer.get();
    try {
      return new AttachedImport(yield* buffer.attach(device), direction);
    } catch (error) {
      buffer.put();
      throw error;
    }
  }

  /** Maps it, once. Throws as `Attachment.map`. */
  map(): Process {
    return this.#simulation.process(`map ${this.#attachment.device.name}`, this.#map());
  }

  *#map(): Process {
    const mapping = yield* this.#attachment.mapUnlocked(this.#direction);
    this.#mapped = new StaticImport(new MappedAttachment(this.#attachment, mapping));
  }

  /** Throws `TypeError` before `map`, and `KernelError` as `FencedTransfers.transfer`. */
  transfer(kind: AccessKind, options: TransferOptions = {}): Process<DmaFence> {
    if (this.#mapped === null)
      throw new TypeError(`${this.#attachment.device.name} has not mapped the buffer`);
    return this.#mapped.transfer(kind, options);
  }

  detach(): Process {
    return this.#mapped?.detach() ?? this.#simulation.process("detach", this.#detach());
  }

  *#detach(): Process {
    yield* this.#attachment.detach();
    this.#attachment.buffer.put();
  }

  get #simulation(): DmaBuf["core"]["simulation"] {
    return this.#attachment.buffer.core.simulation;
  }
}

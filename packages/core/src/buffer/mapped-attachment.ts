// SPDX-License-Identifier: MIT
import type { DmaDirection } from "../dma/direction.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import type { SgMapping } from "../dma/mapping.ts";
import type { Process } from "../sim/process.ts";
import type { Attachment } from "./attachment.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** A device's share in a buffer that is mapped once and for good, with the reference that keeps the buffer (B-17). */
export class MappedAttachment {
  readonly attachment: Attachment;
  readonly mapping: SgMapping;

  /** For `attach`, and for whoever has attached with a reference of his own and mapped: both become its own. */
  constructor(attachment: Attachment, mapping: SgMapping) {
    this.attachment = attachment;
    this.mapping = mapping;
  }

  /**
   * Takes a reference, attaches and maps. What fails on the way is thrown when everything before it was given back.
   * @param accept looks at the result last, and throws `KernelError` for a mapping that the device cannot use
   */
  static attach(
    buffer: DmaBuf,
    device: DmaDevice,
    direction: DmaDirection,
    accept?: (mapped: MappedAttachment) => void,
  ): Process<MappedAttachment> {
    const process = MappedAttachment.#attach(buffer, device, direction, accept);
    return buffer.core.simulation.process(`attach ${device.name}`, process);
  }

  static *#attach(
    buffer: DmaBuf,
    device: DmaDevice,
    direction: DmaDirection,
    accept: ((mapped: MappedAttachment) => void) | undefined,
  ): Process<MappedAttachment> {
    buffer.get();
    try {
      const attachment = yield* buffer.attach(device);
      try {
        const mapping = yield* attachment.mapUnlocked(direction);
        try {
          const mapped = new MappedAttachment(attachment, mapping);
          accept?.(mapped);
          return mapped;
        } catch (error) {
          yield* attachment.unmapUnlocked(mapping);
          throw error;
        }
      } catch (error) {
        yield* attachment.detach();
        throw error;
      }
    } catch (error) {
      buffer.put();
      throw error;
    }
  }

  /** Unmaps, detaches and puts the reference. */
  release(): Process {
    const { buffer, device } = this.attachment;
    return buffer.core.simulation.process(`detach ${device.name}`, this.#release());
  }

  *#release(): Process {
    const { buffer } = this.attachment;
    yield* this.attachment.unmapUnlocked(this.mapping);
    yield* this.attachment.detach();
    buffer.put();
  }
}

// SPDX-License-Identifier: MIT
import type { DmaDirection } from "../dma/direction.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import type { Process } from "../sim/process.ts";
import type { DmaBuf } from "./dma-buf.ts";
import type { ImportedBuffer, Importer } from "./importer.ts";
import { MappedAttachment } from "./mapped-attachment.ts";
import { StaticImport } from "./static-import.ts";

/** The plain driver that every device has until a plugin brings its own: its buffers are `StaticImport`s. */
export class StaticImporter implements Importer {
  readonly #device: DmaDevice;

  constructor(device: DmaDevice) {
    this.#device = device;
  }

  attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    const { simulation } = buffer.core;
    return simulation.process(`attach ${this.#device.name}`, this.#attach(buffer, direction));
  }

  *#attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    return new StaticImport(yield* MappedAttachment.attach(buffer, this.#device, direction));
  }
}

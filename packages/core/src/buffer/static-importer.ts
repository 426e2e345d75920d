// SPDX-License-Identifier: MIT
import type { DmaDirection } from "../dma/direction.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import type { Process } from "../sim/process.ts";
import { AttachedImport } from "./attached-import.ts";
import type { DmaBuf } from "./dma-buf.ts";
import type { AttachOptions, ImportedBuffer, Importer } from "./importer.ts";
import { MappedAttachment } from "./mapped-attachment.ts";
import { StaticImport } from "./static-import.ts";

/** The plain driver that every device has until a plugin brings its own: its buffers are `StaticImport`s. */
export class StaticImporter implements Importer {
  readonly #device: DmaDevice;

  constructor(device: DmaDevice) {
    this.#device = device;
  }

  attach(buffer: DmaBuf, direction: DmaDirection, options: AttachOptions = {}): Process<ImportedBuffer> {
    const { simulation } = buffer.core;
    return simulation.process(`attach ${this.#device.name}`, this.#attach(buffer, direction, options));
  }

  *#attach(
    buffer: DmaBuf,
    direction: DmaDirection,
    { mapsLater = false }: AttachOptions,
  ): Process<ImportedBuffer> {
    if (mapsLater) return yield* AttachedImport.attach(buffer, this.#device, direction);
    return new StaticImport(yield* MappedAttachment.attach(buffer, this.#device, direction));
  }
}

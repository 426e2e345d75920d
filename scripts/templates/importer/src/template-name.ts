// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  definePlugin,
  type ImportedBuffer,
  type Importer,
  MappedAttachment,
  type Plugin,
  type Process,
  StaticImport,
} from "@dmabuf/core";

/**
 * A driver that maps a buffer when it is attached and keeps the mapping; each transfer waits for those before, tells those
 * behind, and starts the device.
 */
class TemplateName implements Importer {
  readonly #services: CoreServices;
  readonly #device: DmaDevice;

  constructor(services: CoreServices, device: DmaDevice) {
    this.#services = services;
    this.#device = device;
  }

  attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    return this.#services.simulation.process("template-name attach", this.#attach(buffer, direction));
  }

  *#attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    const mapped = yield* MappedAttachment.attach(buffer, this.#device, direction);
    return new StaticImport(mapped, { driverName: "template-name", timelineName: this.#device.name });
  }
}

/** The template-name driver on the board's device of that name. */
export const templateName = (device: string): Plugin =>
  definePlugin({
    name: "@dmabuf/importer-template-name",
    provides: { importers: { [device]: (services, master) => new TemplateName(services, master) } },
  });

// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  definePlugin,
  type ImportedBuffer,
  type Importer,
  type Plugin,
  type Process,
} from "@dmabuf/core";
import { TemplateNameImport } from "./template-name-import.ts";

/** A driver that maps a buffer when it is attached and keeps the mapping. */
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
    buffer.get();
    try {
      const attachment = yield* buffer.attach(this.#device);
      try {
        return new TemplateNameImport(this.#services, attachment, yield* attachment.mapUnlocked(direction));
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

/** The template-name driver on the board's device of that name. */
export const templateName = (device: string): Plugin =>
  definePlugin({
    name: "@dmabuf/importer-template-name",
    provides: { importers: { [device]: (services, master) => new TemplateName(services, master) } },
  });

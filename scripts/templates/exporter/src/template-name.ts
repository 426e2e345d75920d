// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  type DmaBuf,
  definePlugin,
  type Exporter,
  Extents,
  KernelError,
  PAGE_SIZE,
  type Plugin,
  type Process,
} from "@dmabuf/core";
import { TemplateNameBuffer } from "./template-name-buffer.ts";

/** Largest block that is asked for: 2^10 pages. */
const MAX_ORDER = 10;

/** Makes buffers of RAM, in blocks as large as there are, cleared by the CPU. */
class TemplateName implements Exporter {
  readonly #services: CoreServices;

  constructor(services: CoreServices) {
    this.#services = services;
  }

  allocate(size: number): Process<DmaBuf> {
    return this.#services.simulation.process("template-name allocate", this.#allocate(size));
  }

  *#allocate(size: number): Process<DmaBuf> {
    const { memory, cpu, dmaBuf } = this.#services;
    if (!(Number.isInteger(size) && size > 0 && size % PAGE_SIZE === 0)) {
      const reason = `size ${size} is not a multiple of the page size ${PAGE_SIZE}`;
      throw new KernelError("EINVAL", "template-name allocate", reason);
    }
    const blocks: { readonly start: Parameters<typeof memory.pages.freePages>[0]; readonly order: number }[] = [];
    const free = (): void => {
      for (const { start, order } of blocks) memory.pages.freePages(start, order);
    };
    let remaining = size / PAGE_SIZE;
    let largest = MAX_ORDER;
    while (remaining > 0) {
      largest = Math.min(largest, Math.floor(Math.log2(remaining)));
      const start = memory.pages.allocatePages(largest);
      if (start !== null) {
        blocks.push({ start, order: largest });
        remaining -= 2 ** largest;
      } else if (largest === 0) {
        free();
        throw new KernelError("ENOMEM", "template-name allocate", `${remaining} of ${size / PAGE_SIZE} pages are missing`);
      } else largest -= 1;
    }
    const extents = Extents.of(...blocks.map(({ start, order }) => [start, start + 2 ** order * PAGE_SIZE] as const));
    cpu.access("clear", extents);
    yield* cpu.settle();
    const ops = new TemplateNameBuffer(this.#services, extents, free);
    return dmaBuf.export({ exporterName: "template-name", ops, size });
  }
}

/** The exporter `template-name`. */
export const templateName = (): Plugin =>
  definePlugin({
    name: "@dmabuf/exporter-template-name",
    provides: { exporters: { "template-name": (services) => new TemplateName(services) } },
  });

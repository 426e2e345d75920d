// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  type CpuPages,
  type DmaBuf,
  type DmaBufOps,
  definePlugin,
  type Extents,
  type MemoryType,
  type Plugin,
  type Process,
} from "../../src/index.ts";
import { PageBuffer, PageExporter } from "./page-exporter.ts";

const types: Readonly<Record<string, MemoryType>> = {
  wb: "write-back",
  wc: "write-combining",
  uc: "uncached",
};

/** A buffer that can be mapped with any memory type, and into the kernel. */
export class TypedBuffer extends PageBuffer {
  readonly mmapTypes = Object.keys(types);
  vunmaps = 0;

  override mmap(_buffer: DmaBuf, type = "wb"): CpuPages {
    return { extents: this.extents, memoryType: types[type] as MemoryType };
  }

  *vmap(_buffer: DmaBuf): Process<CpuPages> {
    yield* this.services.cpu.settle();
    return { extents: this.extents, memoryType: "write-back" };
  }

  vunmap(_buffer: DmaBuf): void {
    this.vunmaps++;
  }
}

class TypedExporter extends PageExporter {
  readonly mmapTypes = Object.keys(types);
  readonly cacheLevels = ["none", "llc"];

  override ops(extents: Extents): DmaBufOps {
    return new TypedBuffer(this.services, extents);
  }
}

/** The plugin around an exporter, `typed`, whose buffers are mapped with the memory type that is asked for. */
export const typedExporter = (): Plugin =>
  definePlugin({
    name: "@dmabuf/core:typed-exporter",
    provides: { exporters: { typed: (services: CoreServices) => new TypedExporter(services) } },
  });

// SPDX-License-Identifier: MIT
import { CountedGem, DrmDevice, exportGem, type GemDriver, ImportedGem, importGem } from "../../src/drm.ts";
import {
  assemble,
  type BootOptions,
  type DmaBuf,
  type DmaDevice,
  type Errno,
  Extents,
  KernelError,
  type Process,
  type System,
} from "../../src/index.ts";
import { toyArch, toyBoard } from "../../src/testing.ts";

/** What a card can do; default everything. */
export interface ToyCardOptions {
  readonly exports?: boolean;
  /** Whether other devices reach its memory. */
  readonly shows?: boolean;
  /** Whether it makes objects of others' memory, or what it answers instead. */
  readonly imports?: boolean | Errno;
}

export type ToyGem = OwnGem | ImportedGem;

/** An object of a card's own: one page or more at a fixed place, and a note of what is asked of it. */
export class OwnGem extends CountedGem {
  readonly imported = null;
  readonly calls: string[] = [];
  readonly sgTable?: () => Extents;

  constructor(system: System, size: number, shows: boolean) {
    super(system.simulation, size);
    if (shows) this.sgTable = () => Extents.of([0x10_0000, 0x10_0000 + size]);
  }

  *pin(): Process {
    yield 0;
    this.calls.push("pin");
  }

  unpin(): void {
    this.calls.push("unpin");
  }

  protected *free(): Process {
    yield 0;
    this.calls.push("free");
  }
}

/** A DRM driver on a device of the toy board. */
export class ToyCard implements GemDriver<ToyGem> {
  readonly drm: DrmDevice<ToyGem>;
  readonly device: DmaDevice;
  readonly exportObject?: (object: ToyGem) => DmaBuf;
  readonly importBuffer: (buffer: DmaBuf) => Process<ToyGem>;
  readonly #system: System;
  readonly #shows: boolean;

  constructor(system: System, device: string, options: ToyCardOptions = {}) {
    const { exports = true, shows = true, imports = true } = options;
    this.#system = system;
    this.#shows = shows;
    this.device = system.device(device);
    this.drm = new DrmDevice<ToyGem>(system.dmaBuf, this);
    if (exports) this.exportObject = (object) => exportGem<ToyGem>(system, this, object);
    const importSgTable =
      imports === false
        ? undefined
        : (mapped: ConstructorParameters<typeof ImportedGem>[0]): ToyGem => {
            if (imports !== true) throw new KernelError(imports, "toy import", "as it was told");
            return new ImportedGem(mapped);
          };
    this.importBuffer = (buffer) => importGem<ToyGem>(this, this.device, buffer, importSgTable);
  }

  get name(): string {
    return this.device.name;
  }

  /** An object without a handle, whose reference the caller has. */
  create(size = 16384): OwnGem {
    return new OwnGem(this.#system, size, this.#shows);
  }
}

export const bootToy = (options: BootOptions = {}): System => assemble(toyBoard, [toyArch()]).boot(options);

/** A foreign exporter's buffer of one page or more. */
export const foreign = (system: System, size = 4096): DmaBuf => {
  const extents = Extents.of([0x20_0000, 0x20_0000 + size]);
  const ops = {
    *map({ device }: { device: DmaDevice }, direction: "bidirectional" | "to-device" | "from-device") {
      yield 0;
      return system.dma.mapSgtable(device, extents, direction, { skipCpuSync: true });
    },
    *unmap(_attachment: unknown, mapping: Parameters<System["dma"]["unmapSgtable"]>[0]) {
      system.dma.unmapSgtable(mapping, { skipCpuSync: true });
    },
    release: () => {},
  };
  return system.dmaBuf.export({ exporterName: "foreign", ops, size });
};

/** The errno that a process ends with, or "0". */
export function* errnoOf(process: Process<unknown>): Process<string> {
  try {
    yield* process;
    return "0";
  } catch (error) {
    if (error instanceof KernelError && !error.message.includes("\n")) return error.errno;
    throw error;
  }
}

// SPDX-License-Identifier: MIT
import {
  type CoreServices,
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  definePlugin,
  type ImportedBuffer,
  type Importer,
  KernelError,
  MappedAttachment,
  type Plugin,
  type Process,
  StaticImport,
} from "@dmabuf/core";

/** What kind of capture engine it is. */
export interface CameraOptions {
  /** How many pieces of memory its engine can write one frame to; default 16. */
  readonly segments?: number;
}

/** A capture driver whose engine takes a short list of addresses and lengths, and has no IOMMU to hide the rest. */
class Camera implements Importer {
  readonly #services: CoreServices;
  readonly #device: DmaDevice;
  readonly #segments: number;

  constructor(services: CoreServices, device: DmaDevice, { segments = 16 }: CameraOptions) {
    this.#services = services;
    this.#device = device;
    this.#segments = segments;
  }

  /**
   * Attaches and maps. Throws `KernelError` EINVAL unless the device is to write, EFAULT for a buffer that is more
   * scattered than the engine can take, and what attach and map answer.
   */
  attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    return this.#services.simulation.process("camera attach", this.#attach(buffer, direction));
  }

  *#attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    const { name } = this.#device;
    if (direction !== "from-device")
      throw new KernelError("EINVAL", "camera attach", `${name} writes frames, it reads nothing`);
    const mapped = yield* MappedAttachment.attach(buffer, this.#device, direction, ({ mapping }) => {
      if (mapping.nents <= this.#segments) return;
      const reason = `${mapping.nents} segments, ${name} takes ${this.#segments} at most`;
      throw new KernelError("EFAULT", "camera attach", reason);
    });
    return new StaticImport(mapped, { driverName: "camera", timelineName: name });
  }
}

/** The camera driver on the board's device of that name. */
export const camera = (device: string, options: CameraOptions = {}): Plugin =>
  definePlugin({
    name: "@acme/importer-camera",
    provides: { importers: { [device]: (services, master) => new Camera(services, master, options) } },
  });

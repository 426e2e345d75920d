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
  type Plugin,
  type Process,
} from "@dmabuf/core";
import { Workqueue } from "@dmabuf/core/sim";
import { IioBuffer, type IioDirection } from "./iio-buffer.ts";
import { IioImport } from "./iio-import.ts";

/** What kind of converter it is. */
export interface IioOptions {
  /** `in` captures (an ADC), `out` plays (a DAC); default whichever the first use of each buffer asks for. */
  readonly direction?: IioDirection;
}

/**
 * Industrial I/O with a DMA engine: `device` of the board gets an importer. Every `attach` through it opens an IIO buffer
 * of its own for that one dma-buf and enables it. `system.importer(device)` is then an {@link Iio}, whose `open` gives an
 * IIO buffer for several dma-bufs, with its ioctls. @see industrialio-buffer.c
 */
export function iio(device: string, options: IioOptions = {}): Plugin {
  return definePlugin({
    name: "@dmabuf/importer-iio",
    provides: { importers: { [device]: (services, master) => new Iio(services, master, options) } },
  });
}

/** A converter with a DMA engine that its IIO buffers share. */
export class Iio implements Importer {
  readonly device: DmaDevice;
  readonly #services: CoreServices;
  readonly #direction: IioDirection | null;
  readonly #worker: Workqueue;

  /** For `iio`. */
  constructor(services: CoreServices, device: DmaDevice, { direction }: IioOptions) {
    this.device = device;
    this.#services = services;
    this.#direction = direction ?? null;
    this.#worker = new Workqueue(services.simulation, `${device.name} iio`);
  }

  /** Opens an IIO buffer, not enabled. Throws `KernelError` EINVAL when the converter has the other direction only. */
  open(direction: IioDirection): IioBuffer {
    if (this.#direction !== null && this.#direction !== direction) {
      const does = { in: "captures into memory", out: "plays from memory" };
      const reason = `${this.device.name} ${does[this.#direction]}, it never ${does[direction]}`;
      throw new KernelError("EINVAL", "IIO_BUFFER_GET_FD_IOCTL", reason);
    }
    return new IioBuffer(this.#services, this.device, direction, this.#worker);
  }

  /**
   * Opens an IIO buffer of that direction, attaches the dma-buf to it and enables it. Throws `KernelError` EINVAL for
   * `bidirectional`, since an IIO buffer has one direction, and for a direction that the converter does not have.
   */
  attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    return this.#services.simulation.process(
      "IIO_BUFFER_DMABUF_ATTACH_IOCTL",
      this.#attach(buffer, direction),
    );
  }

  *#attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    if (direction === "bidirectional") {
      const reason = `an IIO buffer of ${this.device.name} captures (in) or plays (out), never both`;
      throw new KernelError("EINVAL", "IIO_BUFFER_DMABUF_ATTACH_IOCTL", reason);
    }
    const iioBuffer = this.open(direction === "from-device" ? "in" : "out");
    yield* iioBuffer.attach(buffer);
    iioBuffer.enable();
    return new IioImport(this.#services.simulation, iioBuffer, buffer);
  }
}

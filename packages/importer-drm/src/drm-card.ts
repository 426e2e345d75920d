// SPDX-License-Identifier: MIT
import {
  type AttachOptions,
  alignUp,
  type CoreServices,
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  type Exporter,
  type ImportedBuffer,
  type Importer,
  KernelError,
  PAGE_SIZE,
  type Process,
} from "@dmabuf/core";
import { DrmDevice, type DrmFile } from "@dmabuf/core/drm";
import { CardDriver, type CardGem } from "./card-driver.ts";
import type { DrmOptions } from "./drm.ts";
import { DrmImport } from "./drm-import.ts";
import { DumbGem } from "./dumb-gem.ts";

/** What a dumb buffer is asked for. @see struct drm_mode_create_dumb */
export interface DumbRequest {
  /** Pixels in a line. */
  readonly width: number;
  /** Lines. */
  readonly height: number;
  /** Bits of a pixel. */
  readonly bpp: number;
}

/** A dumb buffer that was made. */
export interface DumbBuffer {
  readonly handle: number;
  /** Bytes from line to line. */
  readonly pitch: number;
  /** Bytes, whole pages. */
  readonly size: number;
}

/** A DRM device with one engine, which renders or scans out. */
export class DrmCard implements Importer, Exporter {
  readonly device: DmaDevice;
  readonly scansOut: boolean;
  readonly #services: CoreServices;
  readonly #drm: DrmDevice<CardGem>;
  readonly #contiguous: boolean;
  readonly #pitchAlign: number;

  /** For `drm`. */
  constructor(services: CoreServices, device: DmaDevice, options: DrmOptions) {
    const { contiguous = false, scansOut = device.class === "display", pitchAlign = 1 } = options;
    this.device = device;
    this.scansOut = scansOut;
    this.#services = services;
    this.#contiguous = contiguous;
    this.#pitchAlign = pitchAlign;
    this.#drm = new DrmDevice(services.dmaBuf, new CardDriver(services, device, contiguous));
  }

  /** Opens the device: a file with handles of its own, and PRIME. */
  open(): DrmFile<CardGem> {
    return this.#drm.open();
  }

  /**
   * Makes a buffer that the CPU can draw into, and names it in `file`. Throws `KernelError` EINVAL for a picture without
   * pixels or of 4 GiB and more, ENOMEM, EIO when the device cannot reach what it got. @see DRM_IOCTL_MODE_CREATE_DUMB
   */
  createDumb(file: DrmFile<CardGem>, request: DumbRequest): Process<DumbBuffer> {
    return this.#process("drm_mode_create_dumb", this.#createDumb(file, request));
  }

  *#createDumb(file: DrmFile<CardGem>, { width, height, bpp }: DumbRequest): Process<DumbBuffer> {
    const pitch = alignUp(Math.ceil((width * bpp) / 8), this.#pitchAlign);
    const size = alignUp(pitch * height, PAGE_SIZE);
    if (!(width > 0 && height > 0 && bpp > 0 && size < 2 ** 32)) {
      const reason = `${width}x${height} pixels of ${bpp} bits are no picture of less than 4 GiB`;
      throw new KernelError("EINVAL", "drm_mode_create_dumb", reason);
    }
    return { handle: yield* this.#createObject(file, size), pitch, size };
  }

  *#createObject(file: DrmFile<CardGem>, size: number): Process<number> {
    const object = yield* DumbGem.create(this.#services, this.device, size, this.#contiguous);
    const handle = yield* file.createHandle(object);
    yield* object.put();
    return handle;
  }

  /**
   * A dumb buffer as a dma-buf, whose handle is closed already. Throws `KernelError` EINVAL for 0 bytes, and as
   * `createDumb`.
   */
  allocate(size: number): Process<DmaBuf> {
    return this.#process("drm allocate", this.#allocate(size));
  }

  *#allocate(size: number): Process<DmaBuf> {
    if (!(size > 0)) throw new KernelError("EINVAL", "drm_mode_create_dumb", `a buffer of ${size} bytes`);
    const file = this.open();
    const handle = yield* this.#createObject(file, alignUp(size, PAGE_SIZE));
    const buffer = yield* file.handleToBuffer(handle);
    yield* file.close();
    return buffer;
  }

  /**
   * Imports a buffer into a file of its own, as a program does that opens the device; the device's own buffers are known
   * again. Throws `KernelError` EINVAL for a device that scans out and is to write, and for memory that is not contiguous
   * where it must be, and what attach and map answer.
   */
  attach(buffer: DmaBuf, direction: DmaDirection, options: AttachOptions = {}): Process<ImportedBuffer> {
    return this.#process(`attach ${this.device.name}`, this.#attach(buffer, direction, options));
  }

  *#attach(
    buffer: DmaBuf,
    direction: DmaDirection,
    { pin = "flip" }: AttachOptions,
  ): Process<ImportedBuffer> {
    if (this.scansOut && direction !== "to-device") {
      const reason = `${this.device.name} scans out, it writes nothing: attach it to read`;
      throw new KernelError("EINVAL", "drm_mode_addfb2", reason);
    }
    const file = this.open();
    const object = file.lookup(yield* file.bufferToHandle(buffer));
    return new DrmImport(file, this.device, buffer, object, direction, this.scansOut ? pin : "flip");
  }

  #process<T>(name: string, process: Process<T>): Process<T> {
    return this.#services.simulation.process(name, process);
  }
}

// SPDX-License-Identifier: MIT
import type { DmaBuf } from "../buffer/dma-buf.ts";
import { KernelError } from "../error.ts";
import type { Process } from "../sim/process.ts";
import type { DrmDevice } from "./drm-device.ts";
import type { GemObject } from "./gem-object.ts";
import { HandleTable } from "./handle-table.ts";
import { Mutex } from "./mutex.ts";
import { PrimeTable } from "./prime-table.ts";

/** Flags of `DrmFile.handleToFd`. The model's descriptors have neither; others are refused. */
export const DrmFlag = { cloexec: 0x8_0000, rdwr: 2 } as const;

/**
 * An open DRM device: a table of handles, and PRIME, which turns them into file descriptors of dma-bufs and back. One
 * dma-buf is one handle in a file, however often it is imported, and closing that once is enough: a program must count.
 * @see struct drm_file
 */
export class DrmFile<O extends GemObject = GemObject> {
  readonly device: DrmDevice<O>;
  readonly #objects = new HandleTable<O>();
  readonly #prime = new PrimeTable();
  readonly #primeLock: Mutex;
  #open = true;

  /** For `DrmDevice.open`. */
  constructor(device: DrmDevice<O>) {
    this.device = device;
    this.#primeLock = new Mutex(device.core.simulation, "prime.lock");
  }

  /** The open handles, ascending. */
  get handles(): readonly number[] {
    return this.#objects.handles;
  }

  /** The object behind a handle, without a reference. Throws `KernelError` ENOENT. @see drm_gem_object_lookup */
  lookup(handle: number): O {
    return this.#find(handle, "drm_gem_object_lookup");
  }

  /** Names an object; the caller keeps his reference. Throws `KernelError` EBADF. @see drm_gem_handle_create */
  createHandle(object: O): Process<number> {
    return this.#process("drm_gem_handle_create", this.#createHandle(object));
  }

  *#createHandle(object: O): Process<number> {
    this.#demandOpen("drm_gem_handle_create");
    const { device } = this;
    const objects = this.#objects;
    return yield* device.nameLock.with(function* () {
      const handle = objects.add(object);
      device.named(object);
      return handle;
    });
  }

  /** Closes a handle (G-8). Throws `KernelError` EINVAL for one that is not open. @see DRM_IOCTL_GEM_CLOSE */
  closeHandle(handle: number): Process {
    return this.#process("drm_gem_close_ioctl", this.#closeHandle(handle));
  }

  *#closeHandle(handle: number): Process {
    this.#demandOpen("drm_gem_close_ioctl");
    const object = this.#objects.take(handle);
    if (object === null)
      throw new KernelError("EINVAL", "drm_gem_close_ioctl", `handle ${handle} is not open`);
    const prime = this.#prime;
    yield* this.#primeLock.with(function* () {
      prime.remove(handle);
    });
    yield* this.device.unnamed(object);
    this.#objects.free(handle);
  }

  /**
   * A descriptor for the dma-buf of a handle: the one that the file knows it as, the one it came from, the one it was
   * exported as, or a new one (G-2). Throws `KernelError` EINVAL for flags other than `DrmFlag`, EMFILE, ENOENT for no
   * handle, ENOSYS when the driver exports nothing, and what its export throws. @see DRM_IOCTL_PRIME_HANDLE_TO_FD
   */
  handleToFd(handle: number, flags = 0): Process<number> {
    return this.#process("drm_prime_handle_to_fd_ioctl", this.#handleToFd(handle, flags));
  }

  *#handleToFd(handle: number, flags: number): Process<number> {
    const operation = "drm_prime_handle_to_fd_ioctl";
    const known = [0, DrmFlag.cloexec, DrmFlag.rdwr, DrmFlag.cloexec + DrmFlag.rdwr];
    if (!known.includes(flags)) {
      const reason = `flags 0x${flags.toString(16)} have more than DRM_CLOEXEC and DRM_RDWR`;
      throw new KernelError("EINVAL", operation, reason);
    }
    const { fds } = this.device.core;
    fds.demandFree(operation);
    const buffer = yield* this.handleToBuffer(handle);
    try {
      return fds.install(buffer);
    } catch (error) {
      buffer.put();
      throw error;
    }
  }

  /** As `handleToFd`, the buffer itself, with a reference. @see drm_gem_prime_handle_to_dmabuf */
  handleToBuffer(handle: number): Process<DmaBuf> {
    return this.#process("drm_gem_prime_handle_to_dmabuf", this.#handleToBuffer(handle));
  }

  *#handleToBuffer(handle: number): Process<DmaBuf> {
    const operation = "drm_gem_prime_handle_to_dmabuf";
    this.#demandOpen(operation);
    const { device } = this;
    const prime = this.#prime;
    const find = (): O => this.#find(handle, operation);
    return yield* this.#primeLock.with(function* () {
      const object = find().get();
      try {
        const known = prime.buffer(handle);
        if (known !== null) return known.get();
        return yield* device.nameLock.with(function* () {
          const buffer = device.bufferOf(object);
          prime.add(buffer, handle);
          return buffer;
        });
      } finally {
        yield* object.put();
      }
    });
  }

  /**
   * The handle of a descriptor's dma-buf: the one that the file has for it, with no reference of its own, or a new one,
   * of the driver's object where it exported the buffer, else of a fresh import (G-3). Throws `KernelError` EBADF or
   * EINVAL for a descriptor that is no dma-buf, and what the driver's import throws. @see DRM_IOCTL_PRIME_FD_TO_HANDLE
   */
  fdToHandle(fd: number): Process<number> {
    return this.#process("drm_gem_prime_fd_to_handle", this.#fdToHandle(fd));
  }

  *#fdToHandle(fd: number): Process<number> {
    const buffer = this.device.core.fds.get(fd);
    try {
      return yield* this.bufferToHandle(buffer);
    } finally {
      buffer.put();
    }
  }

  /** As `fdToHandle`, of a buffer to which the caller has a reference. */
  bufferToHandle(buffer: DmaBuf): Process<number> {
    return this.#process("drm_gem_prime_fd_to_handle", this.#bufferToHandle(buffer));
  }

  *#bufferToHandle(buffer: DmaBuf): Process<number> {
    this.#demandOpen("drm_gem_prime_fd_to_handle");
    const { device } = this;
    const prime = this.#prime;
    const objects = this.#objects;
    return yield* this.#primeLock.with(function* () {
      const known = prime.handle(buffer);
      if (known !== null) return known;
      const [object, handle] = yield* device.nameLock.with(function* () {
        const found = yield* device.objectOf(buffer);
        device.named(found);
        return [found, objects.add(found)] as const;
      });
      yield* object.put();
      prime.add(buffer, handle);
      return handle;
    });
  }

  /** Closes the file with every handle that is open. @see drm_gem_release */
  close(): Process {
    return this.#process("drm_release", this.#close());
  }

  *#close(): Process {
    for (const handle of this.handles) if (this.#objects.find(handle)) yield* this.closeHandle(handle);
    this.#open = false;
    if (this.#prime.size > 0) {
      const text = `${this.#prime.size} buffers are still known by a handle`;
      this.device.core.simulation.diagnostics.warn("G-1", "drm_prime_destroy_file_private", text);
    }
  }

  #process<T>(name: string, process: Process<T>): Process<T> {
    return this.device.core.simulation.process(name, process);
  }

  #find(handle: number, operation: string): O {
    const object = this.#objects.find(handle);
    if (object !== null) return object;
    throw new KernelError(
      "ENOENT",
      operation,
      `${this.device.driver.name} has no handle ${handle} in this file`,
    );
  }

  #demandOpen(operation: string): void {
    if (!this.#open)
      throw new KernelError("EBADF", operation, `the file of ${this.device.driver.name} is closed`);
  }
}

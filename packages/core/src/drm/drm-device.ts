// SPDX-License-Identifier: MIT
import type { DmaBuf } from "../buffer/dma-buf.ts";
import type { DmaBufCore } from "../buffer/dma-buf-core.ts";
import { KernelError } from "../error.ts";
import type { Process } from "../sim/process.ts";
import { DrmFile } from "./drm-file.ts";
import type { GemDriver, GemObject } from "./gem-object.ts";
import { Mutex } from "./mutex.ts";

/**
 * A DRM device: its driver, and the lock under which its objects get names, that is handles and dma-bufs (G-1).
 * @see struct drm_device
 */
export class DrmDevice<O extends GemObject = GemObject> {
  readonly core: DmaBufCore;
  readonly driver: GemDriver<O>;
  /** @see drm_device.object_name_lock */
  readonly nameLock: Mutex;

  constructor(core: DmaBufCore, driver: GemDriver<O>) {
    this.core = core;
    this.driver = driver;
    this.nameLock = new Mutex(core.simulation, "object_name_lock");
  }

  /** Opens it: a file with handles of its own. */
  open(): DrmFile<O> {
    return new DrmFile(this);
  }

  /**
   * The dma-buf of an object, with a reference; the name lock must be held. The one it came from, the one it was exported
   * as, or a new one. Throws `KernelError` ENOENT for an object whose last handle is gone, ENOSYS without export (G-2).
   */
  bufferOf(object: O): DmaBuf {
    const operation = "drm_gem_prime_handle_to_fd";
    if (object.imported !== null) return object.imported.buffer.get();
    if (object.dmaBuf !== null) return object.dmaBuf.get();
    if (object.handleCount === 0) {
      throw new KernelError("ENOENT", operation, "the object's last handle is being closed");
    }
    if (this.driver.exportObject === undefined) {
      throw new KernelError("ENOSYS", operation, `${this.driver.name} exports nothing`);
    }
    object.dmaBuf = this.driver.exportObject(object);
    return object.dmaBuf.get();
  }

  /**
   * The object behind a buffer, with a reference; the name lock must be held. WARNs when the object says that it is
   * another buffer (G-3). Throws what the driver's import throws, EINVAL without one.
   */
  *objectOf(buffer: DmaBuf): Process<O> {
    const operation = "drm_gem_prime_fd_to_handle";
    const { driver, core } = this;
    if (driver.importBuffer === undefined) {
      throw new KernelError("EINVAL", operation, `${driver.name} imports nothing`);
    }
    const object = yield* driver.importBuffer(buffer);
    if (object.dmaBuf === null) object.dmaBuf = buffer.get();
    else if (object.dmaBuf !== buffer) {
      const text = `${driver.name} imports buffer ${buffer.ino} as an object that is buffer ${object.dmaBuf.ino}`;
      core.simulation.diagnostics.warn("G-3", operation, text);
    }
    return object;
  }

  /** One handle more names the object; the name lock must be held. The first takes a reference for all. */
  named(object: O): void {
    if (object.handleCount++ === 0) object.get();
  }

  /** One handle less. With the last one the object is no dma-buf any more, and loses its reference (G-8). */
  *unnamed(object: O): Process {
    const { diagnostics } = this.core.simulation;
    const last = yield* this.nameLock.with(function* () {
      if (object.handleCount === 0) {
        diagnostics.warn("G-8", "drm_gem_object_handle_put", "no handle names the object any more");
        return false;
      }
      if (--object.handleCount > 0) return false;
      object.dmaBuf?.put();
      object.dmaBuf = null;
      return true;
    });
    if (last) yield* object.put();
  }
}

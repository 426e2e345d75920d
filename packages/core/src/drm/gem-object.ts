// SPDX-License-Identifier: MIT
import type { Attachment } from "../buffer/attachment.ts";
import type { DmaBuf } from "../buffer/dma-buf.ts";
import type { Process } from "../sim/process.ts";

/** Memory as a DRM driver manages it, as far as PRIME is concerned. @see struct drm_gem_object */
export interface GemObject {
  /** Bytes. */
  readonly size: number;
  /** The dma-buf that it was exported as, or from which it was imported; null while there is none (G-2, G-3). */
  dmaBuf: DmaBuf | null;
  /** How an imported object came here; null for one of the driver's own. */
  readonly imported: Attachment | null;
  /** Handles that name it, of all files (G-8). */
  handleCount: number;
  /** Takes a reference. */
  get(): this;
  /** Gives a reference back; with the last one the memory goes. */
  put(): Process;
}

/** What PRIME asks of a DRM driver. */
export interface GemDriver<O extends GemObject = GemObject> {
  /** The name that its buffers carry as exporter, and its device in messages. */
  readonly name: string;
  /** Makes the dma-buf of an object that has none. @see drm_gem_object_funcs.export */
  exportObject(object: O): DmaBuf;
  /**
   * The object behind a buffer, with a reference: the driver's own when it exported the buffer (G-3), else a new one with
   * an attachment. Throws `KernelError` as the driver answers. @see drm_driver.gem_prime_import
   */
  importBuffer(buffer: DmaBuf): Process<O>;
}

// SPDX-License-Identifier: MIT
import type { Attachment } from "../buffer/attachment.ts";
import type { DmaBuf } from "../buffer/dma-buf.ts";
import type { Process } from "../sim/process.ts";

/** Memory as a DRM driver manages it, as far as PRIME is concerned. @see struct drm_gem_object */
export interface GemObject {
  /** Bytes. */
  readonly size: number;
  /**
   * The dma-buf that it was exported as, or from which it was imported, with a reference to it; null while there is none
   * (G-2, G-3). It is PRIME's to set.
   */
  dmaBuf: DmaBuf | null;
  /** How an imported object came here; null for one of the driver's own. */
  readonly imported: Attachment | null;
  /** Handles that name it, of all files (G-8). They hold one reference together. It is PRIME's to count. */
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
  /**
   * Makes the dma-buf of an object that has none, with a reference of its own to the object; see `exportGem`. Left out by
   * a driver that exports nothing: ENOSYS (G-2). @see drm_gem_object_funcs.export
   */
  exportObject?(object: O): DmaBuf;
  /**
   * The object behind a buffer, with a reference: the driver's own when it exported the buffer (G-3), else a new one with
   * an attachment; see `importGem`. Throws `KernelError` as the driver answers. Left out by a driver that imports
   * nothing: EINVAL (G-4). @see drm_driver.gem_prime_import
   */
  importBuffer?(buffer: DmaBuf): Process<O>;
}

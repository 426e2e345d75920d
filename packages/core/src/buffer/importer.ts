// SPDX-License-Identifier: MIT
import type { AccessKind } from "../coherency/operation.ts";
import type { DmaDirection } from "../dma/direction.ts";
import type { Process } from "../sim/process.ts";
import type { DmaFence } from "../sync/dma-fence.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** Which part of a buffer a transfer touches, and whether it may wait. */
export interface TransferOptions {
  /** First byte; default 0. */
  readonly offset?: number;
  /** Number of bytes; default the rest of the buffer. */
  readonly length?: number;
  /** Refuse with EBUSY or EAGAIN instead of waiting (`O_NONBLOCK`); default false. */
  readonly nonblock?: boolean;
}

/** A buffer as one importer has it attached. */
export interface ImportedBuffer {
  /**
   * Enqueues a transfer of the device and returns the fence that it signals. Waits for what implicit synchronisation
   * tells it to wait for. Throws `KernelError` as the driver answers its ioctl.
   */
  transfer(kind: AccessKind, options?: TransferOptions): Process<DmaFence>;
  /** Ends the attachment; the driver's cleanup may run later. */
  detach(): Process;
}

/** A driver that brings buffers to one device. */
export interface Importer {
  /** Attaches a buffer for transfers of one direction. Throws `KernelError` as the driver answers. */
  attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer>;
}

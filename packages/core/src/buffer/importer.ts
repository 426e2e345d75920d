// SPDX-License-Identifier: MIT
import type { AccessKind } from "../coherency/operation.ts";
import type { DmaDirection } from "../dma/direction.ts";
import type { Process } from "../sim/process.ts";
import type { DmaFence } from "../sync/dma-fence.ts";
import { type Usage, usageRw } from "../sync/usage.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** Which part of a buffer a transfer touches, and whether it may wait. */
export interface TransferOptions {
  /** First byte; default 0. */
  readonly offset?: number;
  /** Number of bytes; default the rest of the buffer. */
  readonly length?: number;
  /** Refuse with EBUSY or EAGAIN instead of waiting (`O_NONBLOCK`); default false. */
  readonly nonblock?: boolean;
  /**
   * Whether it takes part in implicit synchronisation: waits for others' fences and publishes its own for them. False is
   * a job that is synchronised explicitly, or not at all; its fence is published as bookkeeping (R-29). Default true.
   */
  readonly implicitSync?: boolean;
  /** False is a driver that forgets to wait for others' fences, though it publishes its own. Default true. */
  readonly waits?: boolean;
}

/** What a transfer waits for, and the usage under which it publishes its fence. */
export interface TransferSync {
  /** Null when it waits for nothing. */
  readonly waitsFor: Usage | null;
  readonly publishes: Usage;
}

/** The synchronisation of a transfer by its options. */
export function transferSync(
  kind: AccessKind,
  { implicitSync = true, waits = true }: TransferOptions = {},
): TransferSync {
  if (!implicitSync) return { waitsFor: waits ? "kernel" : null, publishes: "bookkeep" };
  return { waitsFor: waits ? usageRw(kind === "write") : null, publishes: kind };
}

/** A buffer as one importer has it attached. */
export interface ImportedBuffer {
  /**
   * Enqueues a transfer of the device and returns the fence that it signals. Waits for what implicit synchronisation
   * tells it to wait for. Throws `KernelError` as the driver answers its ioctl.
   */
  transfer(kind: AccessKind, options?: TransferOptions): Process<DmaFence>;
  /** Maps it, of an attachment that was asked to leave that for later; before the first transfer. */
  map?(): Process;
  /** Ends the attachment; the driver's cleanup may run later. */
  detach(): Process;
}

/**
 * When a display driver pins what it scans out: at each `flip`, as it should; `once`, for a front buffer that stays; or
 * `never`, which is a driver that forgets.
 */
export type PinChoice = "flip" | "once" | "never";

/** What an importer may be asked for when it attaches. */
export interface AttachOptions {
  /** Only for importers that scan out; default `flip`. */
  readonly pin?: PinChoice;
  /**
   * Whether it only attaches and leaves mapping to a call of `map`, so that all can attach before the exporter chooses the
   * memory (D13). For importers that can; default no.
   */
  readonly mapsLater?: boolean;
}

/** A driver that brings buffers to one device. */
export interface Importer {
  /** Whether it scans buffers out, so that it can be told when to pin. */
  readonly scansOut?: boolean;
  /** Attaches a buffer for transfers of one direction. Throws `KernelError` as the driver answers. */
  attach(buffer: DmaBuf, direction: DmaDirection, options?: AttachOptions): Process<ImportedBuffer>;
}

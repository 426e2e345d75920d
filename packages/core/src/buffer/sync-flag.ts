// SPDX-License-Identifier: MIT
import { type DmaDirection, directionOf } from "../dma/direction.ts";
import { KernelError } from "../error.ts";

/** The flags of `DMA_BUF_IOCTL_SYNC` and of the sync file ioctls; to start is to leave out `end`. @see DMA_BUF_SYNC_READ */
export const SyncFlag = { read: 1, write: 2, end: 4 } as const;

/** What the flags of `DMA_BUF_IOCTL_SYNC` say. */
export interface SyncRequest {
  /** The device's, as always: the CPU reads what is from the device (B-54). */
  readonly direction: DmaDirection;
  readonly end: boolean;
}

/** Reads the flags. Throws `KernelError` EINVAL for other bits, and for neither read nor write (B-71). */
export function parseSyncFlags(flags: number): SyncRequest {
  const all = SyncFlag.read | SyncFlag.write | SyncFlag.end;
  if (!(flags >= 0 && flags <= all))
    throw new KernelError("EINVAL", "dma_buf_ioctl", `flags ${flags} have bits other than ${all}`);
  const [read, write] = [(flags & SyncFlag.read) !== 0, (flags & SyncFlag.write) !== 0];
  if (!read && !write) throw new KernelError("EINVAL", "dma_buf_ioctl", "neither read nor write");
  return { direction: directionOf(write, read), end: (flags & SyncFlag.end) !== 0 };
}

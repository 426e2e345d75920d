// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { Process } from "../sim/process.ts";
import { DmaFence } from "../sync/dma-fence.ts";
import { unwrapFence } from "../sync/dma-fence-unwrap.ts";
import { SyncFile, type SyncFileInfo } from "../sync/sync-file.ts";
import { usageRw } from "../sync/usage.ts";
import type { DmaBuf } from "./dma-buf.ts";
import type { DmaBufCore } from "./dma-buf-core.ts";
import { SyncFlag } from "./sync-flag.ts";

/**
 * Takes a buffer's fences out as one sync file: of writers to read, of everybody to write (B-73). Later fences are not in
 * it; without any it is a stub. Returns the descriptor. Throws `KernelError` EINVAL for flags that are not read, write
 * or both, EMFILE. @see DMA_BUF_IOCTL_EXPORT_SYNC_FILE
 */
export function* exportSyncFile(buffer: DmaBuf, flags: number): Process<number> {
  const operation = "dma_buf_export_sync_file";
  checkReadWrite(operation, flags);
  const { fences, fds } = buffer.core;
  return fds.installSyncFile(operation, () => {
    const fence = buffer.resv.getSingleton(usageRw((flags & SyncFlag.write) !== 0));
    using held = fence ?? DmaFence.stub(fences);
    return SyncFile.create(held);
  });
}

/**
 * Puts a sync file's fences into a buffer, each by itself, as those of a writer or a reader (B-74); nothing when all have
 * signaled. Throws `KernelError` EINVAL for flags that are not read, write or both, and for a descriptor that is no sync
 * file. @see DMA_BUF_IOCTL_IMPORT_SYNC_FILE
 */
export function* importSyncFile(buffer: DmaBuf, flags: number, fd: number): Process {
  const operation = "dma_buf_import_sync_file";
  checkReadWrite(operation, flags);
  using file = syncFile(buffer.core, operation, fd, "EINVAL");
  const leaves = unwrapFence(file.fence);
  if (leaves.every((fence) => fence.isSignaled)) return;
  const { resv } = buffer;
  yield* resv.lock();
  resv.reserveFences(leaves.length);
  for (const fence of leaves) resv.addFence(fence, (flags & SyncFlag.write) !== 0 ? "write" : "read");
  resv.unlock();
}

/** What of `SYNC_IOC_MERGE` and `SYNC_IOC_FILE_INFO` must be zero. */
interface Reserved {
  readonly flags?: number;
  readonly pad?: number;
}

/**
 * Merges two sync files and returns the new one's descriptor (S-3). Throws `KernelError` EINVAL for flags or padding,
 * ENOENT when `other` is no sync file, EBADF when `fd` is none, EMFILE. @see SYNC_IOC_MERGE
 */
export function mergeSyncFiles(
  core: DmaBufCore,
  fd: number,
  { name, fd2, ...reserved }: { readonly name: string; readonly fd2: number } & Reserved,
): number {
  const operation = "sync_file_ioctl_merge";
  using file = syncFile(core, operation, fd, "EBADF");
  return core.fds.installSyncFile(operation, () => {
    checkReserved(operation, reserved);
    using other = syncFile(core, operation, fd2, "ENOENT");
    return SyncFile.merge(name, file, other);
  });
}

/** What `SYNC_IOC_FILE_INFO` answers: how many fences there are, and of each as much as there is room for. */
export interface FileInfo extends SyncFileInfo {
  /** How many fences the file has, whether they were asked for or not. */
  readonly numFences: number;
}

/**
 * What a sync file says about itself (S-5). With room for no fence, the default, only their number and the status of the
 * whole. Throws `KernelError` EINVAL for flags or padding, and when there is room for some fences but not for all;
 * EBADF. @see SYNC_IOC_FILE_INFO
 */
export function syncFileInfo(
  core: DmaBufCore,
  fd: number,
  { numFences = 0, ...reserved }: { readonly numFences?: number } & Reserved = {},
): FileInfo {
  const operation = "sync_file_ioctl_fence_info";
  using file = syncFile(core, operation, fd, "EBADF");
  checkReserved(operation, reserved);
  if (numFences === 0) {
    const { name, fence } = file;
    return { name, status: fence.status, fences: [], numFences: unwrapFence(fence).length };
  }
  const info = file.info();
  const { length } = info.fences;
  if (numFences < length)
    throw new KernelError("EINVAL", operation, `room for ${numFences} of ${length} fences`);
  return { ...info, numFences: length };
}

/** Passes a deadline on (S-8). Throws `KernelError` EINVAL for padding, EBADF. @see SYNC_IOC_SET_DEADLINE */
export function setSyncFileDeadline(core: DmaBufCore, fd: number, time: number, pad = 0): void {
  const operation = "sync_file_ioctl_set_deadline";
  using file = syncFile(core, operation, fd, "EBADF");
  checkReserved(operation, { pad });
  file.setDeadline(time);
}

function syncFile(
  { fds }: DmaBufCore,
  operation: string,
  fd: number,
  errno: "EBADF" | "EINVAL" | "ENOENT",
): SyncFile {
  const file = fds.getSyncFile(fd);
  if (file === null) throw new KernelError(errno, operation, `descriptor ${fd} is no sync file`);
  return file;
}

function checkReadWrite(operation: string, flags: number): void {
  if (flags >= 1 && flags <= (SyncFlag.read | SyncFlag.write)) return;
  throw new KernelError("EINVAL", operation, `flags ${flags} are not read, write or both`);
}

function checkReserved(operation: string, { flags = 0, pad = 0 }: Reserved): void {
  if (flags !== 0) throw new KernelError("EINVAL", operation, `flags ${flags} are not 0`);
  if (pad !== 0) throw new KernelError("EINVAL", operation, `padding ${pad} is not 0`);
}

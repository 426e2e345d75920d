// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import type { Process } from "../sim/process.ts";
import type { PollEvent, PollOptions } from "../sync/poll-queue.ts";
import { SyncFile } from "../sync/sync-file.ts";
import { dmaBufFd } from "./buffer-trace.ts";
import type { DmaBuf } from "./dma-buf.ts";
import type { DmaBufCore } from "./dma-buf-core.ts";
import type { OpenFile } from "./open-file.ts";

/** Descriptors that a process may have open, as `RLIMIT_NOFILE` allows by default. */
const LIMIT = 1024;

/** A process's table of file descriptors, as far as it holds dma-bufs and sync files: lowest free number first, from 3. */
export class FdTable {
  readonly #core: DmaBufCore;
  readonly #open = new Map<number, OpenFile>();

  constructor(core: DmaBufCore) {
    this.#core = core;
  }

  /** Number of open descriptors. */
  get size(): number {
    return this.#open.size;
  }

  /** Throws `KernelError` EMFILE for `operation` when no descriptor is free, for who asks before he does anything. */
  demandFree(operation: string): void {
    this.#lowestFree(operation);
  }

  /** Gives the caller's reference to a new descriptor (B-11). Throws `KernelError` EMFILE when none is free. */
  install(buffer: DmaBuf): number {
    const fd = this.#lowestFree("dma_buf_fd");
    this.#open.set(fd, buffer);
    const { trace } = this.#core.simulation;
    trace.emit(dmaBufFd, trace.intern(buffer.exporterName), buffer.size, buffer.ino, fd);
    return fd;
  }

  /**
   * Makes a sync file behind a new descriptor, which gets its reference. The number is found first: throws `KernelError`
   * EMFILE for `operation` when none is free, and nothing was made (B-73, S-3).
   */
  installSyncFile(operation: string, make: () => SyncFile): number {
    const fd = this.#lowestFree(operation);
    this.#open.set(fd, make());
    return fd;
  }

  /** The buffer behind a descriptor, with a reference of its own (B-12). Throws `KernelError` EBADF, EINVAL for another file. */
  get(fd: number): DmaBuf {
    const file = this.#file("dma_buf_get", fd);
    if (!(file instanceof SyncFile)) return (file as DmaBuf).get();
    throw new KernelError("EINVAL", "dma_buf_get", `descriptor ${fd} is a sync file`);
  }

  /** The sync file behind a descriptor, with a reference of its own, or null when there is none (S-2). @see sync_file_fdget */
  getSyncFile(fd: number): SyncFile | null {
    const file = this.#open.get(fd);
    return file instanceof SyncFile ? file.get() : null;
  }

  /** Polls what is behind a descriptor (B-64, S-4). Throws `KernelError` EBADF, EINTR for a signal. @see poll */
  poll(fd: number, interest: readonly PollEvent[], options: PollOptions = {}): Process<readonly PollEvent[]> {
    return this.#file("poll", fd).poll(interest, options);
  }

  /** Another descriptor for the same file. Throws `KernelError` EBADF or EMFILE. */
  dup(fd: number): number {
    const file = this.#file("dup", fd);
    const copy = this.#lowestFree("dup");
    this.#open.set(copy, file.get());
    return copy;
  }

  /** Closes a descriptor and puts its reference. Throws `KernelError` EBADF. */
  close(fd: number): void {
    const file = this.#file("close", fd);
    this.#open.delete(fd);
    file.put();
  }

  #lowestFree(operation: string): number {
    let fd = 3;
    while (this.#open.has(fd)) fd++;
    if (fd >= LIMIT) throw new KernelError("EMFILE", operation, `all ${LIMIT} descriptors are open`);
    return fd;
  }

  #file(operation: string, fd: number): OpenFile {
    const file = this.#open.get(fd);
    if (file === undefined) throw new KernelError("EBADF", operation, `descriptor ${fd} is not open`);
    return file;
  }
}

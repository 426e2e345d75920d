// SPDX-License-Identifier: MIT
import { KernelError } from "../error.ts";
import { dmaBufFd } from "./buffer-trace.ts";
import type { DmaBuf } from "./dma-buf.ts";
import type { DmaBufCore } from "./dma-buf-core.ts";

/** Descriptors that a process may have open, as `RLIMIT_NOFILE` allows by default. */
const LIMIT = 1024;

/** A process's table of file descriptors, as far as it holds dma-bufs: lowest free number first, from 3. */
export class FdTable {
  readonly #core: DmaBufCore;
  readonly #open = new Map<number, DmaBuf>();

  constructor(core: DmaBufCore) {
    this.#core = core;
  }

  /** Number of open descriptors. */
  get size(): number {
    return this.#open.size;
  }

  /** Gives the caller's reference to a new descriptor (B-11). Throws `KernelError` EMFILE when none is free. */
  install(buffer: DmaBuf): number {
    const fd = this.#lowestFree("dma_buf_fd");
    this.#open.set(fd, buffer);
    const { trace } = this.#core.simulation;
    trace.emit(dmaBufFd, trace.intern(buffer.exporterName), buffer.size, buffer.ino, fd);
    return fd;
  }

  /** The buffer behind a descriptor, with a reference of its own (B-12). Throws `KernelError` EBADF. */
  get(fd: number): DmaBuf {
    return this.#buffer("dma_buf_get", fd).get();
  }

  /** Another descriptor for the same file. Throws `KernelError` EBADF or EMFILE. */
  dup(fd: number): number {
    const buffer = this.#buffer("dup", fd);
    const copy = this.#lowestFree("dup");
    this.#open.set(copy, buffer.get());
    return copy;
  }

  /** Closes a descriptor and puts its reference. Throws `KernelError` EBADF. */
  close(fd: number): void {
    const buffer = this.#buffer("close", fd);
    this.#open.delete(fd);
    buffer.put();
  }

  #lowestFree(operation: string): number {
    let fd = 3;
    while (this.#open.has(fd)) fd++;
    if (fd >= LIMIT) throw new KernelError("EMFILE", operation, `all ${LIMIT} descriptors are open`);
    return fd;
  }

  #buffer(operation: string, fd: number): DmaBuf {
    const buffer = this.#open.get(fd);
    if (buffer === undefined) throw new KernelError("EBADF", operation, `descriptor ${fd} is not open`);
    return buffer;
  }
}

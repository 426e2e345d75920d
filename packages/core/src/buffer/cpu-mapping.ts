// SPDX-License-Identifier: MIT
import { dmaBufMunmap } from "./buffer-trace.ts";
import { MappedPages } from "./mapped-pages.ts";

/** A mapping of a buffer in user space. Loads and stores through it are what brackets are for (B-61). */
export class CpuMapping extends MappedPages {
  /** Unmaps it and puts its reference; a second time does nothing. */
  unmap(): void {
    if (!this.mapped) return;
    this.mapped = false;
    const { trace } = this.buffer.core.simulation;
    trace.emit(dmaBufMunmap, this.buffer.ino, this.address);
    this.buffer.put();
  }

  [Symbol.dispose](): void {
    this.unmap();
  }
}

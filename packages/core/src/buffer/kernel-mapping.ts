// SPDX-License-Identifier: MIT
import { dmaBufVunmap } from "./buffer-trace.ts";
import { MappedPages } from "./mapped-pages.ts";

/**
 * A mapping of a buffer in the kernel's vmap area, at an address of its own. Access needs brackets as from user space
 * (B-57), and on machines whose caches are looked up by virtual address the two calls below as well.
 */
export class KernelMapping extends MappedPages {
  /** Before a device reads what was written here. @see flush_kernel_vmap_range */
  flushRange(offset = 0, length = this.buffer.size - offset): void {
    this.buffer.core.cpu.flushVmapRange(this.pages.extents.slice(offset, length), this.address + offset);
  }

  /** Before reading here what a device wrote. @see invalidate_kernel_vmap_range */
  invalidateRange(offset = 0, length = this.buffer.size - offset): void {
    this.buffer.core.cpu.invalidateVmapRange(this.pages.extents.slice(offset, length), this.address + offset);
  }

  /** For `DmaBuf.vunmap`, when the last user is gone: nothing stays cached by the address. @see flush_cache_vunmap */
  end(): void {
    this.flushRange();
    this.mapped = false;
    const { trace } = this.buffer.core.simulation;
    trace.emit(dmaBufVunmap, this.buffer.ino, this.address);
  }
}

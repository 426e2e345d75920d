// SPDX-License-Identifier: MIT
import type { CpuAddr } from "../address.ts";
import type { AccessKind } from "../coherency/operation.ts";
import type { MemoryType } from "../dma/memory-type.ts";
import type { Process } from "../sim/process.ts";
import { dmaBufCpuAccess } from "./buffer-trace.ts";
import type { DmaBuf } from "./dma-buf.ts";
import type { CpuPages } from "./dma-buf-ops.ts";

/** A buffer's memory at some virtual address: loads and stores through it. */
export class MappedPages {
  readonly buffer: DmaBuf;
  /** Virtual address of byte 0. */
  readonly address: CpuAddr;
  protected readonly pages: CpuPages;
  protected mapped = true;

  /** For `DmaBuf`. */
  constructor(buffer: DmaBuf, pages: CpuPages, address: CpuAddr) {
    this.buffer = buffer;
    this.pages = pages;
    this.address = address;
  }

  /** How the CPU caches what it reaches through the mapping. */
  get memoryType(): MemoryType {
    return this.pages.memoryType;
  }

  /** Loads `length` bytes from `offset`; default everything. */
  read(offset = 0, length = this.buffer.size - offset): Process {
    return this.#process("read", offset, length);
  }

  /** Stores `length` bytes at `offset`; default everything. */
  write(offset = 0, length = this.buffer.size - offset): Process {
    return this.#process("write", offset, length);
  }

  /** Waits until what was written through write-combining mappings is in memory. */
  drain(): void {
    this.buffer.core.cpu.drain();
  }

  #process(kind: AccessKind, offset: number, length: number): Process {
    return this.buffer.core.simulation.process(`CPU ${kind}`, this.#access(kind, offset, length));
  }

  *#access(kind: AccessKind, offset: number, length: number): Process {
    if (!this.mapped) throw new TypeError("the buffer is not mapped any more");
    const { simulation, cpu } = this.buffer.core;
    simulation.trace.emit(dmaBufCpuAccess, this.buffer.ino, kind === "read" ? 0 : 1, offset, length);
    const { extents, memoryType, route } = this.pages;
    cpu.access(kind, extents.slice(offset, length), {
      memoryType,
      route: route ?? null,
      address: (this.address + offset) as CpuAddr,
    });
    yield* cpu.settle();
  }
}

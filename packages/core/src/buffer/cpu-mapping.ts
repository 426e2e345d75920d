// SPDX-License-Identifier: MIT
import type { AccessKind } from "../coherency/operation.ts";
import type { Extents } from "../memory/extents.ts";
import type { Process } from "../sim/process.ts";
import { dmaBufCpuAccess } from "./buffer-trace.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** A cached mapping of a buffer in user space. Loads and stores through it are what brackets are for (B-61). */
export class CpuMapping {
  readonly buffer: DmaBuf;
  readonly #extents: Extents;
  #mapped = true;

  /** For `DmaBuf.mmap`, which has taken the reference. */
  constructor(buffer: DmaBuf, extents: Extents) {
    this.buffer = buffer;
    this.#extents = extents;
  }

  /** Loads `length` bytes from `offset`; default everything. */
  read(offset = 0, length = this.buffer.size - offset): Process {
    return this.#process("read", offset, length);
  }

  /** Stores `length` bytes at `offset`; default everything. */
  write(offset = 0, length = this.buffer.size - offset): Process {
    return this.#process("write", offset, length);
  }

  /** Unmaps it and puts its reference; a second time does nothing. */
  unmap(): void {
    if (!this.#mapped) return;
    this.#mapped = false;
    this.buffer.put();
  }

  [Symbol.dispose](): void {
    this.unmap();
  }

  #process(kind: AccessKind, offset: number, length: number): Process {
    return this.buffer.core.simulation.process(`CPU ${kind}`, this.#access(kind, offset, length));
  }

  *#access(kind: AccessKind, offset: number, length: number): Process {
    if (!this.#mapped) throw new TypeError("the buffer is not mapped any more");
    const { simulation, cpu } = this.buffer.core;
    simulation.trace.emit(dmaBufCpuAccess, this.buffer.ino, kind === "read" ? 0 : 1, offset, length);
    cpu.access(kind, this.#extents.slice(offset, length));
    yield* cpu.settle();
  }
}

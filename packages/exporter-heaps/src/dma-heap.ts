// SPDX-License-Identifier: MIT
import { alignUp, type DmaBuf, type Exporter, KernelError, PAGE_SIZE, type Process } from "@dmabuf/core";
import type { Simulation } from "@dmabuf/core/sim";

/** The fields of an allocation request, as user space fills them in. @see struct dma_heap_allocation_data */
export interface HeapAllocation {
  /** Bytes, as an unsigned 64-bit number; rounded up to whole pages. */
  readonly len: number;
  /** Must be 0: the answer goes here. Default 0. */
  readonly fd?: number;
  /** Access mode (0 to 3) and `O_CLOEXEC` (0x80000), nothing else; default `O_RDWR | O_CLOEXEC`. */
  readonly fdFlags?: number;
  /** No flag is defined: must be 0. Default 0. */
  readonly heapFlags?: number;
}

const OPERATION = "DMA_HEAP_IOCTL_ALLOC";
const O_ACCMODE = 3;
const O_RDWR = 2;
const O_CLOEXEC = 0x8_0000;
/** The page that rounding up cannot reach any more in 64 bits. */
const LAST_PAGE = 2 ** 64 - PAGE_SIZE;

/** What a heap driver brings: makes a buffer of `size` bytes, which is a multiple of the page size and not 0. */
export type HeapAllocate = (size: number) => Process<DmaBuf>;

/** A heap: what `/dev/dma_heap/<name>` does for user space. @see drivers/dma-buf/dma-heap.c */
export class DmaHeap implements Exporter {
  readonly name: string;
  readonly #simulation: Simulation;
  readonly #allocate: HeapAllocate;

  /** For `HeapDirectory.add`. */
  constructor(simulation: Simulation, name: string, allocate: HeapAllocate) {
    this.#simulation = simulation;
    this.name = name;
    this.#allocate = allocate;
  }

  /** A buffer of at least `size` bytes. Throws `KernelError` EINVAL for 0 and what the heap's driver answers (H-2). */
  allocate(size: number): Process<DmaBuf> {
    return this.allocation({ len: size });
  }

  /**
   * Allocates as the ioctl does (H-2). Throws `KernelError` EINVAL for a descriptor field that is not 0, flags that are
   * not defined, and a length of 0 or one that rounding up makes 0; and what the heap's driver answers. The caller gets
   * the buffer and may install it in a descriptor table; what the flags say about the descriptor is not modelled.
   */
  allocation(request: HeapAllocation): Process<DmaBuf> {
    return this.#simulation.process("dma_heap_ioctl_allocate", this.#allocation(request));
  }

  *#allocation(request: HeapAllocation): Process<DmaBuf> {
    const { len, fd = 0, fdFlags = O_RDWR + O_CLOEXEC, heapFlags = 0 } = request;
    const refuse = (reason: string): never => {
      throw new KernelError("EINVAL", OPERATION, `heap ${this.name}: ${reason}`);
    };
    for (const [field, value] of Object.entries({ len, fd, fdFlags, heapFlags })) {
      if (!Number.isInteger(value))
        throw new TypeError(`${OPERATION}: ${field} ${value} is not a whole number`);
    }
    if (fd !== 0) refuse(`fd must be 0, it is ${fd}`);
    const otherFlags = fdFlags - (fdFlags % (O_ACCMODE + 1));
    if (fdFlags < 0 || (otherFlags !== 0 && otherFlags !== O_CLOEXEC)) {
      refuse(`fd_flags ${hex(fdFlags)} has more than an access mode and O_CLOEXEC`);
    }
    if (heapFlags !== 0) refuse(`heap_flags must be 0, they are ${hex(heapFlags)}`);
    if (len === 0) refuse("a buffer of 0 bytes");
    if (len < 0 || len > LAST_PAGE) refuse(`len ${hex(len)} wraps to 0 when it is rounded up to whole pages`);
    return yield* this.#allocate(alignUp(len, PAGE_SIZE));
  }
}

const hex = (value: number): string => `${value < 0 ? "-" : ""}0x${Math.abs(value).toString(16)}`;

// SPDX-License-Identifier: MIT
import {
  type Arch,
  type CoreServices,
  type DmaBuf,
  type DmaDevice,
  DmaMasks,
  dmaBitMask,
  type Exporter,
  Extents,
  identityWindows,
  KernelError,
  PAGE_SIZE,
  type Process,
} from "@dmabuf/core";
import { Timeline } from "@dmabuf/core/sim";
import { Memfd } from "./memfd.ts";
import { type PinnedRange, unpin } from "./pinned-range.ts";
import { UdmabufBuffer } from "./udmabuf-buffer.ts";

/** A part of a memfd. @see struct udmabuf_create_item */
export interface UdmabufItem {
  /** The file behind the descriptor; null for a descriptor that is not open, or of a file that is no memfd. */
  readonly memfd: Memfd | null;
  /** First byte and number of bytes, as unsigned 64-bit numbers; multiples of the page size. */
  readonly offset: number;
  readonly size: number;
}

/** The module parameters (U-1). */
export interface UdmabufOptions {
  /** Most items in a list; default 1024. */
  readonly listLimit?: number;
  /** Most MiB in a buffer; default 64. */
  readonly sizeLimitMb?: number;
}

/** `/dev/udmabuf`: makes dma-bufs of parts of memfds. @see drivers/dma-buf/udmabuf.c */
export class UdmabufDevice implements Exporter {
  readonly #services: CoreServices;
  readonly #miscDevice: DmaDevice;
  readonly #listLimit: number;
  readonly #sizeLimitMb: number;

  constructor(
    services: CoreServices,
    arch: Arch,
    { listLimit = 1024, sizeLimitMb = 64 }: UdmabufOptions = {},
  ) {
    this.#services = services;
    this.#miscDevice = miscDevice(services, arch);
    this.#listLimit = listLimit;
    this.#sizeLimitMb = sizeLimitMb;
  }

  /**
   * What a program does for a buffer of its own: makes a memfd of `size` bytes, seals it against shrinking, has a buffer
   * made of it and closes it. Throws `KernelError` EINVAL unless the size is a multiple of the page size from 4096 to
   * the limit, ENOMEM when there is not that much memory.
   */
  allocate(size: number): Process<DmaBuf> {
    return this.#services.simulation.process("udmabuf allocate", this.#allocateProcess(size));
  }

  *#allocateProcess(size: number): Process<DmaBuf> {
    const memfd = new Memfd(this.#services);
    try {
      memfd.truncate(size);
      memfd.addSeals("shrink");
      return yield* this.create({ memfd, offset: 0, size });
    } finally {
      memfd.close();
    }
  }

  /**
   * A buffer of a part of one memfd, see `createList`. `flags` is the structure's field: no bit is checked, and bit 0, close
   * on exec, concerns a descriptor that the caller may install (U-6). @see UDMABUF_CREATE
   */
  create(item: UdmabufItem & { readonly flags?: number }): Process<DmaBuf> {
    return this.#services.simulation.process("udmabuf_create", this.#create([item]));
  }

  /**
   * A buffer of parts of memfds, one after the other; parts may overlap, the buffer's pages are then the same (U-5). The
   * checks come in the recorded order: length of the list; then of all items alignment and sum; then item by item whether
   * it is an open memfd (EBADFD), its seals, its range (EINVAL). Pages that are missing are made, ENOMEM. After an error
   * nothing is pinned. @see UDMABUF_CREATE_LIST
   */
  createList(items: readonly UdmabufItem[], _flags = 0): Process<DmaBuf> {
    return this.#services.simulation.process("udmabuf_create", this.#createList(items));
  }

  *#createList(items: readonly UdmabufItem[]): Process<DmaBuf> {
    if (items.length > this.#listLimit) {
      throw refused(`a list of ${items.length} items, at most ${this.#listLimit} are allowed (list_limit)`);
    }
    return yield* this.#create(items);
  }

  *#create(items: readonly UdmabufItem[]): Process<DmaBuf> {
    const size = this.#checkSizes(items);
    const ranges: PinnedRange[] = [];
    const pairs = new Float64Array((size / PAGE_SIZE) * 2);
    try {
      let at = 0;
      items.forEach((item, i) => {
        const range = checkFile(item, i);
        pairs.set(range.memfd.pin(range.first, range.count).pairs, at);
        at += range.count * 2;
        ranges.push(range);
      });
    } catch (error) {
      unpin(ranges, pairs);
      throw error;
    }
    const { cpu, dmaBuf } = this.#services;
    yield* cpu.settle();
    const extents = new Extents(pairs);
    const ops = new UdmabufBuffer(this.#services, this.#miscDevice, ranges, extents);
    return dmaBuf.export({ exporterName: "udmabuf", ops, size });
  }

  /** Alignment and sum of all items (U-3); the buffer's size. */
  #checkSizes(items: readonly UdmabufItem[]): number {
    let size = 0;
    items.forEach((item, i) => {
      for (const field of ["offset", "size"] as const) {
        const value = item[field];
        if (!Number.isInteger(value) || value < 0) {
          throw new TypeError(`UDMABUF_CREATE: item ${i}: ${field} ${value} is not an unsigned number`);
        }
        if (value % PAGE_SIZE !== 0) {
          throw refused(`item ${i}: ${field} ${value} is not a multiple of the page size ${PAGE_SIZE}`);
        }
      }
      size += item.size;
      if (size > this.#sizeLimitMb * 2 ** 20) {
        throw refused(`${size} bytes, at most ${this.#sizeLimitMb} MiB are allowed (size_limit_mb)`);
      }
    });
    if (size === 0) throw refused("a buffer of 0 bytes");
    return size;
  }
}

/** Whether an item's file can back a buffer (U-4). */
function checkFile({ memfd, offset, size }: UdmabufItem, i: number): PinnedRange {
  if (memfd === null || !memfd.isOpen) {
    throw new KernelError(
      "EBADFD",
      "UDMABUF_CREATE",
      `item ${i}: the descriptor is not that of an open memfd`,
    );
  }
  if (!memfd.isSealed("shrink")) throw refused(`item ${i}: the memfd lacks the seal shrink`);
  for (const seal of ["write", "future-write"] as const) {
    if (memfd.isSealed(seal)) throw refused(`item ${i}: the memfd has the seal ${seal}`);
  }
  return { memfd, first: offset / PAGE_SIZE, count: size / PAGE_SIZE };
}

const refused = (reason: string): KernelError => new KernelError("EINVAL", "UDMABUF_CREATE", reason);

/**
 * udmabuf's own device, for which brackets do their maintenance (U-8): no firmware describes it, so it is coherent exactly
 * where the architecture takes that for granted, and it reaches all memory. It never transfers anything.
 */
function miscDevice({ simulation, dmaBuf, memory }: CoreServices, { dmaDefaultCoherent }: Arch): DmaDevice {
  return {
    name: "udmabuf",
    class: "misc",
    function: null,
    coherent: dmaDefaultCoherent,
    route: dmaBuf.machine.topology.route({ route: "direct" }),
    windows: identityWindows,
    masks: new DmaMasks("udmabuf", identityWindows, memory, dmaBitMask(64)),
    bandwidth: 1,
    timeline: new Timeline(simulation, "udmabuf"),
  };
}

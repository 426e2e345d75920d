// SPDX-License-Identifier: MIT
import {
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  dmaAddr,
  KernelError,
  MappedAttachment,
  type Process,
  physAddr,
  type SgMapping,
} from "@dmabuf/core";
import type { AccessKind } from "@dmabuf/core/coherency";
import { IommuProt } from "@dmabuf/core/iommu";
import { WaitQueue } from "@dmabuf/core/sim";
import type { MmuContext } from "../mmu-context.ts";
import { LOCAL } from "../private-mmu.ts";
import { AddressRoom } from "./address-room.ts";
import type { Gpu } from "./gpu.ts";
import { GpuImport } from "./gpu-import.ts";

const { READ, WRITE, CACHE } = IommuProt;

/** Who has how much room in an address space; one that several processes share has one. */
const rooms = new WeakMap<MmuContext, AddressRoom>();

/** How a process has a buffer in its address space. */
export interface GpuMapping {
  /** Where it begins: the bus address that is equal to the user's (D24). Default wherever there is room. */
  readonly address?: number;
  /**
   * Whether the device's accesses to it are snooped, where every page says so (D22); default as the kernel believes of
   * the device.
   */
  readonly snooped?: boolean;
  /** Whether the device may only read it; default no. */
  readonly readOnly?: boolean;
}

/** A process that has opened the GPU: its address space, and the buffers in it. */
export class GpuProcess {
  readonly gpu: Gpu;
  readonly context: MmuContext;
  readonly #room: AddressRoom;

  /** For `Gpu.open`. */
  constructor(gpu: Gpu, context: MmuContext) {
    this.gpu = gpu;
    this.context = context;
    this.#room = rooms.get(context) ?? new AddressRoom(context.start, context.end);
    rooms.set(context, this.#room);
  }

  /**
   * Imports a buffer: attaches, maps through the DMA API, and maps the bus addresses that gives into the process's
   * address space. Throws `KernelError` EINVAL for entries that are not whole pages, ENOSPC without room, and as attach
   * and map answer.
   */
  import(buffer: DmaBuf, direction: DmaDirection, mapping: GpuMapping = {}): Process<GpuImport> {
    const { simulation } = buffer.core;
    return simulation.process(`${this.gpu.device.name} import`, this.#import(buffer, direction, mapping));
  }

  *#import(buffer: DmaBuf, direction: DmaDirection, how: GpuMapping): Process<GpuImport> {
    let address = 0;
    const mapped = yield* MappedAttachment.attach(buffer, this.#device, direction, ({ mapping }) => {
      address = this.map(mapping, how);
    });
    return new GpuImport(this, mapped, address);
  }

  /** Maps what the DMA API has mapped into the address space, and returns where. Throws as `import`. */
  map(mapping: SgMapping, how: GpuMapping = {}): number {
    const { address, snooped = this.#device.coherent, readOnly = false } = how;
    const { mmu } = this.gpu;
    const { dmaAddresses, dmaLengths, nents } = mapping;
    const size = dmaLengths.reduce((sum, length) => sum + length, 0);
    const window = nents === 1 ? (mmu.linear?.(dmaAddresses[0] as number, size) ?? null) : null;
    if (window !== null && address === undefined) return window;
    const prot = READ | (readOnly ? 0 : WRITE) | (snooped ? CACHE : 0);
    return this.#mapAt(address, size, prot, dmaAddresses, dmaLengths);
  }

  /**
   * Maps a part of the GPU's own memory into the address space, and returns where. Throws `KernelError` EINVAL for what
   * it does not have, ENOSPC without room.
   */
  mapLocal(offset: number, size: number, { address, readOnly = false }: GpuMapping = {}): number {
    const { localMemory = 0 } = this.gpu.mmu;
    if (!(offset >= 0 && size > 0 && offset + size <= localMemory)) {
      const reason = `${this.#device.name} has ${localMemory} bytes of its own, not [${offset}, ${offset + size})`;
      throw new KernelError("EINVAL", "gpu map", reason);
    }
    const prot = READ | (readOnly ? 0 : WRITE) | LOCAL;
    return this.#mapAt(address, size, prot, [offset], [size]);
  }

  /** Maps pieces one after the other, all or none. */
  #mapAt(
    address: number | undefined,
    size: number,
    prot: number,
    addresses: ArrayLike<number>,
    lengths: ArrayLike<number>,
  ): number {
    const { context } = this;
    const alignment = context.table.pageSizes.findLast((pageSize) => pageSize <= size) ?? context.granule;
    const at = address === undefined ? this.#room.take(size, alignment) : this.#room.takeAt(address, size);
    let done = 0;
    try {
      for (let i = 0; i < addresses.length; i++) {
        const length = lengths[i] as number;
        context.map(dmaAddr(at + done), physAddr(addresses[i] as number), length, prot);
        done += length;
      }
    } catch (error) {
      this.#unmap(at, done);
      throw error;
    }
    if (this.gpu.mmu.flushes === "at-once") context.syncMap(dmaAddr(at), size);
    return at;
  }

  /**
   * Takes a mapping out of the address space, before the DMA API's is. Where the command stream flushes, the next job does.
   */
  unmap(address: number, size: number): void {
    // In a linear window nothing was mapped.
    if (address >= this.context.start) this.#unmap(address, size);
  }

  /**
   * A job that uses an address which user space made up, as a program can; waits until it is done. Returns the bytes
   * that got through: what refuses the rest is a finding.
   */
  access(address: number, length: number, kind: AccessKind): Process<number> {
    const { simulation } = this.gpu.services;
    return simulation.process(`${this.#device.name} job`, this.#access(address, length, kind));
  }

  *#access(address: number, length: number, kind: AccessKind): Process<number> {
    const { mmu, services } = this.gpu;
    const { transfers } = services.dmaBuf;
    const device = this.#device;
    const done = new WaitQueue(services.simulation, `a job of ${device.name}`);
    let reached = -1;
    let ended = false;
    const run = (): void => {
      reached = transfers.accessAt(device, address, length, kind, mmu.translation);
    };
    device.timeline.submit({
      duration: Math.ceil((length / device.bandwidth) * 1e9),
      start: () => {
        mmu.switchTo(this.context);
        if (kind === "read") run();
      },
      complete: () => {
        if (kind === "write") run();
        ended = true;
        done.wakeAll();
      },
    });
    yield* done.waitUntil(() => ended);
    return reached;
  }

  /** Closes the GPU, when all buffers are detached. */
  close(): void {
    this.gpu.mmu.destroyContext(this.context);
  }

  #unmap(at: number, size: number): void {
    this.#room.give(at);
    if (size === 0) return;
    this.context.unmap(dmaAddr(at), size);
    if (this.gpu.mmu.flushes === "at-once") this.context.flush(dmaAddr(at), size);
  }

  get #device(): DmaDevice {
    return this.gpu.device;
  }
}

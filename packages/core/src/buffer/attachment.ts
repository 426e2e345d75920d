// SPDX-License-Identifier: MIT
import { PAGE_SIZE } from "../address.ts";
import type { AccessKind } from "../coherency/operation.ts";
import type { Route } from "../coherency/topology.ts";
import { type DmaDirection, dmaDirections } from "../dma/direction.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import type { SgMapping } from "../dma/mapping.ts";
import type { OwnAddresses } from "../dma/own-addresses.ts";
import { KernelError } from "../error.ts";
import type { Process } from "../sim/process.ts";
import {
  dmaBufDetach,
  dmaBufMapAttachment,
  dmaBufUnalignedSegment,
  dmaBufUnmapAttachment,
} from "./buffer-trace.ts";
import { checkMapping } from "./constraint/mapping-check.ts";
import type { TransferMode } from "./device-transfers.ts";
import type { DmaBuf } from "./dma-buf.ts";

/** How the accesses of one transfer get to memory. */
interface AccessPath {
  readonly route?: Route;
  readonly own?: OwnAddresses;
}

/** A device's share in a buffer: a static attachment, which is mapped when its importer says so. */
export class Attachment {
  readonly buffer: DmaBuf;
  readonly device: DmaDevice;
  /** Never reused. */
  readonly id: number;
  /** The mapping that core keeps until detach (B-38), or null. */
  #cached: SgMapping | null = null;
  #mappings = 0;
  #attached = true;

  /** For `DmaBuf.attach`. */
  constructor(buffer: DmaBuf, device: DmaDevice, id: number) {
    this.buffer = buffer;
    this.device = device;
    this.id = id;
  }

  /** Mappings that the importer has not given back. */
  get mappings(): number {
    return this.#mappings;
  }

  /**
   * Maps the buffer for the device; the reservation must be held (B-34). A kept mapping is handed out again without a
   * call to the exporter and without maintenance, and only for its own direction unless that is bidirectional, else
   * EBUSY (B-35). A fresh one is followed by a wait for kernel fences, and undone when a signal ends that (B-37). Where the
   * kernel looks at constraints, EINVAL for memory that no list makes fit for the device (PR-11).
   * @see dma_buf_map_attachment
   */
  map(direction: DmaDirection): Process<SgMapping> {
    return this.buffer.core.simulation.process("dma_buf_map_attachment", this.#map(direction));
  }

  *#map(direction: DmaDirection): Process<SgMapping> {
    const { buffer, device } = this;
    const { kernel, simulation, cpu } = buffer.core;
    buffer.resv.assertHeld("B-34", "dma_buf_map_attachment");
    if (this.#cached !== null) {
      const kept = this.#cached.direction;
      if (kept !== direction && kept !== "bidirectional") {
        const reason = `${device.name} has it mapped ${kept}; it cannot be mapped ${direction} before detach`;
        throw new KernelError("EBUSY", "dma_buf_map_attachment", reason);
      }
      this.#mappings++;
      return this.#cached;
    }
    yield* buffer.allocate();
    const mapping = yield* buffer.ops.map(this, direction);
    yield* cpu.settle();
    try {
      if (kernel.constrainsAttach) checkMapping(mapping);
      yield* buffer.resv.wait("kernel", { interruptible: true });
    } catch (error) {
      yield* buffer.ops.unmap(this, mapping);
      throw error;
    }
    this.#noteUnaligned(mapping);
    if (buffer.ops.cacheSgtMapping === true && kernel.coreCachesMappings) this.#cached = mapping;
    this.#mappings++;
    this.#emit(dmaBufMapAttachment, direction, simulation.trace);
    return mapping;
  }

  #noteUnaligned({ dmaAddresses, dmaLengths, nents }: SgMapping): void {
    const { trace } = this.buffer.core.simulation;
    for (let entry = 0; entry < nents; entry++) {
      const [address, length] = [dmaAddresses[entry] as number, dmaLengths[entry] as number];
      if (address % PAGE_SIZE === 0 && length % PAGE_SIZE === 0) continue;
      trace.emit(dmaBufUnalignedSegment, trace.intern(this.device.name), entry, address, length);
    }
  }

  /** Gives a mapping back; the reservation must be held. A kept one stays until detach (B-41). */
  unmap(mapping: SgMapping): Process {
    return this.buffer.core.simulation.process("dma_buf_unmap_attachment", this.#unmap(mapping));
  }

  *#unmap(mapping: SgMapping): Process {
    const { simulation, cpu } = this.buffer.core;
    this.buffer.resv.assertHeld("B-41", "dma_buf_unmap_attachment");
    this.#mappings--;
    if (mapping === this.#cached) return;
    yield* this.buffer.ops.unmap(this, mapping);
    yield* cpu.settle();
    this.#emit(dmaBufUnmapAttachment, mapping.direction, simulation.trace);
  }

  /** Takes the reservation, maps, and lets it go (B-42). */
  mapUnlocked(direction: DmaDirection): Process<SgMapping> {
    return this.buffer.core.simulation.process(
      "dma_buf_map_attachment_unlocked",
      this.#mapUnlocked(direction),
    );
  }

  *#mapUnlocked(direction: DmaDirection): Process<SgMapping> {
    const { resv } = this.buffer;
    yield* resv.lock();
    try {
      return yield* this.map(direction);
    } finally {
      resv.unlock();
    }
  }

  /** Takes the reservation, unmaps, and lets it go (B-42). */
  unmapUnlocked(mapping: SgMapping): Process {
    return this.buffer.core.simulation.process(
      "dma_buf_unmap_attachment_unlocked",
      this.#unmapUnlocked(mapping),
    );
  }

  *#unmapUnlocked(mapping: SgMapping): Process {
    const { resv } = this.buffer;
    yield* resv.lock();
    try {
      yield* this.unmap(mapping);
    } finally {
      resv.unlock();
    }
  }

  /**
   * Leaves the buffer (B-27): a kept mapping is unmapped, the exporter told. A mapping that the importer still has is
   * noted as a leak (B-28). @see dma_buf_detach
   */
  detach(): Process {
    return this.buffer.core.simulation.process("dma_buf_detach", this.#detach());
  }

  *#detach(): Process {
    const { buffer, device } = this;
    const { simulation, cpu } = buffer.core;
    buffer.resv.assertNotHeld("B-27", "dma_buf_detach");
    if (!this.#attached) {
      simulation.diagnostics.warn("B-27", "dma_buf_detach", `${device.name} is not attached any more`);
      return;
    }
    if (this.#mappings > 0) {
      simulation.diagnostics.warn("B-28", "dma_buf_detach", `${device.name} still has the buffer mapped`);
    }
    this.#attached = false;
    yield* buffer.resv.lock();
    if (this.#cached !== null) {
      yield* buffer.ops.unmap(this, this.#cached);
      yield* cpu.settle();
      this.#emit(dmaBufUnmapAttachment, this.#cached.direction, simulation.trace);
      this.#cached = null;
    }
    buffer.remove(this);
    buffer.resv.unlock();
    buffer.ops.detach?.(buffer, this);
    const { trace } = simulation;
    trace.emit(
      dmaBufDetach,
      trace.intern(device.name),
      trace.intern(buffer.exporterName),
      buffer.size,
      buffer.ino,
      this.id,
      0,
    );
  }

  /**
   * Lets the device read or write a part of the mapped buffer; see `DeviceTransfers.start`. Returns the transfer's number, for
   * `cancel`.
   * @param mode `cyclic`: again and again until `cancel`; `route`: how this mapping's accesses reach memory, default as
   * the device's do; `own`: the device's own addresses of the buffer, which an MMU inside of it translates
   */
  transfer(
    mapping: SgMapping,
    kind: AccessKind,
    offset: number,
    length: number,
    complete: () => void,
    { route = this.device.route, own, ...mode }: TransferMode & AccessPath = {},
  ): number {
    const { buffer, device } = this;
    const extents = mapping.extents.slice(offset, length);
    const known = { buffer, device, attachment: this, mapping, kind, extents, offset, route };
    const transfer = own === undefined ? known : { ...known, own };
    return buffer.core.transfers.start(transfer, complete, mode);
  }

  /** Takes a transfer back; see `DeviceTransfers.cancel`. */
  cancel(transfer: number): boolean {
    return this.buffer.core.transfers.cancel(this.device, transfer);
  }

  #emit(
    point: typeof dmaBufMapAttachment | typeof dmaBufUnmapAttachment,
    direction: DmaDirection,
    trace: DmaBuf["core"]["simulation"]["trace"],
  ): void {
    const name = trace.intern(this.device.name);
    trace.emit(point, name, this.buffer.ino, this.id, dmaDirections.indexOf(direction));
  }
}

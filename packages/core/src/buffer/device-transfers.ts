// SPDX-License-Identifier: MIT
import type { MemoryMachine } from "../coherency/memory-machine.ts";
import type { AccessKind } from "../coherency/operation.ts";
import { ownReach } from "../dma/backend/own-reach.ts";
import { reachAt } from "../dma/backend/reach-at.ts";
import type { Cpu } from "../dma/cpu.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import { deviceAccess } from "../dma/dma-trace.ts";
import type { DeviceTranslation } from "../iommu/translation.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { CoherencyPolicy, Transfer } from "./coherency-policy.ts";

/** How a transfer goes. */
export interface TransferMode {
  /** Whether the device goes through its part again and again until it is cancelled; then it never completes. */
  readonly cyclic?: boolean;
}

/** What a transfer is performed with. */
interface Hands {
  readonly simulation: Simulation;
  readonly machine: MemoryMachine;
  readonly cpu: Cpu;
  readonly policy: CoherencyPolicy;
}

/** The transfers that devices do with their engines, attached or on buffers of their own. */
export class DeviceTransfers {
  readonly #hands: Hands;
  /** What ends each transfer that has begun. */
  readonly #running = new Map<DmaDevice, Map<number, () => void>>();

  /** For `DmaBufCore`. */
  constructor(hands: Hands) {
    this.#hands = hands;
  }

  /**
   * Lets a device read or write a part of a buffer, one transfer after the other, and calls `complete` in atomic context
   * when it is done. What the coherency policy owes is done before the device starts and before `complete`; its CPU time
   * delays both. A read observes memory when it starts, a write reaches it when it ends. Returns the transfer's number,
   * for `cancel`.
   */
  start(transfer: Transfer, complete: () => void, { cyclic = false }: TransferMode = {}): number {
    const { simulation, cpu, policy } = this.#hands;
    const { device, kind, extents } = transfer;
    const running = this.#runningOn(device);
    const duration = cyclic ? Number.POSITIVE_INFINITY : Math.ceil((extents.bytes / device.bandwidth) * 1e9);
    const id = device.timeline.submit({
      duration: () => duration + cpu.takeOwed(),
      start: () => {
        policy.beginAccess(transfer);
        transfer.own?.begin?.();
        if (kind === "read") this.#access(transfer);
        running.set(id, () => {
          if (cyclic) this.#access(transfer);
          policy.endAccess(transfer);
        });
      },
      complete: () => {
        running.delete(id);
        if (kind === "write") this.#access(transfer);
        policy.endAccess(transfer);
        const after = cpu.takeOwed();
        if (after > 0) simulation.timer(complete, device.timeline.id).arm(after);
        else complete();
      },
    });
    return id;
  }

  /**
   * Takes a transfer back; its `complete` is not called. False when it is done already, or as good as done. One that
   * runs is ended as the coherency policy asks: what it has read it has read, and nothing of what it was to write
   * reaches memory. A cyclic one has gone through its part once more by then.
   */
  cancel(device: DmaDevice, transfer: number): boolean {
    if (!device.timeline.cancel(transfer)) return false;
    const running = this.#runningOn(device);
    running.get(transfer)?.();
    running.delete(transfer);
    return true;
  }

  /**
   * A device reads or writes by bus address, whatever is mapped: a descriptor that nobody took back, a pointer too far. Its
   * bus or its IOMMU decides what physical memory answers. Returns the bytes that got through: an access ends where the
   * IOMMU refuses it, and one that no window shows reaches nothing, of which a warning is noted.
   * @param own an MMU inside of the device, which the address is one of; default none
   */
  accessAt(
    device: DmaDevice,
    dmaAddress: number,
    length: number,
    kind: AccessKind,
    own: DeviceTranslation | null = null,
  ): number {
    const { machine, simulation } = this.#hands;
    const { trace } = simulation;
    const index = kind === "read" ? 0 : 1;
    const event = trace.emit(deviceAccess, trace.intern(device.name), index, dmaAddress, length);
    const stretch = { address: dmaAddress, length };
    const work = { kind, event };
    const parts =
      own === null
        ? reachAt(device, stretch, work, simulation)
        : ownReach(
            device,
            stretch,
            { translation: own, mapping: null, route: device.route },
            work,
            simulation,
          );
    for (const { route, extents } of parts) machine.access(route, kind, extents, event);
    return parts.reduce((sum, { extents }) => sum + extents.bytes, 0);
  }

  #access({ device, kind, extents, route, mapping, offset = 0, own }: Transfer): void {
    const { machine, simulation } = this.#hands;
    const { trace } = simulation;
    const name = trace.intern(device.name);
    const index = kind === "read" ? 0 : 1;
    const event = trace.emit(deviceAccess, name, index, extents.addressAt(0), extents.bytes);
    const parts =
      own === undefined
        ? mapping?.placement.reached(extents, route, { kind, offset, event })
        : ownReach(
            device,
            { address: own.address + offset, length: extents.bytes },
            { translation: own.translation, mapping, route },
            { kind, event },
            simulation,
          );
    for (const part of parts ?? [{ route, extents }]) machine.access(part.route, kind, part.extents, event);
  }

  #runningOn(device: DmaDevice): Map<number, () => void> {
    let transfers = this.#running.get(device);
    if (transfers === undefined) {
      transfers = new Map();
      this.#running.set(device, transfers);
    }
    return transfers;
  }
}

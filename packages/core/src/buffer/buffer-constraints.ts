// SPDX-License-Identifier: MIT

import { constraintsOf, type DmaConstraints, unconstrained } from "../dma/dma-constraints.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import { physToDma } from "../dma/dma-window.ts";
import { KernelError } from "../error.ts";
import { Extents } from "../memory/extents.ts";
import type { Process } from "../sim/process.ts";
import { conflictOf, type Party } from "./constraint/conflict.ts";
import { describeConstraints } from "./constraint/describe-constraints.ts";
import { intersect, intersectAll, stricterIn } from "./constraint/intersect.ts";
import { pictureRefusal } from "./constraint/picture-check.ts";
import { refusalOf, scatterlistFor } from "./constraint/scatterlist-for.ts";
import type { DmaBuf } from "./dma-buf.ts";
import { demandTrust } from "./untrusted-access.ts";

const party = (device: DmaDevice): Party => ({ name: device.name, constraints: constraintsOf(device) });

/**
 * What a buffer's devices can take together, as proposed in 2015 and never merged (PR-10 to PR-13): who may still attach, and
 * what memory the exporter is asked for at the first map.
 */
export class BufferConstraints {
  readonly #buffer: DmaBuf;
  #current = unconstrained;
  /** Whether the exporter was asked for memory that suits all who are attached. */
  #allocated = false;

  /** For `DmaBuf`. */
  constructor(buffer: DmaBuf) {
    this.#buffer = buffer;
  }

  /** What all attached devices can take. */
  get current(): DmaConstraints {
    return this.#current;
  }

  /** Computes it again from the devices that are attached (PR-11), and returns it. */
  recalculate(): DmaConstraints {
    const devices = this.#buffer.attachments.map(({ device }) => constraintsOf(device));
    this.#current = intersectAll(devices);
    return this.#current;
  }

  /**
   * Asked before a device joins the list, with the reservation held. Throws `KernelError` EINVAL when no memory suits all
   * devices, with the two that conflict (D10, D12), when the device has too few segments for the picture (D17), or when the memory that is there does not suit and stays; EBUSY when it
   * would have to change while somebody has it mapped (D11).
   */
  admit(device: DmaDevice): void {
    const { attachments, ops, size } = this.#buffer;
    const others = ops.listPerImporter === true ? [] : attachments.map((other) => party(other.device));
    const parties = [...others, party(device)];
    const conflict = conflictOf(parties, size);
    if (conflict !== null) throw new KernelError("EINVAL", "dma_buf_attach", conflict.reason);
    this.#demandLines(device);
    const wanted = constraintsOf(device);
    const stricter = stricterIn(this.#current, wanted);
    if (stricter.length > 0) this.#settle(device, wanted, stricter);
    this.#current = intersect(this.#current, wanted);
  }

  /** Memory as a list for one device: cut where its pieces are too long for it (D14). Throws as `scatterlistFor`. */
  listFor(device: DmaDevice, extents: Extents): Extents {
    const offset = busOffset(device, extents.addressAt(0));
    const pieces = [...scatterlistFor(constraintsOf(device), { extents }, offset).entries()];
    return Extents.each(
      pieces.map(({ address }) => address),
      pieces.map(({ address, length }) => address + length),
    );
  }

  /** Asks the exporter for memory that suits all, if it has to (D13); with the reservation held. */
  *allocate(): Process {
    const { ops } = this.#buffer;
    if (this.#allocated || ops.allocate === undefined) return;
    yield* ops.allocate(this.#buffer, this.#current);
    this.#allocated = true;
  }

  /** A picture may be in more segments than the device takes, however the memory lies (D17). */
  #demandLines(device: DmaDevice): void {
    const { picture, ops } = this.#buffer;
    if (picture === null) return;
    // An exporter that is asked for memory will suit it to the device.
    const known = ops.allocate !== undefined || (ops.memory?.(this.#buffer) ?? null) !== null;
    const reason = pictureRefusal(party(device), picture, known);
    if (reason !== null) throw new KernelError("EINVAL", "dma_buf_attach", reason);
  }

  /** A stricter device comes: the memory suits it, or is not there yet, or can move. */
  #settle(device: DmaDevice, wanted: DmaConstraints, stricter: readonly (keyof DmaConstraints)[]): void {
    const { ops, attachments, exporterName } = this.#buffer;
    const memory = ops.memory?.(this.#buffer) ?? null;
    const unsuited =
      memory === null ? null : refusalOf(wanted, memory, busOffset(device, memory.extents.addressAt(0)));
    if (memory !== null && unsuited === null) return;
    const { trustId = null } = memory ?? {};
    if (trustId !== null) demandTrust(device, trustId);
    const user = attachments.find(({ mappings }) => mappings > 0)?.device.name;
    if (user !== undefined) {
      const needs = describeConstraints(wanted, stricter);
      const reason = `${device.name} needs ${needs}, and ${user} has the buffer mapped`;
      throw new KernelError("EBUSY", "dma_buf_attach", reason);
    }
    if (unsuited === null) return;
    if (ops.migrates !== true) {
      const reason = `${device.name} cannot use the memory that ${exporterName} has allocated: ${unsuited}`;
      throw new KernelError("EINVAL", "dma_buf_attach", reason);
    }
    this.#allocated = false;
  }
}

/** CPU physical address - bus address, of the window that shows the memory's beginning. */
function busOffset({ windows }: DmaDevice, phys: number): number {
  const bus = physToDma(windows, phys, "bidirectional") ?? phys;
  return phys - bus;
}

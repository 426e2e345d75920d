// SPDX-License-Identifier: MIT
import { type CoreServices, InputError } from "@dmabuf/core";
import type { DeviceTranslation } from "@dmabuf/core/iommu";
import type { MmuContext } from "./mmu-context.ts";

/** A flag of a mapping beside those of `IommuProt`: it lies in the device's own memory, not behind the bus. */
export const LOCAL = 1 << 8;

/**
 * An MMU inside of a device, hardware and driver. It belongs to the device's driver; what comes out of it are bus
 * addresses, which an IOMMU on the bus may translate once more (figure 1 of D23).
 */
export interface PrivateMmu {
  /** What it is, as messages name it: `"Mali MMU"`. */
  readonly kind: string;
  /** Bits of a bus address that its descriptors hold: what the device's driver sets its DMA mask to. */
  readonly addressBits: number;
  /**
   * When the TLB learns what the driver changed: by a register as soon as that is done, or by commands before the next
   * job, so that the driver maps now and flushes later (D24).
   */
  readonly flushes: "at-once" | "in-stream";
  /** How jobs' accesses fare, in the address space that is switched to. */
  readonly translation: DeviceTranslation;
  /** Bytes of memory that the device has for itself and maps with `LOCAL`; left out for none. */
  readonly localMemory?: number;
  /**
   * An address space; the only one there is, where the hardware has one for all. Throws `KernelError` ENOMEM when there
   * are no more.
   */
  createContext(): MmuContext;
  /**
   * What is done before a job of that address space: the MMU is switched to it, and where the command stream flushes,
   * what changed since is flushed. Null for none: everything faults. Throws `TypeError` for an address space of another
   * MMU.
   */
  switchTo(context: MmuContext | null): void;
  /** Gives an address space back, whose process is gone; no job runs in it any more. */
  destroyContext(context: MmuContext): void;
  /**
   * Where the device sees a range of the bus without its MMU; left out, or null, where it does not.
   * @see memory_base in struct etnaviv_iommu_global
   */
  linear?(bus: number, size: number): number | null;
}

/** Makes the MMU of the device of that name, for a running system. */
export type MmuFactory = (services: CoreServices, device: string) => PrivateMmu;

/** Throws `InputError` for what makes no MMU. @param place whose it is */
export function demandFactory(place: string, mmu: MmuFactory): void {
  if (typeof mmu !== "function")
    throw new InputError(
      `${place}.mmu`,
      "says which MMU is inside of it: maliMmu(), etnavivV2(), gpuMmu() ...",
    );
}

// SPDX-License-Identifier: MIT

import { constraintsOf } from "../dma/dma-constraints.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import { KernelError } from "../error.ts";

/** Somebody was refused private memory that he is not trusted with (D20). */
export class UntrustedAccess extends KernelError {
  /** The device that was refused; null for the CPU. */
  readonly device: string | null;

  /** @param operation what was refused: `dma_buf_attach`. @param trustId of the memory */
  constructor(operation: string, device: string | null, trustId: string) {
    const who = device ?? "the CPU";
    super("EPERM", operation, `${who} is not trusted with "${trustId}", to which the memory is private`);
    this.device = device;
  }
}

/**
 * For the attach operation of an exporter of private memory. Throws `UntrustedAccess`, a `KernelError` EPERM, for a device
 * whose driver does not name the trust id (D20, H-9).
 */
export function demandTrust(device: DmaDevice, trustId: string): void {
  const { trustIds } = constraintsOf(device);
  if (trustIds === null || trustIds.includes(trustId)) return;
  throw new UntrustedAccess("dma_buf_attach", device.name, trustId);
}

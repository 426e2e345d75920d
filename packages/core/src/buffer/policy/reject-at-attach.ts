// SPDX-License-Identifier: MIT
import { KernelError } from "../../error.ts";
import type { CoherencyPolicy } from "../coherency-policy.ts";
import { kernelPolicy } from "./kernel.ts";

/** A device was refused because of its coherency: what D43 asks for. */
export class CoherencyConflict extends KernelError {}

/**
 * Refuses, at attach, a device whose coherency with the CPU differs from that of one already attached (D43); does what
 * the kernel does otherwise.
 */
export const rejectAtAttachPolicy = (): CoherencyPolicy => ({
  ...kernelPolicy(),
  name: "reject-at-attach",
  attach(buffer, device) {
    const other = buffer.attachments.find(
      (attachment) => attachment.device.coherent !== device.coherent,
    )?.device;
    if (other === undefined) return;
    const kind = (coherent: boolean): string =>
      coherent ? "coherent with the CPU" : "not coherent with the CPU";
    const reason = `${device.name} is ${kind(device.coherent)}, ${other.name}, already attached, is ${kind(other.coherent)}`;
    throw new CoherencyConflict("EINVAL", "dma_buf_attach", reason);
  },
});

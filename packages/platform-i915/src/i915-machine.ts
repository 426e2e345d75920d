// SPDX-License-Identifier: MIT
import type { X86Options } from "@dmabuf/arch-x86";
import type { BoardDescription } from "@dmabuf/core";
import type { I915Options } from "@dmabuf/exporter-i915";
import type { DmarUnits } from "./dmar-units.ts";

/** A machine with an i915 GPU: its board, and what the architecture and the driver are told about it. */
export interface I915Machine {
  /** Devices `gpu` and `display`, which are one PCI function, `camera`, `usb0` and `nvme0`; stolen memory as a carve-out. */
  readonly board: BoardDescription;
  /** The CPU's caches and flushes. */
  readonly cpu: X86Options;
  /** What the driver knows of the GPU: whether it shares the last-level cache, and its cache levels with their ports. */
  readonly gpu: I915Options;
  /** Its remapping units (VT-d); left out for a machine that has none. */
  readonly dmar?: DmarUnits;
}

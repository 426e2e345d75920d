// SPDX-License-Identifier: MIT
import { x86 } from "@dmabuf/arch-x86";
import { assemble, nearestName, type Platform, type Plugin } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { i915 as i915Driver } from "@dmabuf/exporter-i915";
import { udmabuf } from "@dmabuf/exporter-udmabuf";
import { baytrail } from "./baytrail.ts";
import { broxton } from "./broxton.ts";
import type { I915Machine } from "./i915-machine.ts";
import { meteorlake } from "./meteorlake.ts";
import { skylake } from "./skylake.ts";

/** The machines by name. */
export const machines = { skylake, baytrail, broxton, meteorlake } as const satisfies Record<
  string,
  I915Machine
>;

/** Name of one of {@link machines}. */
export type MachineName = keyof typeof machines;

/**
 * The plugins for a machine: x86 with its caches; the i915 driver, an exporter and the importers of `gpu` and `display`;
 * the exporters `udmabuf` and those of `heaps()`.
 */
export const i915Plugins = ({ cpu, gpu }: I915Machine): readonly Plugin[] => [
  x86(cpu),
  i915Driver(gpu),
  udmabuf(),
  heaps(),
];

/** A machine with an i915 GPU. Throws `TypeError`, with the nearest name, for a name that is none of {@link machines}. */
export function i915(machine: MachineName | I915Machine): Platform {
  if (typeof machine !== "string") return assemble(machine.board, i915Plugins(machine));
  const known = Object.hasOwn(machines, machine) ? machines[machine] : undefined;
  if (known === undefined) {
    throw new TypeError(`no machine "${machine}"${nearestName(machine, Object.keys(machines))}`);
  }
  return i915(known);
}

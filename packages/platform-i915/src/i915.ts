// SPDX-License-Identifier: MIT
import { x86 } from "@dmabuf/arch-x86";
import { assemble, demandOptions, nearestName, type Platform, type Plugin } from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { i915 as i915Driver } from "@dmabuf/exporter-i915";
import { udmabuf } from "@dmabuf/exporter-udmabuf";
import type { VtdOptions } from "@dmabuf/iommu-vtd";
import { baytrail } from "./baytrail.ts";
import { broxton } from "./broxton.ts";
import { behindUnits, type VtdChoice } from "./dmar-units.ts";
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

/** How a machine is put together. */
export interface AssembleOptions {
  /** Whether its IOMMU is on (`intel_iommu=on`), and how; default off: devices use physical addresses. */
  readonly vtd?: VtdChoice;
  /** With `vtd`: what makes accesses snoop that ask for no snoop, where the unit can; default `enforced`. */
  readonly snoop?: NonNullable<VtdOptions["snoop"]>;
}

/**
 * A machine with an i915 GPU. Throws `TypeError`, with the nearest name, for a name that is none of {@link machines}, and for
 * `vtd` on a machine that has none; `InputError` for options that there are not.
 */
export function i915(machine: MachineName | I915Machine, options: AssembleOptions = {}): Platform {
  const described = typeof machine === "string" ? machineNamed(machine) : machine;
  const { board, dmar } = described;
  const plugins = i915Plugins(described);
  demandOptions<AssembleOptions>(board.model, options, {
    vtd: { oneOf: ["strict", "lazy", "igfx-off"] },
    snoop: { oneOf: ["enforced", "cacheable"] },
  });
  if (options.vtd === undefined) return assemble(board, plugins);
  if (dmar === undefined) throw new TypeError(`${board.model} has no VT-d`);
  const translated = behindUnits(board, dmar, options.vtd, options.snoop);
  return assemble(translated.board, [...plugins, ...translated.plugins]);
}

function machineNamed(name: string): I915Machine {
  const known = Object.hasOwn(machines, name) ? machines[name as MachineName] : undefined;
  if (known !== undefined) return known;
  throw new TypeError(`no machine "${name}"${nearestName(name, Object.keys(machines))}`);
}

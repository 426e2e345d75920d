// SPDX-License-Identifier: MIT
import { InputError, type Size } from "@dmabuf/core";
import type { CacheLevel, LevelPorts } from "./cache-level.ts";

/** A machine with an i915 GPU, as far as the driver asks about it. Plain data, which platforms provide. */
export interface I915Options {
  /** The board's name of the GPU; default `gpu`. */
  readonly gpu?: string;
  /** The board's name of the display engine, a bus master of the same PCI function; default `display`. */
  readonly display?: string;
  /** Whether the GPU shares the CPUs' last-level cache (`HAS_LLC`). */
  readonly llc: boolean;
  /** The cache levels that there are; `none` must be among them. */
  readonly levels: LevelPorts;
  /** The level of an object that nobody chose one for; default `llc` where there is one, else `none`. */
  readonly defaultLevel?: CacheLevel;
  /** The GPU's version, 12.7 for 12.70; default 9. From 12.7 on nobody changes an object's level later (N-6). */
  readonly graphicsVersion?: number;
  /** Whether it is a card with memory of its own (`IS_DGFX`), where nothing is flushed; default no. */
  readonly discrete?: boolean;
  /**
   * Whether it may reach past the last-level cache whatever the level says (Jasper and Elkhart Lake), so that objects are
   * flushed when their pages are acquired (N-9); default no.
   */
  readonly bypassesLlc?: boolean;
  /** Bytes of a process's address space on the GPU; default 256 TiB. */
  readonly ppgtt?: Size;
  /** Bytes of the address space that the display scans from; default 4 GiB. */
  readonly ggtt?: Size;
  /** How much of that, from its beginning, the CPU sees through the aperture; default 256 MiB, 0 for none. */
  readonly aperture?: Size;
  /** The board's carve-out of stolen memory, by name; default none (N-14). */
  readonly stolen?: string;
  /** The board's carve-out that is the card's local memory, by name; default none. */
  readonly localMemory?: string;
}

/** Checks what a platform wrote. Throws `InputError` that names the option. */
export function checkOptions({
  llc,
  levels,
  defaultLevel,
  discrete = false,
  localMemory,
}: I915Options): void {
  const refuse = (option: string, reason: string): never => {
    throw new InputError(`i915: ${option}`, reason);
  };
  if (levels.none === undefined) refuse("levels", "every machine has the level none");
  if (llc && levels.snooped !== undefined)
    refuse("levels", "a GPU with an LLC has the level llc, not snooped");
  if (!llc && levels.llc !== undefined)
    refuse("levels", "without an LLC the level is called snooped, not llc");
  if (defaultLevel !== undefined && levels[defaultLevel] === undefined) {
    refuse("defaultLevel", `"${defaultLevel}" is none of its levels: ${Object.keys(levels).join(", ")}`);
  }
  if (localMemory !== undefined && !discrete) refuse("localMemory", "only a discrete card has local memory");
}

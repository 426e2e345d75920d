// SPDX-License-Identifier: MIT
import type { Process } from "@dmabuf/core";
import type { Binding } from "./binding.ts";
import { setCacheLevel } from "./caching.ts";
import { clflush } from "./clflush.ts";
import { allBut } from "./gem-domain.ts";
import type { I915Object } from "./i915-object.ts";
import { flushWriteDomain } from "./write-domain.ts";

/**
 * Makes an object fit for being scanned, which never snoops (N-8): the level that the display can do with, a place in the
 * GGTT, and a flush of what is dirty, by a work item whose fence the flip has to wait for; the reservation must be held.
 * Throws what changing the level and binding answer. @see i915_gem_object_pin_to_display_plane
 */
export function* pinToDisplay(object: I915Object): Process<Binding> {
  const { machine, ggtt } = object.driver;
  yield* setCacheLevel(object, machine.displayLevel);
  const binding = yield* ggtt.bind(object);
  binding.pins++;
  yield* flushForDisplay(object);
  return binding;
}

/** Lets the display's binding go. @see i915_gem_object_unpin_from_display_plane */
export function unpinFromDisplay(binding: Binding): void {
  binding.pins--;
}

/** Flushes what is dirty, also what the GPU would see (N-8); the reservation must be held. @see i915_gem_object_flush_for_display */
function* flushForDisplay(object: I915Object): Process {
  yield* flushWriteDomain(object, allBut("cpu"));
  if (object.cacheDirty) yield* clflush(object, { force: true });
  object.writeDomain = null;
}

/**
 * User space says that it has drawn into what is scanned, or that it is through with a software rendering: `DIRTYFB`, and
 * `SW_FINISH` (N-8). Nothing happens to an object of which nobody made a framebuffer. @see i915_gem_object_flush_if_display
 */
export function* flushIfDisplay(object: I915Object): Process {
  using _ = yield* object.resv.lock();
  if (object.framebuffers > 0) yield* flushForDisplay(object);
}

// SPDX-License-Identifier: MIT
import { KernelError, type Process } from "@dmabuf/core";
import type { CacheLevel } from "./cache-level.ts";
import type { GemDomain } from "./gem-domain.ts";
import type { I915Object } from "./i915-object.ts";
import { setToCpuDomain, setToGttDomain, setToWcDomain } from "./write-domain.ts";

/** What user space asks for: past the caches, in them, or whatever the display can scan. @see I915_CACHING_CACHED */
export type Caching = "none" | "cached" | "display";

/** From here on page attributes are chosen when an object is made, and never changed. */
const FIXED_SINCE = 12.7;

/**
 * Gives an object another level: waits for everybody, takes the object for dirty, and takes it out of every address
 * space, to be bound with the new level next time; the reservation must be held. Throws `KernelError` EBUSY while the
 * display has it pinned, EINTR when a signal comes. @see i915_gem_object_set_cache_level
 */
export function* setCacheLevel(object: I915Object, level: CacheLevel): Process {
  if (object.level === level) return;
  yield* object.resv.wait("bookkeep", { interruptible: true });
  const pinned = [...object.bindings].find(({ pins }) => pins > 0);
  if (pinned !== undefined) {
    const reason = `object ${object.id} is pinned in ${pinned.space.name}`;
    throw new KernelError("EBUSY", "i915_gem_object_set_cache_level", reason);
  }
  object.changeLevel(level);
  for (const binding of object.bindings) binding.space.unbind(binding);
}

/**
 * Lets user space choose an object's caching (N-6). Throws `KernelError` ENODEV on a discrete card and for `cached` where
 * nothing snoops, EOPNOTSUPP from 12.70 on and for an object whose page attributes user space chose, EINVAL for what is
 * no choice, ENXIO for an imported buffer. @see i915_gem_set_caching_ioctl
 */
export function* setCaching(object: I915Object, caching: Caching): Process {
  const { machine } = object.driver;
  const refuse = (errno: "ENODEV" | "EOPNOTSUPP" | "EINVAL" | "ENXIO", reason: string): never => {
    throw new KernelError(errno, "DRM_IOCTL_I915_GEM_SET_CACHING", reason);
  };
  if (machine.discrete) refuse("ENODEV", "a discrete card has no choice");
  if (machine.graphicsVersion >= FIXED_SINCE)
    refuse("EOPNOTSUPP", "the level is chosen when the object is made");
  if (!["none", "cached", "display"].includes(caching)) refuse("EINVAL", `"${caching}" is no caching`);
  const level = { none: "none", cached: machine.cachedLevel, display: machine.displayLevel }[
    caching
  ] as CacheLevel;
  if (level === null) refuse("ENODEV", "the GPU neither shares a cache with the CPUs nor snoops them");
  if (object.patSetByUser) refuse("EOPNOTSUPP", "user space chose the page attributes itself");
  if (object.imported !== null) refuse("ENXIO", "the buffer is somebody else's");
  using _ = yield* object.resv.lock({ interruptible: true });
  yield* setCacheLevel(object, level);
}

/**
 * Moves an object to a domain for user space (N-7), the aperture's or a write-combining mapping's in preference to the
 * CPU's. Throws `KernelError` ENODEV on a discrete card, EINVAL for the GPU's domain and for a write domain that is not
 * all there is to read, ENXIO for an imported buffer. @see i915_gem_set_domain_ioctl
 */
export function* setDomain(object: I915Object, read: readonly GemDomain[], write: GemDomain | null): Process {
  const refuse = (errno: "ENODEV" | "EINVAL" | "ENXIO", reason: string): never => {
    throw new KernelError(errno, "DRM_IOCTL_I915_GEM_SET_DOMAIN", reason);
  };
  if (object.driver.machine.discrete) refuse("ENODEV", "a discrete card has no domains");
  if (read.includes("render") || write === "render")
    refuse("EINVAL", "only the driver moves objects to the GPU");
  if (write !== null && (read.length !== 1 || read[0] !== write)) {
    refuse("EINVAL", `to write in ${write} is to read there, and nowhere else`);
  }
  if (read.length === 0) return;
  if (object.imported !== null) refuse("ENXIO", "the buffer is somebody else's");
  using _ = yield* object.resv.lock({ interruptible: true });
  yield* object.pages.pin();
  try {
    if (read.includes("wc")) yield* setToWcDomain(object, write !== null);
    else if (read.includes("gtt")) yield* setToGttDomain(object, write !== null);
    else yield* setToCpuDomain(object, write !== null);
  } finally {
    object.pages.unpin();
  }
}

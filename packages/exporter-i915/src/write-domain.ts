// SPDX-License-Identifier: MIT
import type { Process } from "@dmabuf/core";
import { usageRw } from "@dmabuf/core/sync";
import { clflush } from "./clflush.ts";
import { allBut, type GemDomain } from "./gem-domain.ts";
import type { I915Object } from "./i915-object.ts";

/**
 * Ends the writing of an object in one of the domains `mask`, so that what was written leaves that domain's caches or
 * buffers, or is noted as dirty there (N-4); the reservation must be held. @see flush_write_domain
 */
export function* flushWriteDomain(object: I915Object, mask: readonly GemDomain[]): Process {
  const { writeDomain, driver } = object;
  const { cpu } = driver.services;
  if (writeDomain === null || !mask.includes(writeDomain)) return;
  if (writeDomain === "gtt" || writeDomain === "wc") cpu.drain();
  else if (writeDomain === "cpu") yield* clflush(object, { sync: true });
  else if (object.gpuWriteNeedsFlush) object.cacheDirty = true;
  object.writeDomain = null;
}

/**
 * Moves an object to the CPU: for reading it waits for writers, for writing for everybody (N-3). Throws `KernelError` EINTR
 * when a signal comes. @see i915_gem_object_set_to_cpu_domain
 */
export function* setToCpuDomain(object: I915Object, write: boolean): Process {
  object.resv.assertHeld("N-3", "i915_gem_object_set_to_cpu_domain");
  yield* object.resv.wait(usageRw(write), { interruptible: true });
  yield* flushWriteDomain(object, allBut("cpu"));
  if (!object.readDomains.has("cpu")) {
    yield* clflush(object, { sync: true });
    object.readDomains.add("cpu");
  }
  if (write) object.startCpuWrite();
}

/** Moves an object to the aperture, or to any mapping that is as coherent (N-3). @see i915_gem_object_set_to_gtt_domain */
export const setToGttDomain = (object: I915Object, write: boolean): Process =>
  setUncached(object, "gtt", write);

/** Moves an object to write-combining mappings (N-3). @see i915_gem_object_set_to_wc_domain */
export const setToWcDomain = (object: I915Object, write: boolean): Process =>
  setUncached(object, "wc", write);

function* setUncached(object: I915Object, domain: "gtt" | "wc", write: boolean): Process {
  const { resv, pages, readDomains, driver } = object;
  resv.assertHeld("N-3", `i915_gem_object_set_to_${domain}_domain`);
  yield* resv.wait(usageRw(write), { interruptible: true });
  if (object.writeDomain === domain) return;
  yield* pages.pin();
  try {
    yield* flushWriteDomain(object, allBut(domain));
    if (!readDomains.has(domain)) driver.services.cpu.drain();
    readDomains.add(domain);
    if (!write) return;
    readDomains.clear();
    readDomains.add(domain);
    object.writeDomain = domain;
  } finally {
    pages.unpin();
  }
}

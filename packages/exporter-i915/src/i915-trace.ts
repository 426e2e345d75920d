// SPDX-License-Identifier: MIT
import { tracepoint } from "@dmabuf/core/sim";

const SYSTEM = "i915";

/** An object was made. @see trace_i915_gem_object_create */
export const objectCreate = tracepoint(
  SYSTEM,
  "i915_gem_object_create",
  ["obj", "number"],
  ["size", "number"],
);

/** An object's last reference is gone. @see trace_i915_gem_object_destroy */
export const objectDestroy = tracepoint(SYSTEM, "i915_gem_object_destroy", ["obj", "number"]);

/** An object is flushed out of the CPU's caches, now or by a work item (N-5). @see trace_i915_gem_object_clflush */
export const objectClflush = tracepoint(SYSTEM, "i915_gem_object_clflush", ["obj", "number"]);

/** A user mapping through the aperture faulted a page in. @see trace_i915_gem_object_fault */
export const objectFault = tracepoint(
  SYSTEM,
  "i915_gem_object_fault",
  ["obj", "number"],
  ["index", "number"],
  ["gtt", "boolean"],
  ["write", "boolean"],
);

/** An object came into an address space of the GPU. @see trace_i915_vma_bind */
export const vmaBind = tracepoint(
  SYSTEM,
  "i915_vma_bind",
  ["obj", "number"],
  ["vm", "string"],
  ["offset", "address"],
  ["size", "number"],
  ["flags", "number"],
);

/** An object left an address space of the GPU. @see trace_i915_vma_unbind */
export const vmaUnbind = tracepoint(
  SYSTEM,
  "i915_vma_unbind",
  ["obj", "number"],
  ["vm", "string"],
  ["offset", "address"],
  ["size", "number"],
);

/** Pages are taken from objects that nobody uses. @see trace_i915_gem_shrink */
export const shrink = tracepoint(
  SYSTEM,
  "i915_gem_shrink",
  ["dev", "number"],
  ["target", "number"],
  ["flags", "number"],
);

/** Ours: an object acquires its pages, flushed if they are dirty in the CPU's caches. @see __i915_gem_object_set_pages */
export const setPages = tracepoint(
  SYSTEM,
  "i915_gem_object_set_pages",
  ["obj", "number"],
  ["size", "number"],
);

/** Ours: an object that leaves its pages, or a mapping of the kernel's, is flushed line by line. @see drm_clflush_sg */
export const flushMap = tracepoint(SYSTEM, "i915_gem_object_flush_map", ["obj", "number"]);

/** Ours: somebody else's buffer is mapped for the device, behind a flush of everything (N-13). */
export const getPagesDmabuf = tracepoint(
  SYSTEM,
  "i915_gem_object_get_pages_dmabuf",
  ["device", "string"],
  ["obj", "number"],
  ["size", "number"],
);

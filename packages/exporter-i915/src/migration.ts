// SPDX-License-Identifier: MIT
import { type DmaBuf, KernelError, type Process } from "@dmabuf/core";
import type { AccessKind } from "@dmabuf/core/coherency";
import { DmaFence } from "@dmabuf/core/sync";
import type { I915Object } from "./i915-object.ts";
import { ShmemBacking } from "./shmem-backing.ts";

/**
 * Moves an object from the card's memory to the system's, copied by the GPU, and waits for that; the reservation must be
 * held (N-10). Throws `KernelError` EOPNOTSUPP for an object that may not be there, or that somebody keeps where it is,
 * ENOMEM when there are no pages. @see i915_gem_object_migrate
 */
export function* migrateToSystem(object: I915Object, buffer: DmaBuf): Process {
  const { driver, placements, pages, bindings, resv } = object;
  const refuse = (reason: string): never => {
    throw new KernelError("EOPNOTSUPP", "i915_gem_dmabuf_attach", `object ${object.id}: ${reason}`);
  };
  if (!placements.includes("system")) refuse("it may only be in local memory, which nobody else reaches");
  yield* resv.wait("bookkeep", { interruptible: true });
  if (pages.pins > bindings.size) refuse("its local memory is pinned");
  const system = new ShmemBacking(driver.services, object.size);
  const { extents: to } = system;
  const { extents: from } = object.backing;
  const { dmaBuf } = driver.services;
  const fence = DmaFence.init(
    dmaBuf.fences,
    { driverName: "i915", timelineName: "migrate" },
    dmaBuf.fences.contextAlloc(),
    1,
  );
  resv.reserveFences(1);
  resv.addFence(fence, "kernel");
  const copy = (kind: AccessKind, done: () => void): void => {
    const route = kind === "read" ? driver.machine.direct : driver.machine.route(object.level);
    const extents = kind === "read" ? from : to;
    const transfer = { buffer, device: driver.gpu, attachment: null, mapping: null, kind, extents, route };
    dmaBuf.transfers.start(transfer, done);
  };
  copy("read", () => copy("write", () => fence.signal()));
  yield* fence.wait();
  fence.put();
  for (const binding of bindings) binding.space.unbind(binding);
  pages.put();
  object.backing.free();
  object.changeBacking(system);
}

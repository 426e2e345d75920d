// SPDX-License-Identifier: MIT
import type { CoreServices, Extents } from "@dmabuf/core";

/**
 * Clears memory past the caches, and waits until it has arrived there: nothing of it is dirty in a cache afterwards, so
 * that no map has to clean it. For memory that the linear map does not have.
 */
export function clearWriteCombining({ cpu, dmaBuf }: CoreServices, extents: Extents): void {
  const address = dmaBuf.nextMapping(extents.bytes);
  cpu.access("clear", extents, { memoryType: "write-combining", route: null, address });
  cpu.drain();
}

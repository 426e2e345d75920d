// SPDX-License-Identifier: MIT
import { type CoreServices, definePlugin, type Plugin } from "@dmabuf/core";
import type { Simulation } from "@dmabuf/core/sim";
import { DrmCard } from "./drm-card.ts";

/** What kind of DRM device it is. */
export interface DrmOptions {
  /**
   * Whether it takes a buffer only where it is one range for it, as drivers on the `drm_gem_dma` helper do, whose engines
   * have no segment list; its own buffers are then contiguous. Default false: scattered memory will do.
   */
  readonly contiguous?: boolean;
  /** Whether it scans buffers out: reads them, and can be told when to pin. Default: a device of class `display`. */
  readonly scansOut?: boolean;
  /** Bytes that the lines of its dumb buffers are a multiple of; default 1. */
  readonly pitchAlign?: number;
  /** The exporter's name under which pipelines get dumb buffers of it; default none. */
  readonly exporter?: string;
}

/**
 * A DRM driver on the board's device of that name, which imports by PRIME. `system.importer(device)` is then a
 * {@link DrmCard}, whose `open` gives a file with handles. @see drivers/gpu/drm/drm_prime.c
 */
export function drm(device: string, options: DrmOptions = {}): Plugin {
  const { exporter } = options;
  const cards = new WeakMap<Simulation, DrmCard>();
  // Importer and exporter are one device: what it exported it must know again.
  const card = (services: CoreServices): DrmCard => {
    let made = cards.get(services.simulation);
    if (made === undefined) {
      made = new DrmCard(services, services.device(device), options);
      cards.set(services.simulation, made);
    }
    return made;
  };
  return definePlugin({
    name: "@dmabuf/importer-drm",
    provides: {
      importers: { [device]: card },
      ...(exporter === undefined ? {} : { exporters: { [exporter]: card } }),
    },
  });
}

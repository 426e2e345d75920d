// SPDX-License-Identifier: MIT
import { type CoreServices, definePlugin, type Plugin } from "@dmabuf/core";
import type { Simulation } from "@dmabuf/core/sim";
import { DisplayImporter } from "./display-importer.ts";
import { GpuImporter } from "./gpu-importer.ts";
import { I915Driver } from "./i915-driver.ts";
import { checkOptions, type I915Options } from "./i915-options.ts";

/**
 * The i915 driver of one GPU: the exporter `i915`, which is an `I915Driver`, and the importers of the GPU and of the
 * display engine. Throws `InputError` for options that no machine has.
 */
export function i915(options: I915Options): Plugin {
  checkOptions(options);
  const { gpu = "gpu", display = "display" } = options;
  const drivers = new WeakMap<Simulation, I915Driver>();
  const driverOf = (services: CoreServices): I915Driver => {
    const known = drivers.get(services.simulation);
    if (known !== undefined) return known;
    const driver = new I915Driver(services, options);
    drivers.set(services.simulation, driver);
    return driver;
  };
  return definePlugin({
    name: "@dmabuf/exporter-i915",
    provides: {
      exporters: { i915: driverOf },
      importers: {
        [gpu]: (services, device) => new GpuImporter(driverOf(services), device),
        [display]: (services, device) => new DisplayImporter(driverOf(services), device),
      },
    },
  });
}

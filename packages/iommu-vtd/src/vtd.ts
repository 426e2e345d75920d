// SPDX-License-Identifier: MIT
import { definePlugin, type Plugin } from "@dmabuf/core";
import { settingsOf, type VtdOptions } from "./vtd-options.ts";
import { VtdUnit } from "./vtd-unit.ts";

/**
 * Intel VT-d: a remapping unit under the name that the board's devices give it, whose ids are requester ids. Throws `InputError`
 * for options that no hardware has.
 */
export function vtd(name: string, options: VtdOptions = {}): Plugin {
  settingsOf(name, options);
  return definePlugin({
    name: `@dmabuf/iommu-vtd:${name}`,
    provides: { iommus: { [name]: (services) => new VtdUnit(name, options, services) } },
  });
}

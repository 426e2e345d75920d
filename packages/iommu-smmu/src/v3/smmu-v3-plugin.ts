// SPDX-License-Identifier: MIT
import { definePlugin, type Plugin } from "@dmabuf/core";
import { ArmSmmuV3 } from "./arm-smmu-v3.ts";
import { type SmmuV3Options, smmuV3Figures } from "./smmu-v3-options.ts";

/**
 * An SMMUv3 with Linux's driver, under the name that the board's devices give it. Throws `InputError` for figures that no SMMUv3
 * has. @see IHI 0070
 */
export function smmuV3(name: string, options: SmmuV3Options = {}): Plugin {
  const figures = smmuV3Figures(name, options);
  return definePlugin({
    name: `@dmabuf/iommu-smmu ${name}`,
    provides: { iommus: { [name]: (services) => new ArmSmmuV3(name, services, figures) } },
  });
}

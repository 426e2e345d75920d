// SPDX-License-Identifier: MIT
import { definePlugin, type Plugin } from "@dmabuf/core";
import { ArmSmmuV3 } from "./arm-smmu-v3.ts";
import type { SmmuV3Options } from "./smmu-v3-options.ts";

/**
 * An SMMUv3 with Linux's driver, under the name that the board gives it. Throws `TypeError` when the system boots, for options that no
 * SMMUv3 has.
 */
export const smmuV3 = (name: string, options: SmmuV3Options = {}): Plugin =>
  definePlugin({
    name: `@dmabuf/iommu-smmu ${name}`,
    provides: { iommus: { [name]: (services) => new ArmSmmuV3(name, services, options) } },
  });

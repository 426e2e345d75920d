// SPDX-License-Identifier: MIT
import { definePlugin, PAGE_SIZE, type Plugin } from "@dmabuf/core";
import { type SmmuV2Options, smmuV2Figures } from "./smmu-v2-options.ts";
import { SmmuV2Unit } from "./smmu-v2-unit.ts";

/**
 * An SMMUv2 with Linux's driver, under the name that the board's devices give it. Throws `InputError` for figures that no SMMUv2
 * has. @see IHI 0062
 */
export function smmuV2(name: string, options: SmmuV2Options = {}): Plugin {
  const figures = smmuV2Figures(name, options);
  return definePlugin({
    name: `@dmabuf/iommu-smmu ${name}`,
    provides: {
      iommus: {
        [name]: ({ simulation: { trace }, tableMemory, kernel: { partialBlocks } }) => {
          const { coherentWalk } = figures;
          const memory = tableMemory({ owner: name, coherentWalk });
          return new SmmuV2Unit({ name, figures, memory, trace, pageSize: PAGE_SIZE, partialBlocks });
        },
      },
    },
  });
}

/**
 * Arm's MMU-500 as on the Zynq UltraScale+: 16 context banks, 48 stream match registers, stream ids of 15 bits, granules of 4 and
 * 64 KiB, 48 bits on all sides, and a walker that does not snoop. @see MMU-500 TRM, UG1085
 */
export const mmu500 = (name: string, options: SmmuV2Options = {}): Plugin =>
  smmuV2(name, {
    ...{ contextBanks: 16, streamMatches: 48, streamIdBits: 15, granules: ["4KiB", "64KiB"] },
    ...{ vaBits: 48, ipaBits: 48, paBits: 48, coherentWalk: false },
    ...options,
  });

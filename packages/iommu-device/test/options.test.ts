// SPDX-License-Identifier: MIT
import { InputError } from "@dmabuf/core";
import { expect, test } from "vitest";
import {
  etnavivV1,
  etnavivV2,
  gpu,
  gpuMmu,
  limaMmu,
  maliMmu,
  mmuIommu,
  rockchipIommu,
  v3dMmu,
} from "../src/index.ts";

test.each<readonly [() => unknown, string]>([
  [() => rockchipIommu("vop", { version: 3 as never }), "vop.version: 3 is none of 1, 2"],
  [
    () => rockchipIommu("vop", { omits: ["ZAP_CACH" as never] }),
    'vop.omits: "ZAP_CACH" is none of ZAP_ONE_LINE, ZAP_CACHE, dma_sync_single_for_device, GFP_DMA32; did you mean "ZAP_CACHE"?',
  ],
  [
    () => maliMmu({ omits: ["FLUSH_PT" as never] }),
    'maliMmu.omits: "FLUSH_PT" is none of AS_COMMAND_FLUSH_PT',
  ],
  [() => maliMmu({ slots: 0 }), "maliMmu.slots: 0 is not a whole number from 1 to 16"],
  [() => maliMmu({ slot: 3 } as never), 'maliMmu: no option "slot"; did you mean "slots"?'],
  [() => etnavivV1({ mc20: "no" as never }), 'etnavivV1.mc20: "no" is neither true nor false'],
  [() => etnavivV2({ omits: ["FLUSH" as never] }), 'etnavivV2.omits: "FLUSH" is none of'],
  [() => v3dMmu({ omits: ["FLUSH" as never] }), 'v3dMmu.omits: "FLUSH" is none of'],
  [() => gpuMmu({ vmids: 0 }), "gpuMmu.vmids: 0 is not a whole number from 1 to 15"],
  [() => limaMmu({ omits: ["ZAP" as never] }), 'limaMmu.omits: "ZAP" is none of DTE_ADDR, ZAP_CACHE'],
  [() => gpu("gpu", {} as never), "gpu.mmu: says which MMU is inside of it: maliMmu()"],
  [() => gpu("gpu", { mmu: maliMmu(), mapping: { snoop: true } as never }), 'gpu.mapping: no option "snoop"'],
  [() => mmuIommu("gpu_mmu", { mmu: maliMmu() as never, ids: [1] } as never), 'gpu_mmu: no option "ids"'],
  [() => mmuIommu("gpu_mmu", { mmu: "mali" as never }), "gpu_mmu.mmu: says which MMU is inside of it"],
])("%s", (make, message) => {
  expect(make).toThrow(InputError);
  expect(make).toThrow(message);
});

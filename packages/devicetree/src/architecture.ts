// SPDX-License-Identifier: MIT
import type { DeviceNode } from "./device-node.ts";
import type { DeviceTree } from "./device-tree.ts";

/** The processor architectures that this package tells apart in a blob. */
export type Architecture = "arm" | "arm64" | "powerpc" | "riscv";

/** Whether DMA is coherent where a device tree says nothing. @see ARCH_DMA_DEFAULT_COHERENT */
export const coherentByDefault: Readonly<Record<Architecture, boolean>> = {
  arm: false,
  arm64: false,
  powerpc: true,
  riscv: true,
};

/** How CPU nodes name themselves. The 32-bit Arm cores are a closed list, so every other Arm core is 64-bit. */
const cores: readonly (readonly [Architecture, RegExp])[] = [
  ["riscv", /^riscv$|^(sifive|thead|starfive|andestech|spacemit),/],
  ["powerpc", /^(PowerPC,|fsl,e\d|ibm,power)/],
  [
    "arm",
    /^arm,(cortex-(a([5789]|1[257]|32)(?!\d)|[rm]\d)|armv7|arm\d|sa\d)|^marvell,(pj4|sheeva|feroceon|mmp|88f)|^qcom,(krait|scorpion)|^brcm,brahma-b15|^intel,xscale|^faraday,/,
  ],
  ["arm64", /^(arm|apm|apple|ampere|brcm|cavium|fujitsu|hisilicon|intel|nvidia|phytium|qcom|samsung),/],
];

/** The enabled CPU nodes, in document order. */
export const cpuNodes = (tree: DeviceTree): DeviceNode[] =>
  (tree.root.children.find((node) => node.name === "cpus")?.children ?? []).filter(
    (node) => node.enabled && (node.baseName === "cpu" || node.string("device_type") === "cpu"),
  );

/** The architecture of the tree's CPU nodes, or null when it has none that is known. */
export function architectureOf(tree: DeviceTree): Architecture | null {
  for (const cpu of cpuNodes(tree)) {
    if (cpu.has("riscv,isa") || cpu.has("riscv,isa-base")) return "riscv";
    for (const name of [...cpu.compatible, cpu.name]) {
      const row = cores.find(([, pattern]) => pattern.test(name));
      if (row !== undefined) return row[0];
    }
  }
  return null;
}

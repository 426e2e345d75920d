// SPDX-License-Identifier: MIT

/**
 * What an IOMMU is, by its `compatible`; the first row that matches decides, so the special ones come first.
 * Source: the bindings in Documentation/devicetree/bindings/iommu, Linux 7.2.
 */
const kinds: readonly (readonly [kind: string, compatible: RegExp])[] = [
  ["adreno-smmu", /^qcom,adreno-smmu$/],
  ["qcom-iommu-v1", /^qcom,msm-iommu-v1$/],
  ["qcom-iommu-v2", /^qcom,msm-iommu-v2$/],
  ["smmu-v3", /^arm,smmu-v3$/],
  ["nvidia-smmu-500", /^nvidia,smmu-500$/],
  ["mmu-500", /^arm,mmu-500$|,smmu-500$/],
  ["smmu-v2", /^arm,smmu-v2$|,smmu-v2$/],
  ["smmu-v1", /^arm,(smmu-v1|mmu-40[01])$/],
  ["rockchip-iommu", /^rockchip,(rk\d+-)?iommu$/],
  ["verisilicon-iommu", /^verisilicon,iommu/],
  ["exynos-sysmmu", /^samsung,exynos-sysmmu$/],
  ["mediatek-m4u", /^mediatek,mt\d+-(m4u|iommu-)/],
  ["renesas-ipmmu", /^renesas,ipmmu-/],
  ["tegra-mc-smmu", /^nvidia,tegra(30|114|124|132|210)-(mc|smmu)$/],
  ["omap-iommu", /^ti,(omap\d|dra7-dsp|dra7|am\w+)-iommu$/],
  ["sunxi-iommu", /^allwinner,sun\w+-iommu$/],
  ["apple-dart", /^apple,t\d+-(usb4-)?dart$/],
  ["riscv-iommu", /^riscv,iommu$/],
  ["virtio-iommu", /^virtio,pci-iommu$/],
];

/** The kind of an IOMMU from its `compatible` strings, or null when none of them is known to be one. */
export const iommuKind = (compatible: readonly string[]): string | null =>
  kinds.find(([, pattern]) => compatible.some((one) => pattern.test(one)))?.[0] ?? null;

// SPDX-License-Identifier: MIT

/** What a DMA master is for. */
export type DeviceClass =
  | "gpu"
  | "npu"
  | "dsp"
  | "display"
  | "codec"
  | "camera"
  | "2d"
  | "pcie"
  | "usb"
  | "net"
  | "wifi"
  | "storage"
  | "dma"
  | "crypto"
  | "audio";

interface Row {
  readonly class: DeviceClass;
  /** Matches one of the node's `compatible` strings. */
  readonly compatible?: RegExp;
  /** Matches the node's name without its unit address. */
  readonly name?: RegExp;
}

/**
 * The device catalogue: the first row that matches by `compatible` decides, failing that the first one by name. So a
 * row's order matters only against others of its own kind: what is special comes first.
 * Sources: Devicetree Specification 0.4, 2.2.2 (generic names); the bindings of Linux 7.2.
 */
const catalogue: readonly Row[] = [
  {
    class: "npu",
    compatible: /[,-](npu|nna|tpu)\b|-rknn-core$|^arm,ethos-?u|-vip(nano)?-npu/,
    name: /^(npu|nna|tpu)$/,
  },
  {
    class: "gpu",
    compatible:
      /^arm,mali-(?!dp)|^qcom,adreno(-gmu)?\b(?!-smmu)|^img,(powervr|img)-|,(2711-|2712-)?v3d$|-v3d$/,
  },
  { class: "gpu", compatible: /^nvidia,(gk20a|gm20b|gp10b|gv11b|ga10b|gb10b)$/, name: /^(gpu|mali|gmu)$/ },
  { class: "gpu", compatible: /^vivante,gc$/ },
  {
    class: "2d",
    compatible:
      /[,-](rga\d?|g2d|pxp|vdoa|rotator|deinterlace|fimg2d)$|,tegra\d+-(vic|gr2d)$|-mdp3?-(rdma|wrot)/,
  },
  { class: "2d", name: /^(rga|g2d|2d|pxp|rotator|rotate|deinterlace|vic|blitter)$/ },
  // Amlogic calls its display pipeline a video processing unit, which elsewhere is a codec.
  { class: "display", compatible: /^amlogic,meson-(\w+-)?vpu$/ },
  {
    class: "codec",
    compatible:
      /[,-](venus(-v\d)?|iris|vdec|venc|vcodec\S*|vepu\d*|vpu(\d+|-g\d)?|av1-vpu|jpe?g(dec|enc|-codec)?)$/,
  },
  {
    class: "codec",
    compatible:
      /^samsung,mfc-|^cnm,|,tegra\d+-(nvdec|nvenc|nvjpg)$|-video-(engine|decoder|encoder)$|-(hevc|h264)-dec/,
  },
  {
    class: "codec",
    name: /^(video-codec|video-decoder|video-encoder|jpeg-codec|jpeg-decoder|jpeg-encoder|vcodec|vpu)$/,
  },
  {
    class: "camera",
    compatible:
      /-camss$|[,-](fimc(-lite|-is)?|isi|vicap|cfe|unicam|pispbe|hdmirx-ctrler)$|-rkisp1|^renesas,vin-/,
  },
  { class: "camera", compatible: /-csi$|,tegra\d+-(vi|isp)$/, name: /^(camss|isp|csi|cif|vicap|isi|vin)$/ },
  {
    class: "display",
    compatible:
      /[,-](dpu|mdp[45]|mdss|vop(-big|-lit)?|lcdif|dcss|dss|hdlcd|dc|dpsub(-\d\S*)?|hvs|txp|mop(let)?)$/,
  },
  {
    class: "display",
    compatible:
      /-display-(front|back)end$|-ipu$|-(fimd|mixer|decon)$|-lcdc?$|^arm,(mali-dp\d+|pl11\d)$|-de2-mixer/,
  },
  {
    class: "display",
    name: /^(display-controller|display|display-subsystem|lcdif|hdlcd|vop|hvs|dc|dss|ipu|dcss)$/,
  },
  { class: "pcie", compatible: /[,-]pcie?(-[\w.]+)?$|^pci-host-/, name: /^(pcie?|pcie-ep)$/ },
  {
    class: "usb",
    compatible: /dwc[23]$|[,-](xhci|ehci|ohci|musb|xudc|xusb|hsotg|ci-hdrc)$|^chipidea,usb2|-usb$/,
  },
  { class: "usb", name: /^(usb|usb-host|usb-gadget|xhci|ehci|ohci|hsotg)$/ },
  { class: "wifi", compatible: /-wifi$|^qcom,ath1\dk/, name: /^(wifi|wlan)$/ },
  {
    class: "net",
    compatible:
      /[,-](gem|gmac|eqos|genet-v\d|fec|eth)$|^fsl,(fman|qoriq-mc)$|^snps,dw(mac|xgmac|c-qos-ethernet)/,
  },
  { class: "net", name: /^(ethernet|ethernet-ctrl)$/ },
  {
    class: "storage",
    compatible:
      /sdhci|[,-](ahci|ufshc|usdhc|sdmmc|dw-mshc|dwcmshc|emmc\d?)\b|[,-](mmc|sata)$|^jedec,ufs|^xlnx,zynqmp-qspi/,
  },
  { class: "storage", name: /^(mmc|sdhci|sdio-host|sata|sata-host|ahci|ufs|ufshc|nand-controller)$/ },
  {
    class: "crypto",
    compatible:
      /-sec-v\d\.\d(-job-ring)?$|^fsl,sec-v\d\.\d(-job-ring)?$|[,-](qce|crypto(-v\d\S*)?|secss|cesa)$/,
  },
  { class: "crypto", name: /^(crypto|crypto-engine)$/ },
  {
    class: "audio",
    compatible: /[,-](hda|lpass-cpu|toddr|frddr|admaif|q6a[sp]m-dais|dove-audio|kirkwood-audio)$|slim-ngd/,
    name: /^hda$/,
  },
  {
    class: "dsp",
    compatible: /^qcom,fastrpc-compute-cb$|-(adsp|cdsp|slpi)-(pas|pil)$|[,-](dsp|hifi\d|c[67]\dx?-dsp)$/,
    name: /^dsp$/,
  },
  {
    class: "dma",
    compatible:
      /^arm,pl(08\d|330)$|,bam-v|-gpi-dma$|[,-](s|e|a|gpc|dp|v)?dma(-\w+)?(-\d\S*)?$|axi-(dmac|v?dma|cdma)/,
  },
  { class: "dma", compatible: /^qcom,geni-se-qup$|-host1x$|^arm,coresight-tmc$|-xor$/ },
  { class: "dma", name: /^(dma-controller|dma-engine|dma|pdma|mdma)$/ },
];

/**
 * What looks like a master by name and is none: the CPU moves its data, or it does not touch memory.
 * Ethernet chips and SD hosts on a static memory bus, PHYs, trace and debug blocks.
 */
const noMaster =
  /^smsc,lan9|^davicom,dm9000|^arm,pl18[01]$|^qcom,(\w+-)?dcc$|-blk-ctrl$|^arm,coresight-tmc$|-dma-router|[,-](\w*phy|padctl)$/;

/** A class, and whether only the node's name says so. */
export interface Classified {
  readonly class: DeviceClass;
  readonly byName: boolean;
}

/** The class of a device from its `compatible` strings, else from its name; null when neither is in the catalogue. */
export function classOf(compatible: readonly string[], baseName: string): Classified | null {
  for (const one of compatible) {
    const row = catalogue.find((candidate) => candidate.compatible?.test(one));
    // The same Vivante core is sold as a GPU and as an NPU; the node's name is what tells them apart.
    if (row?.class === "gpu" && baseName === "npu") return { class: "npu", byName: true };
    if (row !== undefined) return { class: row.class, byName: false };
  }
  const row = catalogue.find((candidate) => candidate.name?.test(baseName));
  return row === undefined ? null : { class: row.class, byName: true };
}

/** Whether a device of a known class is none of the masters all the same. */
export const isNoMaster = (compatible: readonly string[]): boolean =>
  compatible.some((one) => noMaster.test(one));

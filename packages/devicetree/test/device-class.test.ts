// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { classOf, isNoMaster } from "../src/device-class.ts";

describe("the catalogue", () => {
  test.each<[compatible: string[], name: string, expected: string | undefined]>([
    [["xlnx,zynqmp-mali", "arm,mali-400"], "gpu", "gpu"],
    [["qcom,adreno-43050c01", "qcom,adreno"], "gpu", "gpu"],
    [["qcom,adreno-gmu-x185.1", "qcom,adreno-gmu"], "gmu", "gpu"],
    [["brcm,2712-v3d"], "gpu", "gpu"],
    [["vivante,gc"], "gpu", "gpu"],
    [["vivante,gc"], "npu", "npu"],
    [["rockchip,rk3588-rknn-core"], "npu", "npu"],
    [["rockchip,rk3588-rga", "rockchip,rk3288-rga"], "rga", "2d"],
    [["nvidia,tegra194-vic"], "vic", "2d"],
    [["qcom,x1e80100-iris", "qcom,sm8550-iris"], "video-codec", "codec"],
    [["nvidia,tegra194-nvdec"], "nvdec", "codec"],
    [["nxp,imx8mq-vpu-g1"], "video-codec", "codec"],
    [["amlogic,meson-g12a-vpu"], "vpu", "display"],
    [["qcom,sdm845-mdss"], "display-subsystem", "display"],
    [["qcom,sdm845-dpu"], "display-controller", "display"],
    [["nvidia,tegra194-dc"], "display", "display"],
    [["xlnx,zynqmp-dpsub-1.7"], "display", "display"],
    [["arm,mali-dp500"], "display", "display"],
    [["arm,hdlcd"], "hdlcd", "display"],
    [["xlnx,zynqmp-dpdma"], "dma-controller", "dma"],
    [["qcom,msm8916-camss"], "camss", "camera"],
    [["brcm,bcm2712-pispbe", "raspberrypi,pispbe"], "isp", "camera"],
    [["brcm,bcm2712-pcie"], "pcie", "pcie"],
    [["xlnx,nwl-pcie-2.11"], "pcie", "pcie"],
    [["xlnx,zynqmp-dwc3"], "usb", "usb"],
    [["nvidia,tegra194-xudc"], "usb", "usb"],
    [["xlnx,zynqmp-gem", "cdns,gem"], "ethernet", "net"],
    [["qcom,wcn3990-wifi"], "wifi", "wifi"],
    [["qcom,sdm845-ufshc", "qcom,ufshc", "jedec,ufs-2.0"], "ufshc", "storage"],
    [["ceva,ahci-1v84"], "ahci", "storage"],
    [["arm,pl330", "arm,primecell"], "dma-controller", "dma"],
    [["adi,axi-dmac-1.00.a"], "dma", "dma"],
    [["xlnx,axi-vdma-1.00.a"], "dma", "dma"],
    [["fsl,sec-v4.0-job-ring"], "jr", "crypto"],
    [["nvidia,tegra194-hda"], "hda", "audio"],
    [["amlogic,g12a-frddr", "amlogic,axg-frddr"], "audio-controller", "audio"],
    [["qcom,fastrpc-compute-cb"], "compute-cb", "dsp"],
    [["acme,thing"], "usb", "usb"],
    [[], "ethernet", "net"],
    [["acme,thing"], "thing", undefined],
    [["qcom,sdm845-smmu-v2", "qcom,adreno-smmu"], "iommu", undefined],
    [["rockchip,rk3588-i2s-tdm"], "i2s", undefined],
    [["simple-audio-card"], "sound", undefined],
    [["brcm,bcm7216-pcie-sata-rescal"], "reset-controller", undefined],
  ])("%j named %s is %s", (compatible, name, expected) => {
    expect(classOf(compatible, name)?.class).toBe(expected);
  });

  test("says when only the name tells", () => {
    expect(classOf(["acme,thing"], "usb")?.byName).toBe(true);
    expect(classOf(["snps,dwc3"], "usb")?.byName).toBe(false);
  });

  test.each([
    ["smsc,lan9118"],
    ["arm,pl180"],
    ["fsl,imx8mq-vpu-blk-ctrl"],
    ["amlogic,g12a-usb3-pcie-phy"],
    ["nvidia,tegra194-xusb-padctl"],
    ["qcom,sdm845-dcc"],
  ])("%s is no master", (compatible) => {
    expect(isNoMaster([compatible])).toBe(true);
  });
});

// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { physAddr } from "../../src/index.ts";
import { translatedPlatform } from "./translated.ts";

const PAGE = 4096;
/** Registers of some device. */
const REGISTERS = physAddr(0xf000_0000);

test("a window that was mapped for one device is none for another: each makes its own (D33)", () => {
  const { findings } = translatedPlatform({ gpu: {}, nic: {} }).inspect(function* ({
    device,
    dma,
    dmaBuf,
    cpu,
  }) {
    const [gpu, nic] = [device("gpu"), device("nic")];
    const mapped = dma.mapResource(gpu, REGISTERS, PAGE, "bidirectional");
    const { transfers } = dmaBuf;
    expect(transfers.accessAt(gpu, mapped.dmaAddress, PAGE, "write")).toBe(PAGE);
    expect(transfers.accessAt(nic, mapped.dmaAddress, PAGE, "write")).toBe(0);
    const own = dma.mapResource(nic, REGISTERS, PAGE, "bidirectional");
    expect(transfers.accessAt(nic, own.dmaAddress, PAGE, "write")).toBe(PAGE);
    dma.unmapResource(mapped);
    expect(transfers.accessAt(nic, own.dmaAddress, PAGE, "write"), "and outlives the other").toBe(PAGE);
    dma.unmapResource(own);
    yield* cpu.settle();
  });
  expect(
    findings.filter(({ severity }) => severity === "error").map(({ code, device }) => [code, device]),
  ).toEqual([["iommu-fault", "nic"]]);
});

// SPDX-License-Identifier: MIT
import { assemble, definePlugin, type KernelError, physAddr, token } from "@dmabuf/core";
import { toyArch, toyBoard } from "@dmabuf/core/testing";
import { expect, test } from "vitest";
import { TEMPLATE_NAME, type TemplateName, templateName } from "../src/index.ts";

/** The service as another plugin gets it: an exporter that needs it hands it out. */
function service(): TemplateName {
  let found: TemplateName | undefined;
  const reader = definePlugin({
    name: "reader",
    needs: { mmu: TEMPLATE_NAME },
    provides: {
      exporters: {
        reader({ mmu }) {
          found = mmu;
          return { allocate: () => { throw new TypeError("it only reads"); } };
        },
      },
    },
  });
  assemble(toyBoard, [toyArch(), templateName(), reader]).boot().exporter("reader");
  if (found === undefined) throw new TypeError("the service was not provided");
  return found;
}

test("translates what is mapped, at any offset, and nothing else", () => {
  const mmu = service();
  mmu.map(0x10_0000, physAddr(0x4000_0000), 0x3000);
  expect(mmu.translate(0x10_0000)).toBe(0x4000_0000);
  expect(mmu.translate(0x10_2fff)).toBe(0x4000_2fff);
  expect(mmu.translate(0x10_3000)).toBeNull();
  expect(mmu.translate(0xf_ffff)).toBeNull();
  mmu.unmap(0x10_1000, 0x1000);
  expect(mmu.translate(0x10_1000)).toBeNull();
  expect(mmu.translate(0x10_2000)).toBe(0x4000_2000);
});

test.each([
  ["EINVAL", 0x1001, 0x1000, 0x1000],
  ["EINVAL", 0x1000, 0x1010, 0x1000],
  ["EINVAL", 0x1000, 0x1000, 0],
  ["EEXIST", 0x8000, 0x1000, 0x2000],
] as const)("refuses with %s", (errno, iova, physical, size) => {
  const mmu = service();
  mmu.map(0x9000, physAddr(0x1000), 0x1000);
  const answer = expect.objectContaining<Partial<KernelError>>({ errno });
  expect(() => mmu.map(iova, physAddr(physical), size)).toThrow(answer);
  expect(mmu.translate(0x8000)).toBeNull();
});

test("equal names give the same token, also from another copy of this package", () => {
  expect(TEMPLATE_NAME).toBe(token("iommu-template-name", "TemplateName"));
});

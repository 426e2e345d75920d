// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import { onDriver } from "./driver-bench.ts";
import { withLlc } from "./machine.ts";

const behindIommu = { behindIommu: true };

describe("a GPU behind an IOMMU", () => {
  test("has its addresses in its page tables, as long as the driver holds the pages", () => {
    onDriver(
      withLlc,
      function* ({ driver, system, held }) {
        using buffer = yield* driver.allocate(8192);
        const object = yield* driver.importBuffer(buffer);
        const gpu = yield* system.importer("gpu").attach(buffer, "bidirectional");
        const job = yield* gpu.transfer("write");
        yield* job.wait();
        job.put();
        const { address = 0 } = driver.ppgtt.entryAt(4100) ?? {};
        const physical = object.backing.extents.addressAt(4100);
        expect(address).not.toBe(physical);
        const { translation } = system.device("gpu");
        expect(translation?.translate(address, IommuProt.WRITE)).toMatchObject({
          address: physical,
          fault: null,
        });
        yield* gpu.detach();
        yield* held(object, function* () {
          for (const binding of object.bindings) binding.space.unbind(binding);
          object.pages.put();
        });
        expect(object.pages.mapping).toBeNull();
        expect(translation?.translate(address, IommuProt.WRITE).fault).not.toBeNull();
        yield* object.put();
      },
      behindIommu,
    );
  });

  test("has its mapping taken back with the object", () => {
    onDriver(
      withLlc,
      function* ({ driver, system }) {
        const object = driver.createObject(4096);
        object.pages.pinNow();
        const [address = 0] = object.pages.mapping?.dmaAddresses ?? [];
        object.pages.unpin();
        yield* object.put();
        const { translation } = system.device("gpu");
        expect(translation?.translate(address, IommuProt.READ).fault).not.toBeNull();
      },
      behindIommu,
    );
  });

  test("works on the pages themselves without one", () => {
    onDriver(withLlc, function* ({ driver }) {
      const object = driver.createObject(4096);
      object.pages.pinNow();
      expect(object.pages.mapping).toBeNull();
      object.pages.unpin();
      yield* object.put();
    });
  });
});

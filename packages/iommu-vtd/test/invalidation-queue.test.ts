// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { encode } from "../src/descriptor-words.ts";
import type { Descriptor } from "../src/invalidation-descriptor.ts";
import { InvalidationQueue } from "../src/invalidation-queue.ts";
import { leftOut } from "../src/left-out.ts";

const page = (address: number, leafOnly = true): Descriptor => ({
  ...{ kind: "iotlb_inv_dsc", granularity: "selective", domain: 2 },
  ...{ block: { address, mask: 0 }, leafOnly },
});
const wait: Descriptor = { kind: "inv_wait_dsc", status: 2, statusAddress: 0 };

describe.each([false, true])("the invalidation queue, with descriptors of 256 bits: %s", (wide) => {
  test("performs what was queued when a wait descriptor follows, in order, and not before", () => {
    const done: Descriptor[] = [];
    const queue = new InvalidationQueue(wide, (descriptor) => done.push(descriptor));
    queue.submit([encode(page(0x1000)), encode(page(0x2000))]);
    expect([done.length, queue.pending.length]).toEqual([0, 2]);
    queue.submit([encode(wait)]);
    expect(done).toEqual([page(0x1000), page(0x2000)]);
    expect(queue.pending).toEqual([]);
  });

  test("goes round: more descriptors than it has entries", () => {
    let done = 0;
    const queue = new InvalidationQueue(wide, () => done++);
    for (let i = 0; i < 1000; i++) queue.submit([encode(page(i * 4096)), encode(wait)]);
    expect(done).toBe(1000);
  });

  test("stops at a descriptor that it does not know", () => {
    let done = 0;
    const queue = new InvalidationQueue(wide, () => done++);
    queue.submit([encode(page(0)), [0xf, 0, 0, 0], encode(wait)]);
    expect([queue.error, done]).toEqual([true, 0]);
  });
});

describe("what software has left out", () => {
  test("is the invalidation and the wait when nothing was queued", () => {
    expect(leftOut([page(0x1000)], [])).toBe(
      "iotlb_inv_dsc page-selective of 0x1000 for domain 2, inv_wait_dsc",
    );
  });

  test("is the wait alone when the invalidation was queued, by page, domain or globally", () => {
    const text = "inv_wait_dsc after iotlb_inv_dsc page-selective of 0x1000 for domain 2";
    const block = { address: 0, mask: 1 };
    const queued: Descriptor[] = [
      page(0x1000),
      { kind: "iotlb_inv_dsc", granularity: "selective", domain: 2, block, leafOnly: true },
      { kind: "iotlb_inv_dsc", granularity: "domain", domain: 2, block, leafOnly: false },
      { kind: "iotlb_inv_dsc", granularity: "global", domain: 0, block, leafOnly: false },
    ];
    for (const one of queued) expect(leftOut([page(0x1000)], [one])).toBe(text);
  });

  test("is all of it when only something else was queued", () => {
    const block = { address: 0x1000, mask: 0 };
    const others: Descriptor[] = [
      page(0x2000),
      { kind: "iotlb_inv_dsc", granularity: "domain", domain: 3, block, leafOnly: false },
      { kind: "p_iotlb_inv_dsc", domain: 2, pasid: 0, block: null, leafOnly: false },
      { kind: "cc_inv_dsc", granularity: "global", domain: 0, source: 0 },
    ];
    expect(leftOut([page(0x1000)], others)).toMatch(/^iotlb_inv_dsc .*, inv_wait_dsc$/);
  });

  test("is the descriptor without IH when tables have changed and only leaves were invalidated", () => {
    expect(leftOut([page(0x1000, false)], [page(0x1000)])).toBe(
      "iotlb_inv_dsc page-selective of 0x1000 for domain 2 with IH=0, inv_wait_dsc",
    );
  });

  test("names context entries, PASIDs and devices", () => {
    expect(leftOut([{ kind: "cc_inv_dsc", granularity: "selective", domain: 2, source: 0x10 }], [])).toBe(
      "cc_inv_dsc device-selective of 00:02.0 for domain 2, inv_wait_dsc",
    );
    expect(leftOut([{ kind: "pc_inv_dsc", granularity: "selective", domain: 2, pasid: 7 }], [])).toBe(
      "pc_inv_dsc of PASID 7 for domain 2, inv_wait_dsc",
    );
    const block = { address: 0x1000, mask: 0 };
    expect(leftOut([{ kind: "dev_tlb_inv_dsc", source: 0x10, block }], [])).toBe(
      "dev_tlb_inv_dsc of 0x1000 for 00:02.0, inv_wait_dsc",
    );
    expect(leftOut([{ kind: "p_iotlb_inv_dsc", domain: 2, pasid: 7, block, leafOnly: true }], [])).toBe(
      "p_iotlb_inv_dsc page-selective of 0x1000 for PASID 7 of domain 2, inv_wait_dsc",
    );
  });
});

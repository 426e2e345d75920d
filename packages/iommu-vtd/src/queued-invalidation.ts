// SPDX-License-Identifier: MIT
import type { Trace } from "@dmabuf/core/sim";
import { encode } from "./descriptor-words.ts";
import type { Descriptor } from "./invalidation-descriptor.ts";
import type { InvalidationQueue } from "./invalidation-queue.ts";
import type { Omission } from "./vtd-options.ts";
import { qiSubmit } from "./vtd-trace.ts";

/** What the driver waits for in the status that a wait descriptor writes. @see QI_DONE */
const DONE = 2;

/** The driver's end of the invalidation queue: descriptors, then a wait descriptor, unless it forgets some. @see qi_submit_sync */
export class QueuedInvalidation {
  readonly #iommu: string;
  readonly #omits: readonly Omission[];
  readonly #queue: InvalidationQueue;
  readonly #trace: Trace;

  constructor(iommu: string, omits: readonly Omission[], queue: InvalidationQueue, trace: Trace) {
    this.#iommu = iommu;
    this.#omits = omits;
    this.#queue = queue;
    this.#trace = trace;
  }

  /** Has hardware forget what the descriptors name, and waits until it has. */
  submit(descriptors: readonly Descriptor[]): void {
    const wait: Descriptor = { kind: "inv_wait_dsc", status: DONE, statusAddress: 0 };
    const hinted = this.#omits.includes("IH=0") ? descriptors.map(withLeavesOnly) : descriptors;
    const queued = [...hinted, wait].filter(({ kind }) => !this.#omits.includes(kind));
    this.#queue.submit(queued.map((descriptor) => this.#words(descriptor)));
  }

  #words(descriptor: Descriptor): readonly number[] {
    const trace = this.#trace;
    const [w0, w1, w2, w3] = encode(descriptor);
    if (trace.wants(qiSubmit))
      trace.emit(qiSubmit, trace.intern(descriptor.kind), trace.intern(this.#iommu), w0, w1, w2, w3);
    return [w0, w1, w2, w3];
  }
}

/** The hint that only leaves have changed, where a descriptor can have it. */
const withLeavesOnly = (descriptor: Descriptor): Descriptor =>
  descriptor.kind === "iotlb_inv_dsc" || descriptor.kind === "p_iotlb_inv_dsc"
    ? { ...descriptor, leafOnly: true }
    : descriptor;

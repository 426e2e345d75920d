// SPDX-License-Identifier: MIT

/** One page fault of a device, as the kernel's handlers get it. @see struct iommu_fault_page_request */
export interface PageFault {
  readonly address: number;
  /** Flags of `IommuProt`. */
  readonly access: number;
  /** The PASID; left out for none. */
  readonly substream?: number | undefined;
  /** Faults of one group are answered together. */
  readonly group: number;
}

/** How a group of faults is answered. @see enum iommu_page_response_code */
export type PageResponse = "success" | "invalid" | "failure";

/** Repairs what a group of faults needs. */
export type PageFaultHandler = (faults: readonly PageFault[]) => PageResponse;

/**
 * The page faults of one device on their way to whoever handles them: kept until the last of their group is there, then answered
 * once (M-80 to M-84). @see iommu_report_device_fault
 */
export class IopfQueue {
  readonly #partial = new Map<number, PageFault[]>();
  readonly #respond: (group: number, response: PageResponse) => void;

  /** @param respond sends an answer to the device */
  constructor(respond: (group: number, response: PageResponse) => void) {
    this.#respond = respond;
  }

  /** Faults that wait for the last of their group. */
  get partialFaults(): number {
    let count = 0;
    for (const faults of this.#partial.values()) count += faults.length;
    return count;
  }

  /**
   * A fault has come. Without a handler the group is answered with `invalid` (M-84).
   * @param isLast whether its group is complete
   */
  report(fault: PageFault, isLast: boolean, handler: PageFaultHandler | null): void {
    const faults = [...(this.#partial.get(fault.group) ?? []), fault];
    if (!isLast) {
      this.#partial.set(fault.group, faults);
      return;
    }
    this.#partial.delete(fault.group);
    this.#respond(fault.group, handler?.(faults) ?? "invalid");
  }

  /** The device was reset: what is not complete never will be (M-82). @see iopf_queue_discard_partial */
  discardPartial(): void {
    this.#partial.clear();
  }

  /** The queue is taken away: what is outstanding is answered with `invalid` (M-83). @see iopf_queue_remove_device */
  remove(): void {
    const groups = [...this.#partial.keys()];
    this.#partial.clear();
    for (const group of groups) this.#respond(group, "invalid");
  }
}

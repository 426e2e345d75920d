// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";

/** The domain id of entries that let requests through untranslated. @see FLPT_DEFAULT_DID */
export const PASS_THROUGH_ID = 1;

/**
 * The ids under which hardware keeps the translations of domains: each has one while it is attached. 0 stands for what is not
 * present (VT-d 6.1). @see domain_attach_iommu
 */
export class DomainIds<D> {
  readonly #name: string;
  readonly #count: number;
  readonly #taken = new Map<D, { readonly id: number; users: number }>();

  constructor(name: string, count: number) {
    this.#name = name;
    this.#count = count;
  }

  /** The id of a domain that is attached once more. Throws `KernelError` ENOSPC when there are no more. */
  take(domain: D): number {
    const known = this.#taken.get(domain);
    if (known !== undefined) {
      known.users++;
      return known.id;
    }
    const used = new Set([...this.#taken.values()].map(({ id }) => id));
    let id = PASS_THROUGH_ID + 1;
    while (used.has(id)) id++;
    if (id >= this.#count)
      throw new KernelError("ENOSPC", "domain_attach_iommu", `${this.#name}: no free domain ids`);
    this.#taken.set(domain, { id, users: 1 });
    return id;
  }

  /** A domain is attached once less. */
  release(domain: D): void {
    const known = this.#taken.get(domain);
    if (known !== undefined && --known.users === 0) this.#taken.delete(domain);
  }
}

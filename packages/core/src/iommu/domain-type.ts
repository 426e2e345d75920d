// SPDX-License-Identifier: MIT

/**
 * What a device gets to begin with (M-1): `strict` flushes its TLB before an address is free, `lazy` later and for many at
 * once (I-5); `identity` lets it through untranslated.
 */
export type DomainType = "strict" | "lazy" | "identity";

export const domainTypes: readonly DomainType[] = ["strict", "lazy", "identity"];

// SPDX-License-Identifier: MIT

declare const provided: unique symbol;

/** A service's name, branded with its type. */
export type Token<T> = symbol & { readonly [provided]: T };

/**
 * The token of a service: `token<Iommu>("acme/iommu", "Iommu")`. Equal names give equal tokens, so that two copies of a
 * package still mean the same service.
 */
export const token = <T>(owner: string, name: string): Token<T> =>
  Symbol.for(`@dmabuf/${owner}:${name}`) as Token<T>;

/** The name in a token, for messages. */
export const tokenName = (of: Token<unknown>): string => (of.description ?? "").replace(/^.*:/, "");

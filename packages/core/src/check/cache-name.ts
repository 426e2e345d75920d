// SPDX-License-Identifier: MIT
import type { Domain } from "../coherency/topology.ts";

/** What a domain is called in a sentence, from its name: `cpu's cache`, `cpu's cache over usb0's bounce buffer`. */
export function cacheName(domain: string): string {
  const [own, over] = domain.split(" over ");
  return over === undefined ? `${domain}'s cache` : `${own}'s cache over ${over}`;
}

/** The same for a domain that may be a bounce buffer, which is no cache. */
export const placeName = ({ name, bounce }: Domain): string => (bounce === null ? cacheName(name) : name);

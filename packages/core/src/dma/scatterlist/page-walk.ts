// SPDX-License-Identifier: MIT
import { PAGE_SIZE, type PhysAddr, physAddr } from "../../address.ts";
import type { SgTable } from "./sg-table.ts";

/** A page of a scatterlist that an importer did not visit. */
export interface MissedPage {
  readonly entry: number;
  readonly page: PhysAddr;
  /** One line: what the importer probably took for granted. */
  readonly reason: string;
}

/**
 * The first page of the scatterlist that an importer which took pages out of it did not visit, or null when it has them
 * all. Finds drivers that take an entry for a page (D25), and those that walk the CPU's entries by the number of the
 * device's segments (D18, D-7). @param visited addresses in the pages that it visited, in any order
 */
export function missedPage(sg: SgTable, visited: Iterable<number>): MissedPage | null {
  const pages = new Set<number>();
  for (const address of visited) pages.add(address - (address % PAGE_SIZE));
  let first = -1;
  let entry = -1;
  for (const step of sg.pages()) {
    if (step.entry !== entry) {
      entry = step.entry;
      first = step.page;
    }
    if (pages.has(step.page)) continue;
    const page = physAddr(step.page);
    if (page !== first) {
      const end = (sg.addresses[entry] as number) + (sg.lengths[entry] as number);
      const count = Math.ceil((end - first) / PAGE_SIZE);
      return { entry, page, reason: `entry ${entry} is of ${count} pages: an entry is not a page` };
    }
    const reason =
      entry === sg.nents
        ? `entry ${entry} is the first past nents: the CPU's walk goes to orig_nents, ${sg.origNents}`
        : `entry ${entry} was left out`;
    return { entry, page, reason };
  }
  return null;
}

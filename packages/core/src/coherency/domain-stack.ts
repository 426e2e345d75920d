// SPDX-License-Identifier: MIT
import { nearestName } from "../nearest-name.ts";
import type { DomainSpec } from "./topology.ts";

/** Why domains do not make up stacks, and the field that says so. */
export interface StackProblem {
  readonly domain: string;
  readonly field: "behind" | "exclusive";
  readonly reason: string;
}

/**
 * The first thing that keeps domains from being stacked as they say, or null: `behind` names no domain, the domain
 * itself, or a chain that comes back to it; `exclusive` on a domain that no other has behind it.
 */
export function stackProblem(domains: Readonly<Record<string, DomainSpec>>): StackProblem | null {
  const names = Object.keys(domains);
  for (const [domain, { behind, exclusive }] of Object.entries(domains)) {
    if (behind !== undefined) {
      const at = (reason: string): StackProblem => ({ domain, field: "behind", reason });
      if (behind === domain) return at("a domain does not lie behind itself");
      if (!Object.hasOwn(domains, behind))
        return at(
          `no domain "${behind}"${nearestName(
            behind,
            names.filter((name) => name !== domain),
          )}`,
        );
      const chain = [domain];
      for (let next: string | undefined = behind; next !== undefined; next = domains[next]?.behind) {
        if (next === domain) return at(`the chain ${[...chain, next].join(" -> ")} has no end`);
        // A cycle further back is the problem of its own domains.
        if (chain.includes(next)) break;
        chain.push(next);
      }
    }
    if (exclusive === true && !Object.values(domains).some((other) => other.behind === domain)) {
      const fronted = names.filter((name) =>
        Object.values(domains).some(({ behind: each }) => each === name),
      );
      const reason = `nothing sits in front of "${domain}"${nearestName(domain, fronted)}`;
      return { domain, field: "exclusive", reason };
    }
  }
  return null;
}

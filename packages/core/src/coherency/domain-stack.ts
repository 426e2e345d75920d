// SPDX-License-Identifier: MIT
import { nearestName } from "../nearest-name.ts";
import type { Domain, DomainSpec } from "./topology.ts";

/** Why domains do not make up stacks, and the field that says so. */
export interface StackProblem {
  readonly domain: string;
  readonly field: "behind" | "exclusive" | "bounce";
  readonly reason: string;
}

/**
 * The first thing that keeps domains from being stacked as they say, or null: `behind` names no domain, the domain
 * itself, a chain that comes back to it, or a domain with other lines; `exclusive` on a domain that no other has behind
 * it.
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
      // Whether an outer line of two inner ones gets dirty depends on the inner line that a byte does not lie in.
      const [own, other] = [domains[domain]?.line, domains[behind]?.line];
      if (own !== other)
        return at(
          `"${behind}" has lines of ${other} bytes, "${domain}" of ${own}; a stack has lines of one size`,
        );
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

/**
 * The first thing that keeps domains from being bounce slots as they say, or null. The stacks are right.
 */
export function slotProblem(domains: Readonly<Record<string, DomainSpec>>): StackProblem | null {
  for (const [domain, spec] of Object.entries(domains)) {
    if (spec.bounce === undefined) continue;
    const at = (reason: string): StackProblem => ({ domain, field: "bounce", reason });
    const { cpu, view = domain } = spec.bounce;
    if (spec.behind !== undefined) return at("nothing lies behind a bounce slot");
    if (spec.speculates === true || spec.evicts === true) return at("a bounce slot does nothing by itself");
    for (const name of [cpu, view])
      if (!Object.hasOwn(domains, name))
        return at(`no domain "${name}"${nearestName(name, Object.keys(domains))}`);
    if (endOf(domains, view) !== domain) return at(`"${view}" does not lie in front of "${domain}"`);
    if (domains[endOf(domains, cpu)]?.bounce !== undefined) return at(`"${cpu}" holds no originals`);
    const [own, other] = [spec.line, domains[cpu]?.line];
    if (own !== other) return at(`lines of ${own} bytes, those of "${cpu}" have ${other}`);
  }
  return null;
}

/** The domain at the end of the stack that begins with one. */
function endOf(domains: Readonly<Record<string, DomainSpec>>, from: string): string {
  let at = from;
  for (let next = domains[at]?.behind; next !== undefined; next = domains[at]?.behind) at = next;
  return at;
}

/** Whether one of two domains lies behind the other, however far. */
export function isStacked(one: Domain, other: Domain): boolean {
  return one !== other && (liesBehind(one, other) || liesBehind(other, one));
}

function liesBehind(outer: Domain, inner: Domain): boolean {
  for (let at: Domain | null = inner.behind; at !== null; at = at.behind) if (at === outer) return true;
  return false;
}

// SPDX-License-Identifier: MIT
import { InputError } from "./error.ts";
import { nearestName } from "./nearest-name.ts";

/**
 * What an option of a plugin can be: one of some values, a list of some of them, a whole number, true or false; or anything, where
 * whoever reads it looks closer.
 */
export type OptionRule =
  | { readonly oneOf: readonly (string | number)[] }
  | { readonly someOf: readonly (string | number)[] }
  | { readonly from: number; readonly to: number }
  | "flag"
  | "any";

/** A rule for each option that there is. */
export type OptionRules<O> = { readonly [K in keyof O]-?: OptionRule };

/**
 * Checks the options of a plugin, which come from programs that no compiler may have looked at. Throws `InputError` for an option
 * that there is not and for a value that it cannot have, with the nearest that it can.
 * @param place whose they are, as messages begin: `"smmu"`
 */
export function demandOptions<O extends object>(place: string, options: O, rules: OptionRules<O>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new InputError(place, `options are an object, not ${text(options)}`);
  const known: Readonly<Record<string, OptionRule>> = rules;
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(known, name) ? known[name] : undefined;
    if (rule === undefined)
      throw new InputError(place, `no option "${name}"${nearestName(name, Object.keys(known))}`);
    if (value === undefined) throw new InputError(`${place}.${name}`, "is undefined; leave it out");
    const reason = problem(value, rule);
    if (reason !== null) throw new InputError(`${place}.${name}`, reason);
  }
}

function problem(value: unknown, rule: OptionRule): string | null {
  if (rule === "any") return null;
  if (rule === "flag") return typeof value === "boolean" ? null : `${text(value)} is neither true nor false`;
  if ("oneOf" in rule) return noneOf(value, rule.oneOf);
  if ("from" in rule) {
    const { from, to } = rule;
    const isOne = Number.isInteger(value) && (value as number) >= from && (value as number) <= to;
    return isOne ? null : `${text(value)} is not a whole number from ${from} to ${to}`;
  }
  if (!Array.isArray(value)) return `${text(value)} is no list; some of ${rule.someOf.join(", ")}`;
  for (const one of value) {
    const reason = noneOf(one, rule.someOf);
    if (reason !== null) return reason;
  }
  return null;
}

function noneOf(value: unknown, known: readonly (string | number)[]): string | null {
  if (known.includes(value as string | number)) return null;
  const hint = typeof value === "string" ? nearestName(value, known.map(String)) : "";
  const nearest = hint.startsWith("; did you mean") ? hint : "";
  return `${text(value)} is none of ${known.join(", ")}${nearest}`;
}

const text = (value: unknown): string =>
  typeof value === "string" ? `"${value}"` : Array.isArray(value) ? "a list" : String(value);

// SPDX-License-Identifier: MIT
import { nearestName } from "@dmabuf/core";
import type { z } from "zod";
import { quoted } from "../one-line.ts";
import type { FieldPath } from "./input-document.ts";
import { knownKeys } from "./known-key.ts";

/** One thing that does not fit, in words, and the field it is about. */
export interface DescribedIssue {
  readonly path: FieldPath;
  readonly reason: string;
  /** Whether the key or the value of the field is at fault. */
  readonly at: "key" | "value";
}

const kinds: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a mapping",
  record: "a mapping",
  null: "null",
};

const kind = (expected: string): string => kinds[expected] ?? expected;

function valueAt(root: unknown, path: FieldPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

/** What an issue of zod's says about a value, in this project's words. */
export function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType, root: unknown): DescribedIssue {
  const path: FieldPath = issue.path;
  const value = valueAt(root, path);
  const about = (reason: string): DescribedIssue => ({ path, reason, at: "value" });
  const oneOf = (values: readonly unknown[]): DescribedIssue => {
    const names = values.map(String);
    if (value === undefined) return about(`is missing; one of ${names.join(", ")}`);
    return about(`${quoted(value)} is none of ${names.join(", ")}${suggestion(value, names)}`);
  };
  switch (issue.code) {
    case "unrecognized_keys": {
      const key = issue.keys[0] as string;
      const known = knownKeys(schema, root, path);
      return { path: [...path, key], reason: `unknown key${nearestName(key, known)}`, at: "key" };
    }
    case "invalid_type":
      if (value === undefined) return about(`is missing; it must be ${kind(issue.expected)}`);
      return about(`must be ${kind(issue.expected)}, not ${quoted(value)}`);
    case "invalid_value":
      return oneOf(issue.values);
    case "invalid_union": {
      if (issue.discriminator !== undefined && "options" in issue) return oneOf(issue.options as unknown[]);
      return describeUnion(issue, schema, root);
    }
    case "too_small":
      if (issue.origin === "array") return about(`needs ${count(issue, issue.minimum, "least")}`);
      if (issue.origin === "string") return about("is empty");
      return about(`${quoted(value)} is less than ${bound(issue.minimum, issue.inclusive)}`);
    case "too_big":
      if (issue.origin === "array") return about(`needs ${count(issue, issue.maximum, "most")}`);
      if (issue.origin === "string") return about(`is longer than ${issue.maximum} characters`);
      return about(`${quoted(value)} is more than ${bound(issue.maximum, issue.inclusive)}`);
    case "invalid_key": {
      const inner = issue.issues[0];
      const reason =
        inner?.code === "too_small" ? "a name must not be empty" : (inner?.message ?? issue.message);
      return { path, reason, at: "key" };
    }
    default:
      return about(issue.message);
  }
}

const bound = (limit: number | bigint, inclusive: boolean | undefined): string =>
  inclusive === false ? `or equal to ${limit}` : String(limit);

const count = (issue: { exact?: boolean | undefined }, limit: number | bigint, which: string): string =>
  `${issue.exact ? "exactly" : `at ${which}`} ${limit} item${Number(limit) === 1 ? "" : "s"}`;

/** The nearest right word, when there is one: the full list stands in the sentence already. */
function suggestion(value: unknown, names: readonly string[]): string {
  if (typeof value !== "string") return "";
  const nearest = nearestName(value, names);
  return nearest.includes("did you mean") ? nearest : "";
}

/** A value that fits no alternative: what keeps it from the one that it came nearest to. */
function describeUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  schema: z.ZodType,
  root: unknown,
): DescribedIssue {
  const outer = issue.path;
  const branches = issue.errors.map((issues) =>
    issues.map((inner) => ({ ...inner, path: [...outer, ...inner.path] }) as z.core.$ZodIssue),
  );
  // An alternative of the right kind fails inside; of those, the one with the fewest faults was meant. Alternatives
  // that a key tells apart are not even tried when that key is wrong: more than one fault, and fewer than two.
  const faults = (issues: readonly z.core.$ZodIssue[]): number =>
    issues.reduce((sum, inner) => {
      if (inner.code === "unrecognized_keys") return sum + inner.keys.length;
      return sum + (inner.code === "invalid_union" && inner.discriminator !== undefined ? 1.5 : 1);
    }, 0);
  const inside = branches.filter((issues) =>
    issues.some(({ path, code }) => path.length > outer.length || code === "unrecognized_keys"),
  );
  const meant = inside.sort((first, second) => faults(first) - faults(second))[0];
  const fault = meant?.find(({ code }) => code === "unrecognized_keys") ?? meant?.[0];
  if (fault !== undefined) return describeIssue(fault, schema, root);
  const expected = branches.flat().map((inner) => ("expected" in inner ? kind(String(inner.expected)) : ""));
  const alternatives = [...new Set(expected.filter((word) => word !== ""))].join(" or ");
  const value = valueAt(root, outer);
  if (alternatives === "") return { path: outer, reason: issue.message, at: "value" };
  const is = value === undefined ? "is missing; it must be" : "must be";
  const not = value === undefined ? "" : `, not ${quoted(value)}`;
  return { path: outer, reason: `${is} ${alternatives}${not}`, at: "value" };
}

// SPDX-License-Identifier: MIT
import { z } from "zod";
import type { FieldPath } from "./input-document.ts";

/** A JSON Schema, as far as it is walked here. */
interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode | readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly allOf?: readonly SchemaNode[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly required?: readonly string[];
}

/**
 * The keys that a schema knows for the mapping at a path. Of alternatives told apart by a key, such as steps by
 * their `op`, only those count that the mapping has chosen; of others, those that it comes nearest to.
 */
export function knownKeys(schema: z.ZodType, root: unknown, path: FieldPath): string[] {
  const json = z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
  }) as SchemaNode;
  let nodes = alternatives(json, root);
  let value = root;
  for (const step of path) {
    value = (value as Record<PropertyKey, unknown> | undefined)?.[step as string];
    nodes = nodes.flatMap((node) => child(node, step)).flatMap((node) => alternatives(node, value));
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

function alternatives(node: SchemaNode, value: unknown): SchemaNode[] {
  const inner = node.anyOf ?? node.oneOf ?? node.allOf;
  if (inner === undefined) return [node];
  const found = inner.flatMap((option) => alternatives(option, value));
  const chosen = found.filter((option) => isChosen(option, value));
  return chosen.length > 0 ? mostRequired(chosen, value) : found;
}

/** Of alternatives that a mapping may have chosen, those of whose required keys it has the most. */
function mostRequired(options: readonly SchemaNode[], value: unknown): SchemaNode[] {
  if (typeof value !== "object" || value === null) return [...options];
  const present = options.map(
    ({ required = [] }) => required.filter((key) => Object.hasOwn(value, key)).length,
  );
  const most = Math.max(...present);
  return options.filter((_, index) => present[index] === most);
}

function isChosen(node: SchemaNode, value: unknown): boolean {
  return Object.entries(node.properties ?? {}).every(([key, property]) => {
    const given = (value as Record<string, unknown> | null | undefined)?.[key];
    if (property.const !== undefined) return property.const === given;
    return property.enum === undefined || given === undefined || property.enum.includes(given);
  });
}

function child(node: SchemaNode, step: PropertyKey): SchemaNode[] {
  if (typeof step === "number") {
    const { items } = node;
    if (items === undefined) return [];
    return Array.isArray(items) ? items.slice(step, step + 1) : [items as SchemaNode];
  }
  const property = node.properties?.[String(step)] ?? node.additionalProperties;
  return typeof property === "object" ? [property] : [];
}

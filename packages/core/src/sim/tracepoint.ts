// SPDX-License-Identifier: MIT

/** How the number in a field is to be read: as it is, in hexadecimal, as an interned string, yes or no, or an index. */
export type FieldKind = "number" | "address" | "string" | "boolean" | readonly string[];

/** A field of an event: its name, as the kernel's format file has it, and its kind. */
export type TraceField = readonly [name: string, kind: FieldKind];

/** A string as the trace knows it; `Trace.intern` makes one. */
export type StringId = number & { readonly [stringId]: true };
declare const stringId: unique symbol;

/** The arguments of an emission: one number a field, a `StringId` where the field is a string. */
export type FieldValues<F extends readonly TraceField[]> = {
  readonly [K in keyof F]: F[K] extends readonly [string, "string"] ? StringId : number;
};

/** The most fields an event can have. */
export const MAX_FIELDS = 8;

/** The most tracepoints that can be declared. */
export const MAX_TRACEPOINTS = 1024;

/** A kind of event. Declared once, at module level, with `tracepoint`; the trace it is written to is the simulation's. */
export class Tracepoint<F extends readonly TraceField[] = readonly TraceField[]> {
  /** Index among all declared tracepoints; depends on the order of loading, so never print it. */
  readonly id: number;
  /** The subsystem, as in `dma_fence`. */
  readonly system: string;
  /** The event, as in `dma_fence_signaled`. */
  readonly name: string;
  /** The fields in the order in which they are emitted. */
  readonly fields: F;

  constructor(id: number, system: string, name: string, fields: F) {
    this.id = id;
    this.system = system;
    this.name = name;
    this.fields = fields;
  }

  /** The position of a field; throws `TypeError` for a name the event does not have. */
  indexOf(field: F[number][0]): number {
    for (let i = 0; i < this.fields.length; i++) if ((this.fields[i] as TraceField)[0] === field) return i;
    throw new TypeError(`${this.system}:${this.name} has no field ${field}`);
  }
}

const declared = new Map<string, Tracepoint>();

/**
 * Declares a tracepoint; where the kernel has one, it carries the kernel's system, name and field names, so that what
 * judges a run can judge a recorded trace. Throws `TypeError` when it is declared twice or has too many fields.
 */
export function tracepoint<const F extends readonly TraceField[]>(
  system: string,
  name: string,
  ...fields: F
): Tracepoint<F> {
  const key = `${system}:${name}`;
  if (declared.has(key)) throw new TypeError(`tracepoint ${key} is declared twice`);
  if (fields.length > MAX_FIELDS) throw new TypeError(`tracepoint ${key} has more than ${MAX_FIELDS} fields`);
  if (declared.size === MAX_TRACEPOINTS) throw new TypeError(`more than ${MAX_TRACEPOINTS} tracepoints`);
  const point = new Tracepoint<F>(declared.size, system, name, fields);
  declared.set(key, point);
  return point;
}

/** The declared tracepoint `system:name`, or undefined. */
export const findTracepoint = (key: string): Tracepoint | undefined => declared.get(key);

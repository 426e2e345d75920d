// SPDX-License-Identifier: MIT
// Encodes an object tree as a flattened device tree, by the format's specification and by nothing of the reader's.

/** Cells, one cell, strings, raw bytes, an empty property, or a child node. */
export type Value = number | readonly number[] | string | readonly string[] | Uint8Array | true | Tree;
export interface Tree {
  readonly [name: string]: Value;
}

export interface AssembleOptions {
  readonly version?: number;
  readonly lastCompatibleVersion?: number;
  readonly bootCpu?: number;
  readonly reserve?: readonly (readonly [base: number, size: number])[];
  /** Puts a NOP token in front of every other token. */
  readonly nops?: boolean;
  /** Bytes behind the end that `totalsize` does not count. */
  readonly trailing?: number;
}

/** The two cells of a 64-bit number. */
export const u64 = (value: number): [number, number] => [Math.floor(value / 2 ** 32), value % 2 ** 32];

const cell = (value: number): number[] => [
  (value >>> 24) & 255,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];
const padded = (bytes: readonly number[], to: number): number[] => [
  ...bytes,
  ...new Array<number>((to - (bytes.length % to)) % to).fill(0),
];
const text = (value: string): number[] => [...new TextEncoder().encode(value), 0];

const isTree = (value: Value): value is Tree =>
  typeof value === "object" && !Array.isArray(value) && !(value instanceof Uint8Array);

function encode(value: Exclude<Value, Tree>): number[] {
  if (value === true) return [];
  if (typeof value === "number") return cell(value);
  if (typeof value === "string") return text(value);
  if (value instanceof Uint8Array) return [...value];
  return [...value].flatMap((one) => (typeof one === "number" ? cell(one) : text(one)));
}

/** The blob of `tree`; properties first, then children, each in the object's order. */
export function assemble(tree: Tree, options: AssembleOptions = {}): Uint8Array {
  const names: number[] = [];
  const nameOffsets = new Map<string, number>();
  const nameOffset = (name: string): number => {
    const offset = nameOffsets.get(name) ?? names.length;
    if (!nameOffsets.has(name)) names.push(...text(name));
    nameOffsets.set(name, offset);
    return offset;
  };
  const nop = options.nops ? cell(4) : [];
  const struct: number[] = [];
  const put = (bytes: readonly number[]): void => {
    for (const byte of bytes) struct.push(byte);
  };
  const node = (name: string, content: Tree): void => {
    put([...nop, ...cell(1), ...padded(text(name), 4)]);
    const entries = Object.entries(content);
    for (const [key, value] of entries) {
      if (isTree(value)) continue;
      const bytes = encode(value);
      put([...nop, ...cell(3), ...cell(bytes.length), ...cell(nameOffset(key)), ...padded(bytes, 4)]);
    }
    for (const [key, value] of entries) if (isTree(value)) node(key, value);
    put([...nop, ...cell(2)]);
  };
  node("", tree);
  put([...nop, ...cell(9)]);

  const version = options.version ?? 17;
  const header = version >= 17 ? 40 : 36;
  const reserve = [...(options.reserve ?? []), [0, 0] as const].flatMap(([base, size]) =>
    [...u64(base), ...u64(size)].flatMap(cell),
  );
  const reserveAt = Math.ceil(header / 8) * 8;
  const structAt = reserveAt + reserve.length;
  const stringsAt = structAt + struct.length;
  const total = stringsAt + names.length;
  const fields = [
    0xd00dfeed,
    total,
    structAt,
    stringsAt,
    reserveAt,
    version,
    options.lastCompatibleVersion ?? 16,
  ];
  fields.push(options.bootCpu ?? 0, names.length);
  if (version >= 17) fields.push(struct.length);
  const blob = new Uint8Array(total + (options.trailing ?? 0));
  blob.set(fields.flatMap(cell), 0);
  blob.set(reserve, reserveAt);
  blob.set(struct, structAt);
  blob.set(names, stringsAt);
  return blob;
}

/** Byte offset of the first occurrence of `needle` in `blob`. */
export function offsetOf(blob: Uint8Array, needle: string | readonly number[]): number {
  const bytes = typeof needle === "string" ? [...new TextEncoder().encode(needle)] : needle;
  for (let at = 0; at + bytes.length <= blob.length; at++)
    if (bytes.every((byte, index) => blob[at + index] === byte)) return at;
  throw new Error("not in the blob");
}

/** `blob` with the 32-bit number at `at` replaced. */
export function patched(blob: Uint8Array, at: number, value: number): Uint8Array {
  const copy = blob.slice();
  copy.set(cell(value), at);
  return copy;
}

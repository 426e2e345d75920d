// SPDX-License-Identifier: MIT

/** Where a field lies in a structure: its bits, counted as the manual does from bit 0 of the first word on. */
export interface BitField {
  readonly high: number;
  readonly low: number;
  /** What the lowest bit stands for: 1, or the unit of an address whose low bits are left out. */
  readonly unit: number;
}

/** A field that is a number. */
export const bits = (high: number, low = high): BitField => ({ high, low, unit: 1 });

/** A field that is an address: what stands in it are the address's bits from `from` on. */
export const address = (high: number, low: number, from: number): BitField => ({
  high,
  low,
  unit: 2 ** from,
});

/** The part of a field that lies in one word. */
interface Part {
  readonly word: number;
  readonly shift: number;
  readonly mask: number;
  /** What its lowest bit stands for. */
  readonly weight: number;
}

function partsOf({ high, low, unit }: BitField): Part[] {
  const parts: Part[] = [];
  let weight = unit;
  for (let word = low >> 5; word <= high >> 5; word++) {
    const shift = Math.max(low - word * 32, 0);
    const width = Math.min(high - word * 32, 31) - shift + 1;
    parts.push({ word, shift, mask: 2 ** width - 1, weight });
    weight *= 2 ** width;
  }
  return parts;
}

/** Values of fields by their names; one that is left out is 0. */
export type Values<Name extends string> = Partial<Readonly<Record<Name, number>>>;

/** The fields of a structure in memory, in 32-bit words, the low one of each pair first. */
export class Layout<Name extends string> {
  readonly #name: string;
  readonly #words: number;
  readonly #fields: Readonly<Record<Name, BitField>>;
  readonly #parts = new Map<string, readonly Part[]>();

  constructor(name: string, words: number, fields: Readonly<Record<Name, BitField>>) {
    this.#name = name;
    this.#words = words;
    this.#fields = fields;
    for (const [each, field] of Object.entries<BitField>(fields)) this.#parts.set(each, partsOf(field));
  }

  /** The structure with these values. Throws `TypeError` for a field that it does not have, and a value that does not fit. */
  encode(values: Values<Name>): Uint32Array {
    const words = new Uint32Array(this.#words);
    for (const name in values) this.set(words, name, values[name] as number);
    return words;
  }

  /** All fields. */
  decode(words: Uint32Array): Record<Name, number> {
    const values = {} as Record<Name, number>;
    for (const name in this.#fields) values[name] = this.get(words, name);
    return values;
  }

  /** One field. */
  get(words: Uint32Array, name: Name): number {
    const parts = this.#partsOf(name);
    let value = 0;
    // By index: each access of a device reads a dozen fields.
    for (let i = 0; i < parts.length; i++) {
      const { word, shift, mask, weight } = parts[i] as Part;
      value += ((((words[word] as number) >>> shift) & mask) >>> 0) * weight;
    }
    return value;
  }

  /** Writes one field into a structure. Throws as `encode`. */
  set(words: Uint32Array, name: Name, value: number): void {
    const parts = this.#partsOf(name);
    const { high, low, unit } = this.#fields[name];
    if (value % unit !== 0 || value < 0 || value >= 2 ** (high - low + 1) * unit)
      throw new TypeError(`${this.#name}.${name}: ${value} does not fit into bits ${high}:${low}`);
    for (const { word, shift, mask, weight } of parts) {
      const part = Math.floor(value / weight) % (mask + 1);
      words[word] = ((words[word] as number) & ~(mask << shift)) | (part << shift);
    }
  }

  /** Ones in the bits of these fields. */
  mask(...names: readonly Name[]): Uint32Array {
    const words = new Uint32Array(this.#words);
    for (const name of names)
      for (const { word, shift, mask } of this.#partsOf(name))
        words[word] = (words[word] as number) | (mask << shift);
    return words;
  }

  #partsOf(name: Name): readonly Part[] {
    const parts = this.#parts.get(name);
    if (parts === undefined) throw new TypeError(`${this.#name} has no field ${name}`);
    return parts;
  }
}

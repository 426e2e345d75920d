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

/** Values of fields by their names; one that is left out is 0. */
export type Values<Name extends string> = Partial<Readonly<Record<Name, number>>>;

/** The fields of a structure in memory, in 32-bit words, the low one of each pair first. */
export class Layout<Name extends string> {
  readonly #name: string;
  readonly #words: number;
  readonly #fields: Readonly<Record<Name, BitField>>;

  constructor(name: string, words: number, fields: Readonly<Record<Name, BitField>>) {
    this.#name = name;
    this.#words = words;
    this.#fields = fields;
  }

  /** The structure with these values. Throws `TypeError` for a field that it does not have, and a value that does not fit. */
  encode(values: Values<Name>): Uint32Array {
    const words = new Uint32Array(this.#words);
    for (const [name, value] of Object.entries(values) as [Name, number][]) this.set(words, name, value);
    return words;
  }

  /** All fields. */
  decode(words: Uint32Array): Record<Name, number> {
    const names = Object.keys(this.#fields) as Name[];
    return Object.fromEntries(names.map((name) => [name, this.get(words, name)])) as Record<Name, number>;
  }

  /** One field. */
  get(words: Uint32Array, name: Name): number {
    const { high, low, unit } = this.#fields[name];
    let value = 0;
    let weight = unit;
    for (let word = low >> 5; word <= high >> 5; word++) {
      const from = Math.max(low - word * 32, 0);
      const span = 2 ** (Math.min(high - word * 32, 31) - from + 1);
      value += (((words[word] as number) >>> from) % span) * weight;
      weight *= span;
    }
    return value;
  }

  /** Writes one field into a structure. Throws as `encode`. */
  set(words: Uint32Array, name: Name, value: number): void {
    const field = this.#fields[name];
    if (field === undefined) throw new TypeError(`${this.#name} has no field ${name}`);
    const { high, low, unit } = field;
    let rest = value / unit;
    if (!Number.isInteger(rest) || rest < 0 || rest >= 2 ** (high - low + 1))
      throw new TypeError(`${this.#name}.${name}: ${value} does not fit into bits ${high}:${low}`);
    for (let word = low >> 5; word <= high >> 5; word++) {
      const from = Math.max(low - word * 32, 0);
      const span = 2 ** (Math.min(high - word * 32, 31) - from + 1);
      const part = rest % span;
      rest = (rest - part) / span;
      words[word] = ((words[word] as number) & ~((span - 1) << from)) | (part << from);
    }
  }

  /** Ones in the bits of these fields. */
  mask(...names: readonly Name[]): Uint32Array {
    const words = new Uint32Array(this.#words);
    for (const name of names) {
      const { high, low } = this.#fields[name];
      for (let bit = low; bit <= high; bit++)
        words[bit >> 5] = (words[bit >> 5] as number) | (1 << (bit & 31));
    }
    return words;
  }
}

// SPDX-License-Identifier: MIT

const sizes = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** A number of bytes with at most one decimal: `24 MiB`, `1.5 KiB`, `0`. */
export function bytes(value: number): string {
  if (value === 0) return "0";
  const power = Math.min(sizes.length - 1, Math.floor(Math.log2(value) / 10));
  return `${trimmed(value / 1024 ** power)} ${sizes[power]}`;
}

/** A time in ns with at most one decimal: `3.9 ms`, `640 ns`, `0`. */
export function duration(ns: number): string {
  if (ns === 0) return "0";
  const units = ["ns", "us", "ms", "s"] as const;
  const power = Math.min(3, Math.floor(Math.log10(ns) / 3));
  return `${trimmed(ns / 1000 ** power)} ${units[power]}`;
}

const trimmed = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "");

// SPDX-License-Identifier: MIT

/** A table entry that the SMMU may read at any time, and how its owner changes it. */
export interface EntryWriter {
  /** The entry as it stands in memory. */
  read(): Uint32Array;
  /** Writes 64 bits of it at once. */
  write(index: number, low: number, high: number): void;
  /** Makes the SMMU read it again: CMD_CFGI and CMD_SYNC. */
  sync(): void;
  /** Ones in the bits that the SMMU looks at, given what the entry says. */
  used(entry: Uint32Array): Uint32Array;
}

/**
 * Changes an entry of 64 bytes so that the SMMU sees the old one, the new one, or one with V = 0, and never a mixture (M-44). It
 * reads 64 bits at once and no more. Where one such word alone has bits that matter, the change is hitless: first what does not
 * matter yet, then that word, then what does not matter any more. Else the entry is invalid in between.
 * Returns whether it was hitless. @see arm_smmu_write_entry
 */
export function writeEntry(writer: EntryWriter, target: Uint32Array): boolean {
  const current = writer.read().slice();
  const usedNow = writer.used(current);
  const usedThen = writer.used(target);
  const early = current.map(
    (word, i) => ((word & mask(usedNow, i)) | ((target[i] as number) & ~mask(usedNow, i))) >>> 0,
  );
  const critical: number[] = [];
  for (let index = 0; index < early.length / 2; index++)
    if (differs(early, target, usedThen, 2 * index) || differs(early, target, usedThen, 2 * index + 1))
      critical.push(index);
  const [only] = critical;
  if (critical.length > 1) {
    put(writer, new Uint32Array(target.length), (index) => index === 0);
    put(writer, target, (index) => index > 0);
    put(writer, target, (index) => index === 0);
    return false;
  }
  if (only !== undefined) {
    put(writer, early, (index) => index !== only);
    put(writer, target, (index) => index === only);
  }
  put(writer, target, () => true);
  return true;
}

const mask = (used: Uint32Array, word: number): number => used[word] as number;

const differs = (entry: Uint32Array, target: Uint32Array, used: Uint32Array, word: number): boolean =>
  ((entry[word] as number) & mask(used, word)) >>> 0 !== target[word];

/** Writes those of the 64-bit words that are not yet as they should be, and makes the SMMU see it. */
function put(writer: EntryWriter, content: Uint32Array, which: (index: number) => boolean): void {
  const current = writer.read().slice();
  let isChanged = false;
  for (let index = 0; index < content.length / 2; index++) {
    const [low, high] = [content[2 * index] as number, content[2 * index + 1] as number];
    if (!which(index) || (current[2 * index] === low && current[2 * index + 1] === high)) continue;
    writer.write(index, low, high);
    isChanged = true;
  }
  if (isChanged) writer.sync();
}

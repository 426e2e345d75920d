// SPDX-License-Identifier: MIT

/** A plain fence, said as plainly as possible. */
export interface ModelLeaf {
  readonly kind: "leaf";
  readonly context: number;
  readonly seqno: number;
  signaled: boolean;
}

/** What a fence is made of. All of it is monotone: what has signaled stays signaled. */
export type ModelFence =
  | ModelLeaf
  | { readonly kind: "array"; readonly any: boolean; readonly members: readonly ModelLeaf[] }
  | { readonly kind: "chain"; readonly previous: ModelFence | null; readonly inner: ModelFence };

/** Whether it has signaled (F-35, F-39, F-42). */
export function signaled(fence: ModelFence): boolean {
  if (fence.kind === "leaf") return fence.signaled;
  if (fence.kind === "array") return fence.any ? fence.members.some(signaled) : fence.members.every(signaled);
  return signaled(fence.inner) && (fence.previous === null || signaled(fence.previous));
}

/** The pending plain fences that it is made of, each once (F-47). */
export function pendingLeaves(fence: ModelFence): Set<ModelLeaf> {
  if (fence.kind === "leaf") return new Set(fence.signaled ? [] : [fence]);
  if (fence.kind === "array") return new Set(fence.members.filter((member) => !member.signaled));
  const before = fence.previous === null ? [] : pendingLeaves(fence.previous);
  return new Set([...pendingLeaves(fence.inner), ...before]);
}

/** Of each context the latest pending one (F-48), in the order of contexts. */
export function merged(fences: readonly ModelFence[]): ModelLeaf[] {
  const latest = new Map<number, ModelLeaf>();
  for (const fence of fences)
    for (const leaf of pendingLeaves(fence)) {
      const known = latest.get(leaf.context);
      if (known === undefined || leaf.seqno > known.seqno) latest.set(leaf.context, leaf);
    }
  return [...latest.values()].sort((a, b) => a.context - b.context);
}

/** A slot of a reservation. */
interface ModelSlot {
  leaf: ModelLeaf;
  usage: number;
}

/** A reservation. */
export class ModelResv {
  slots: ModelSlot[] = [];
  #room = 0;

  /** Makes room; a table that has to grow drops what has signaled. */
  reserve(count: number): void {
    const wanted = this.slots.length + count;
    if (wanted <= this.#room) return;
    const first = Math.max(4, 2 ** Math.ceil(Math.log2(count)));
    this.#room = this.#room === 0 ? first : Math.max(wanted, 2 * this.#room);
    this.slots = this.slots.filter((slot) => !slot.leaf.signaled);
  }

  add(leaf: ModelLeaf, usage: number): void {
    this.reserve(1);
    const slot = this.slots.find(({ leaf: old, usage: oldUsage }) => {
      const replaced = old.context === leaf.context && oldUsage >= usage;
      return old.signaled || (replaced && (old === leaf || old.seqno < leaf.seqno));
    });
    if (slot === undefined) this.slots.push({ leaf, usage });
    else Object.assign(slot, { leaf, usage });
  }

  /** The pending fences of this usage or a stronger one, in the order of the slots. */
  pending(usage: number): ModelLeaf[] {
    return this.slots.filter((slot) => slot.usage <= usage && !slot.leaf.signaled).map(({ leaf }) => leaf);
  }
}

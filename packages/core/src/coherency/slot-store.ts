// SPDX-License-Identifier: MIT
import type { ByteStore } from "./byte-store.ts";
import { LineStore } from "./line-store.ts";
import type { Domain } from "./topology.ts";

/** What a slot holds that nobody has copied anything into. */
const LEFT_OVER = 255;

/**
 * The memory of a bounce slot, byte by byte, by the addresses of the originals that its bytes stand for: only bytes in use
 * are resident, and nothing but an assignment makes them so.
 */
export class SlotStore extends LineStore {
  constructor(slot: Domain, memory: ByteStore) {
    super({ ...slot, line: 1 }, memory);
  }

  /** Takes bytes into use; what they held before is kept where they are. */
  assign(start: number, end: number): void {
    const bytes = Uint8Array.of(LEFT_OVER);
    for (let at = start; at < end; at++) if (!this.isResident(at)) super.write(at, at + 1, bytes, 0);
  }

  /** Whether some byte of [start, end) is in use. */
  isUsed(start: number, end: number): boolean {
    for (let at = start; at < end; at++) if (this.isResident(at)) return true;
    return false;
  }

  /** Calls `visit` for each run of bytes in use in [start, end). */
  forEachUsed(start: number, end: number, visit: (start: number, end: number) => void): void {
    for (let at = start; at < end; at++) {
      const first = at;
      while (at < end && this.isResident(at)) at++;
      if (at > first) visit(first, at);
    }
  }

  /** Bytes that are not in use read as what was left in the slot. */
  override read(start: number, end: number, into: Uint8Array, at: number): void {
    into.fill(LEFT_OVER, at, at + end - start);
    this.overlay(start, end, into, at);
  }

  /** Bytes that are not in use stay so: what is written there goes to memory that stands for nothing. */
  override write(start: number, end: number, from: Uint8Array, at: number): void {
    for (let next = start; next < end; next++)
      if (this.isResident(next)) super.write(next, next + 1, from, at + next - start);
  }

  /** Nothing fills a slot but copies. */
  override fill(): void {}
}

// SPDX-License-Identifier: MIT
// Software that forgets everything: an answer that is old says which commands are missing, and these make it right.
import { IommuProt } from "@dmabuf/core/iommu";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CD } from "../../src/v3/cd.ts";
import type { Command } from "../../src/v3/command.ts";
import { Config } from "../../src/v3/ste.ts";
import { Guest } from "./guest.ts";

const { READ, WRITE, CACHE } = IommuProt;
const PAGE = 4096;
/** Where the guest's pages are: around the place where another table of the last level begins. */
const BASE = 0x3f_e000;
const PLACES = 3;
const GUEST_MEMORY = 0x20_0000;
const MEMORY = 0x70_0000;

type Mode = "nested" | "stage 2" | "bypass" | "abort";

/** The commands that a text names. */
function commandsIn(text: string): Command[] {
  const commands: Command[] = [];
  const each = (pattern: RegExp, make: (...found: string[]) => Command): void => {
    for (const [, ...found] of text.matchAll(pattern)) commands.push(make(...(found as string[])));
  };
  each(/CMD_CFGI_STE of StreamID (\w+)/g, (id) => ({ op: "CMD_CFGI_STE", StreamID: Number(id), Leaf: 1 }));
  each(/CMD_CFGI_CD of StreamID (\w+), SubstreamID (\d+)/g, (id, substream) => ({
    ...{ op: "CMD_CFGI_CD", StreamID: Number(id), SubstreamID: Number(substream), Leaf: 1 },
  }));
  each(/CMD_TLBI_S2_IPA of (\w+) for VMID (\d+)( with Leaf 0)?/g, (at, vmid, way) => ({
    ...{ op: "CMD_TLBI_S2_IPA", Address: Number(at), VMID: Number(vmid), Leaf: way === undefined ? 1 : 0 },
  }));
  each(/CMD_TLBI_NH_ALL for VMID (\d+)/g, (vmid) => ({ op: "CMD_TLBI_NH_ALL", VMID: Number(vmid) }));
  each(/CMD_TLBI_NH_VA of (\w+) for ASID (\d+) and VMID (\d+)( with Leaf 0)?/g, (at, asid, vmid, way) => ({
    ...{ op: "CMD_TLBI_NH_VA", Address: Number(at), ASID: Number(asid), VMID: Number(vmid) },
    Leaf: way === undefined ? 1 : 0,
  }));
  return commands;
}

/** A guest, and what it and its hypervisor have written: the reference. */
class Forgetful {
  readonly guest = new Guest();
  readonly #first = new Map<number, number>();
  readonly #second = new Map<number, number>();
  #mode: Mode = "nested";
  #isValid = true;
  #isHidden = false;

  map(place: number, to: number): void {
    if (this.#first.has(place)) this.guest.first.unmapPages(BASE + place * PAGE, PAGE, 1);
    this.guest.map(this.guest.first, BASE + place * PAGE, GUEST_MEMORY + to * PAGE, 1, READ | WRITE | CACHE);
    this.#first.set(place, to);
  }

  unmap(place: number): void {
    if (this.#first.delete(place)) this.guest.first.unmapPages(BASE + place * PAGE, PAGE, 1);
  }

  mapBehind(place: number, to: number): void {
    if (this.#second.has(place)) this.guest.second.unmapPages(GUEST_MEMORY + place * PAGE, PAGE, 1);
    this.guest.map(
      this.guest.second,
      GUEST_MEMORY + place * PAGE,
      MEMORY + to * PAGE,
      1,
      READ | WRITE | CACHE,
    );
    this.#second.set(place, to);
  }

  unmapBehind(place: number): void {
    if (this.#second.delete(place)) this.guest.second.unmapPages(GUEST_MEMORY + place * PAGE, PAGE, 1);
  }

  switchTo(mode: Mode): void {
    const { guest } = this;
    const stage2 = guest.stage2Of(guest.second);
    if (mode === "nested") guest.ste(1, { Config: Config.NESTED, ...stage2, S1ContextPtr: 0xf_0000 });
    if (mode === "stage 2") guest.ste(1, { Config: Config.S2_TRANS, ...stage2 });
    if (mode === "bypass") guest.ste(1, { Config: Config.BYPASS });
    if (mode === "abort") guest.ste(1, { Config: Config.ABORT });
    this.#mode = mode;
  }

  switchCd(isValid: boolean): void {
    this.guest.put(
      this.guest.cd,
      isValid ? CD.encode(this.guest.cdOf(this.guest.first)) : new Uint32Array(16),
    );
    this.#isValid = isValid;
  }

  /** Takes a whole table of the last level out, with what is in it. */
  drop(behind: boolean): void {
    const { first, second } = this.guest;
    (behind ? second : first).unmapPages(GUEST_MEMORY, 2 ** 21, 1);
    if (behind) this.#second.clear();
    else for (const each of [0, 1]) this.#first.delete(each);
  }

  /** Takes the page of the CD out of stage 2, or puts it back. */
  hideCd(hide: boolean): void {
    const { second, cd } = this.guest;
    if (hide && !this.#isHidden) second.unmapPages(0xf_0000, PAGE, 1);
    if (!hide && this.#isHidden) this.guest.map(second, 0xf_0000, cd);
    this.#isHidden = hide;
  }

  /** What the tables say of an address: where it goes, or null. */
  #expected(at: number): number | null {
    if (this.#mode === "abort") return null;
    if (this.#mode === "bypass") return at;
    const page = Math.floor(at / PAGE);
    let ipa = page - GUEST_MEMORY / PAGE;
    if (this.#mode === "nested")
      ipa = (this.#isValid && !this.#isHidden ? this.#first.get(page - BASE / PAGE) : undefined) ?? -1;
    const behind = this.#second.get(ipa);
    return behind === undefined ? null : MEMORY + behind * PAGE + (at % PAGE);
  }

  access(at: number): void {
    const expected = this.#expected(at);
    for (let tries = 0; ; tries++) {
      const { fault, address, missing } = this.guest.translate(at);
      if (missing === null) {
        expect(fault === null ? address : null).toBe(expected);
        return;
      }
      expect(missing).toMatch(/CMD_SYNC$/);
      // An entry of the configuration, the walk caches and TLBs of two stages: no more than these can be old.
      expect(tries).toBeLessThan(8);
      this.guest.sync(...commandsIn(missing));
    }
  }
}

const place = fc.integer({ min: 0, max: PLACES - 1 });
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("map" as const), place, to: place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("unmap" as const), place }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("mapBehind" as const), place, to: place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("unmapBehind" as const), place }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("switchTo" as const),
      mode: fc.constantFrom<Mode>("nested", "nested", "nested", "stage 2", "bypass", "abort"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("switchCd" as const),
      isValid: fc.constantFrom(true, true, false),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), behind: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("hideCd" as const), hide: fc.constantFrom(false, false, true) }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("access" as const), place }) },
);

test("what an old answer lacks makes it right when it is done, whatever was forgotten before", () => {
  fc.assert(
    fc.property(fc.array(operation, { minLength: 30, maxLength: 60, size: "max" }), (operations) => {
      const forgetful = new Forgetful();
      for (const each of operations) {
        if (each.kind === "map") forgetful.map(each.place, each.to);
        else if (each.kind === "unmap") forgetful.unmap(each.place);
        else if (each.kind === "mapBehind") forgetful.mapBehind(each.place, each.to);
        else if (each.kind === "unmapBehind") forgetful.unmapBehind(each.place);
        else if (each.kind === "switchTo") forgetful.switchTo(each.mode);
        else if (each.kind === "switchCd") forgetful.switchCd(each.isValid);
        else if (each.kind === "drop") forgetful.drop(each.behind);
        else if (each.kind === "hideCd") forgetful.hideCd(each.hide);
        else for (const base of [BASE, GUEST_MEMORY]) forgetful.access(base + each.place * PAGE + 3);
      }
    }),
    { seed: 20261120, numRuns: 800 },
  );
});

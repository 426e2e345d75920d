// SPDX-License-Identifier: MIT
import type { Extents } from "../memory/extents.ts";
import type { Plugin } from "../platform/plugin.ts";
import { ArchFixture, scatterlists } from "./arch-fixture.ts";

/** What a driver and its device do in turns; answers what it is called. */
type Play = (fixture: ArchFixture, extents: Extents) => string;

/** The device reads what the CPU wrote. */
export const toDevice: Play = (fixture, extents) => {
  for (let round = 0; round < 2; round++) {
    fixture.cpu("write", extents);
    fixture.syncForDevice(extents, "to-device");
    fixture.device("read", extents);
    fixture.syncForCpu(extents, "to-device");
  }
  return "to-device";
};

/** The CPU reads what the device wrote. */
export const fromDevice: Play = (fixture, extents) => {
  for (let round = 0; round < 2; round++) {
    fixture.cpu("write", extents);
    fixture.syncForDevice(extents, "from-device");
    fixture.device("write", extents);
    fixture.syncForCpu(extents, "from-device");
    fixture.cpu("read", extents);
  }
  return "from-device";
};

/** Both, in turns. */
export const bothWays: Play = (fixture, extents) => {
  for (let round = 0; round < 2; round++) {
    fixture.cpu("write", extents);
    fixture.syncForDevice(extents, "bidirectional");
    fixture.device("read", extents);
    fixture.device("write", extents);
    fixture.syncForCpu(extents, "bidirectional");
    fixture.cpu("read", extents);
  }
  return "bidirectional";
};

/** Both, by a driver that flushes by itself. */
export const flushed: Play = (fixture, extents) => {
  for (let round = 0; round < 2; round++) {
    fixture.cpu("write", extents);
    fixture.driverFlush(extents);
    fixture.device("read", extents);
    fixture.device("write", extents);
    fixture.driverFlush(extents);
    fixture.cpu("read", extents);
  }
  return "flushed by a driver";
};

/** Plays on every scatterlist, each on a machine of its own. */
export function eachMachine(make: () => Plugin, play: Play, seed?: number): void {
  for (const extents of scatterlists) {
    const fixture = new ArchFixture(make(), seed);
    const direction = play(fixture, extents);
    fixture.demandNoHazard(`${direction} ${ranges(extents)}`);
  }
}

/** Ranges in words. */
export function ranges({ pairs }: Extents): string {
  const words: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    words.push(`[0x${(pairs[i] as number).toString(16)}, 0x${(pairs[i + 1] as number).toString(16)})`);
  }
  return words.join(" ");
}

// SPDX-License-Identifier: MIT
import type { CoreServices } from "@dmabuf/core";
import { tracepoint } from "@dmabuf/core/sim";

/** Ours: an MMU inside of a device is given a command, by a register or by the command stream. */
export const mmuCommand = tracepoint("device_mmu", "command", ["device", "string"], ["command", "string"]);

/** Notes the commands of one device's MMU, in the words of its architecture. */
export class MmuCommands {
  readonly #trace: CoreServices["simulation"]["trace"];
  readonly #device: string;

  constructor({ simulation }: CoreServices, device: string) {
    this.#trace = simulation.trace;
    this.#device = device;
  }

  /** One command: `"AS0 COMMAND=FLUSH_PT [0x10000, 0x18000)"`. */
  note(command: string): void {
    const trace = this.#trace;
    trace.emit(mmuCommand, trace.intern(this.#device), trace.intern(command));
  }
}

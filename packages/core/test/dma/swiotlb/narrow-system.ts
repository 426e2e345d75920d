// SPDX-License-Identifier: MIT
import {
  assemble,
  type BoardDescription,
  type BootOptions,
  board,
  KernelError,
  type System,
} from "../../../src/index.ts";
import { toyArch } from "../../../src/testing.ts";

export const HIGH = 2 ** 32;
export const PAGE = 4096;

/** 16 MiB below 4 GiB and 16 MiB above, which `narrow` and `seeing` do not reach. */
export const narrowBoard: BoardDescription = {
  model: "narrow",
  memory: [
    { base: 0, size: "16MiB" },
    { base: HIGH, size: "16MiB" },
  ],
  devices: {
    narrow: { class: "usb", coherent: false, addressBits: 32 },
    seeing: { class: "usb", coherent: true, port: "snoop", addressBits: 32 },
    wide: { class: "dma", coherent: false },
    dac: { class: "dma", coherent: true, port: "snoop" },
  },
};

/** A running system with the changes. */
export const narrowSystem = (changes: Partial<BoardDescription> = {}, options: BootOptions = {}): System =>
  assemble(board({ ...narrowBoard, ...changes }), [toyArch()]).boot(options);

/** Errno and reason of what is thrown, or "fine". */
export function answerTo(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof KernelError) return `${error.errno} ${error.reason}`;
    throw error;
  }
  return "fine";
}

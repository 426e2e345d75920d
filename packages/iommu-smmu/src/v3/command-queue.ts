// SPDX-License-Identifier: MIT
import { CircularQueue } from "./circular-queue.ts";
import { COMMAND_WORDS, type Command, encodeCommand } from "./command.ts";

/** Why the SMMU stopped at a command: CMDQ_CONS.ERR. @see Arm IHI 0070, 7.1 */
export const CommandError = { NONE: 0, ILL: 1, ABT: 2, ATC_INV_SYNC: 3 } as const;

/** Names of `CommandError`, as the manual has them. */
export const commandErrorNames: readonly string[] = [
  "CERROR_NONE",
  "CERROR_ILL",
  "CERROR_ABT",
  "CERROR_ATC_INV_SYNC",
];

/** The SMMU's side of the queue: executes the command in 16 bytes, and returns one of `CommandError`. */
type Execute = (words: Uint32Array) => number;

/**
 * The command queue. The SMMU consumes what it holds as soon as PROD moves, in order, and stops at the first command in error
 * until software has acknowledged that (GERROR.CMDQ_ERR). @see Arm IHI 0070, 4.8 and 7.1
 */
export class CommandQueue {
  /** CR0.CMDQEN: whether commands are consumed. */
  enabled = false;
  readonly #queue: CircularQueue;
  readonly #execute: Execute;
  /** Whether the queue itself can be read: CERROR_ABT where it cannot. */
  readonly #isReadable: () => boolean;
  #error = 0;

  constructor(size: number, execute: Execute, isReadable: () => boolean = () => true) {
    this.#queue = new CircularQueue(size, COMMAND_WORDS);
    this.#execute = execute;
    this.#isReadable = isReadable;
  }

  /** SMMU_CMDQ_PROD. */
  get prod(): number {
    return this.#queue.prod;
  }

  /** SMMU_CMDQ_CONS, with ERR in bits 30:24. */
  get cons(): number {
    return this.#queue.cons + this.#error * 2 ** 24;
  }

  /** CMDQ_CONS.ERR, one of `CommandError`: not 0 as long as the SMMU stands still. */
  get error(): number {
    return this.#error;
  }

  /** Writes a command and moves PROD. False, and nothing is done, when the queue is full. */
  push(command: Command): boolean {
    return this.pushWords(encodeCommand(command));
  }

  /** As `push`, with the 16 bytes as they are. */
  pushWords(words: Uint32Array): boolean {
    if (!this.#queue.push(words)) return false;
    this.consume();
    return true;
  }

  /** Overwrites the command that the SMMU stands at. @see arm_smmu_cmdq_skip_err */
  replace(command: Command): void {
    this.#queue.replace(encodeCommand(command));
  }

  /** Software has seen the error, GERRORN follows GERROR: the SMMU goes on at the same command. */
  acknowledge(): void {
    this.#error = 0;
    this.consume();
  }

  /** The SMMU consumes what there is; called when the queue is switched on, and for every command. */
  consume(): void {
    while (this.enabled && this.#error === 0) {
      const words = this.#queue.peek();
      if (words === null) return;
      this.#error = this.#isReadable() ? this.#execute(words) : CommandError.ABT;
      if (this.#error === 0) this.#queue.pop();
    }
  }
}

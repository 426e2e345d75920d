// SPDX-License-Identifier: MIT
import { KernelError } from "@dmabuf/core";
import type { Command, CommandName } from "./command.ts";
import { CommandError, commandErrorNames } from "./command-queue.ts";
import type { SMMUv3 } from "./smmu-v3.ts";

/** The driver's side of the command queue. @see arm_smmu_cmdq_issue_cmdlist */
export class ArmSmmuCmdq {
  readonly #hardware: SMMUv3;
  /** Commands that this driver forgets. */
  readonly #omits: readonly string[];

  constructor(hardware: SMMUv3, omits: readonly string[]) {
    this.#hardware = hardware;
    this.#omits = omits;
  }

  /** Sends commands, and waits until they are done: CMD_SYNC. Throws `KernelError` ETIMEDOUT when the SMMU stands still. */
  issue(commands: Iterable<Command>): void {
    for (const command of commands) this.send(command);
    this.send({ op: "CMD_SYNC" });
  }

  /** Sends one command, and does not wait. Throws as `issue`. */
  send(command: Command): void {
    if (this.#omits.includes(command.op satisfies CommandName)) return;
    const { commands } = this.#hardware;
    if (!commands.push(command))
      throw new KernelError("ETIMEDOUT", "arm_smmu_cmdq_issue_cmdlist", "the command queue is full");
    if (commands.error !== CommandError.NONE) this.#skip();
  }

  /** The interrupt of GERROR.CMDQ_ERR: a command that is illegal becomes a CMD_SYNC. @see arm_smmu_cmdq_skip_err */
  #skip(): void {
    const { commands } = this.#hardware;
    if (commands.error === CommandError.ABT) {
      const reason = `${commandErrorNames[commands.error]}: the SMMU cannot read the command queue`;
      throw new KernelError("ETIMEDOUT", "arm_smmu_cmdq_issue_cmdlist", reason);
    }
    if (commands.error === CommandError.ILL) commands.replace({ op: "CMD_SYNC" });
    commands.acknowledge();
  }
}

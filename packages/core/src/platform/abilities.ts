// SPDX-License-Identifier: MIT
import { InputError } from "../error.ts";
import type { PlannedPipeline } from "./pipeline.ts";
import type { System } from "./system.ts";

/**
 * Checks what a pipeline asks of its exporter and importers against what they offer. Throws `InputError` with the field,
 * and what there is instead. @param place what stands in front of the field, such as a file name
 */
export function checkAbilities(system: System, plan: PlannedPipeline, place: string): void {
  const fail = (field: string, reason: string): never => {
    throw new InputError(place === "" ? field : `${place}: ${field}`, reason);
  };
  const choose = (field: string, what: string, asked: string | null, offered: readonly string[]): void => {
    if (asked === null || offered.includes(asked)) return;
    if (offered.length === 0) fail(field, `the exporter "${plan.exporter}" has no ${what}s to choose from`);
    fail(
      field,
      `"${asked}" is no ${what} of the exporter "${plan.exporter}", which has ${offered.join(", ")}`,
    );
  };
  const { cacheLevels = [], mmapTypes = [] } = system.exporter(plan.exporter);
  for (const [name, { cache }] of plan.buffers)
    choose(`buffers.${name}.cache`, "cache level", cache, cacheLevels);
  plan.stages.forEach(({ mmap, pin, device }, i) => {
    choose(`stages[${i}].mmap`, "mmap type", mmap, mmapTypes);
    if (pin !== null && device !== null && system.importer(device).scansOut !== true)
      fail(`stages[${i}].pin`, `${device} scans nothing out; only a display pins`);
  });
}

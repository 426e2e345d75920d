// SPDX-License-Identifier: MIT
import { CoherencyConflict } from "../buffer/policy/reject-at-attach.ts";
import { UntrustedAccess } from "../buffer/untrusted-access.ts";
import { type Finding, type FindingCode, finding } from "../check/finding.ts";
import { Inspection } from "../check/inspection.ts";
import { WaitLedger } from "../check/wait-ledger.ts";
import { performedMaintenance } from "../coherency/performed-maintenance.ts";
import { KernelError } from "../error.ts";
import type { PlannedPipeline } from "./pipeline.ts";
import { PipelineRun } from "./pipeline-run.ts";
import type { RunReport, Verdict } from "./run-report.ts";
import { runToEnd } from "./run-to-end.ts";
import type { System } from "./system.ts";

/** Runs a planned pipeline on a freshly booted system and judges it. */
export function runPlanned(system: System, plan: PlannedPipeline, board: string): RunReport {
  const { simulation, analysis, cpu, kernel, policy } = system;
  const inspection = new Inspection(system, plan.stages);
  const waits = new WaitLedger(plan.stages, simulation.trace);
  const run = new PipelineRun(system, plan, (name, index, extents) =>
    inspection.buffers.add(name, index, extents),
  );
  let assumptions: string[] | null = null;
  let failure: KernelError | null = null;
  let finished: number | null = null;
  const main = simulation.spawn(
    "main",
    (function* () {
      try {
        yield* run.run(() => {
          assumptions = [...new Set(run.buffers.flatMap((buffer) => policy.assumptions(buffer)))];
        });
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        failure = error;
      }
      finished = simulation.now;
    })(),
  );
  const end = runToEnd(simulation);
  const shared = assumptions !== null;
  const { findings: found, required } = inspection.finish(end, main.done);
  const findings = failure === null ? found : [shared ? gaveUp(failure) : refusal(failure), ...found];
  const performed = performedMaintenance(analysis.log, cpu.maintenanceCost);
  const total = ({ bytes, cost }: { bytes: number; cost: number }, ops: number) => ({
    ops,
    bytes,
    ns: Math.round(cost),
  });
  return {
    schema: 1,
    pipeline: plan.name,
    board,
    kernel: kernel.name,
    coherency: policy.name,
    verdict: verdictOf(findings, shared),
    assumptions: assumptions ?? [],
    findings,
    maintenance: {
      performed: total(performed, performed.ops),
      required: shared ? total(required, required.placements.length) : null,
    },
    waits: waits.waits,
    cost: { frames: shared ? run.frames : 0, ns: finished ?? simulation.now, cpuNs: cpu.busy },
  };
}

function verdictOf(findings: readonly Finding[], shared: boolean): Verdict {
  if (!shared) return "impossible";
  const breaking: readonly FindingCode[] = ["stale-read", "lost-write", "race"];
  return findings.some(({ code }) => breaking.includes(code)) ? "incoherent" : "coherent";
}

/** A stage ended with an error after the buffers were shared: it waited too long, or its device went away. */
const gaveUp = (error: KernelError): Finding => finding("deadlock", `the pipeline stopped: ${error.message}`);

/** The finding that says why a buffer could not be shared. */
function refusal(error: KernelError): Finding {
  const code =
    error instanceof CoherencyConflict
      ? "coherency-conflict"
      : error instanceof UntrustedAccess
        ? "untrusted-access"
        : error.operation === "dma_map_sgtable" && error.errno === "EIO"
          ? "unreachable"
          : "constraint-conflict";
  const fix = {
    "coherency-conflict": [
      "share it among devices of one kind, or let somebody do the maintenance between them",
    ],
    unreachable: ["allocate where every device reaches, for example from a CMA pool in low memory"],
    "constraint-conflict": [],
    "untrusted-access": [
      "allocate from memory that is not protected, or leave the access to a device that is trusted",
    ],
  }[code];
  return finding(code, error.message, {
    fix,
    ...(error instanceof UntrustedAccess && { device: error.device }),
  });
}

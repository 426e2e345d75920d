// SPDX-License-Identifier: MIT
import { dmaBufMmap, dmaBufMunmap, dmaBufVmap, dmaBufVunmap } from "../../buffer/buffer-trace.ts";
import type { Trace, TraceEvent } from "../../sim/trace.ts";
import type { Tracepoint } from "../../sim/tracepoint.ts";
import { dmaFenceSignaled } from "../../sync/dma-fence-trace.ts";
import { type BecauseEvent, type Finding, finding } from "../finding.ts";
import type { HazardContext } from "../hazard-finding.ts";
import type { Race } from "./race-checker.ts";

/** Events of a chain of causes that are told. */
const LONGEST_CHAIN = 4;

/** Turns the races of a run into findings: both operations, how each came about, and the fence that is missing. */
export function raceFindings(races: readonly Race[], context: HazardContext): Finding[] {
  return races.map((race) => explain(race, context));
}

function explain(race: Race, context: HazardContext): Finding {
  const { first, second, start, end, count } = race;
  const { machine, trace, ledger, buffers, text } = context;
  const [firstSeq, secondSeq] = [machine.log.cause(first), machine.log.cause(second)];
  const [before, after] = [trace.at(firstSeq), trace.at(secondSeq)];
  const access = ledger.of(secondSeq);
  const range = buffers.rangeOf(Float64Array.of(start, end));
  const message = race.undrained
    ? `${text.step(second)}, but ${text.step(first, "then")} and nothing has drained the write-combining buffer since`
    : `${text.step(second)}, and nothing orders that after ${text.step(first, "then")}`;
  const chains = new Map([...chain(trace, firstSeq), ...chain(trace, secondSeq)]);
  chains.set(firstSeq, text.because(first)).set(secondSeq, text.because(second));
  return finding("race", message, {
    stage: access?.stage ?? after?.timelineName ?? null,
    device: access?.device ?? deviceOf(after),
    buffer: buffers.find(start)?.buffer ?? null,
    range,
    frame: access?.frame ?? null,
    time: after?.time ?? 0,
    count,
    other: {
      stage: ledger.of(firstSeq)?.stage ?? before?.timelineName ?? null,
      device: ledger.of(firstSeq)?.device ?? deviceOf(before),
      time: before?.time ?? 0,
    },
    because: [...chains].sort(([a], [b]) => a - b).map(([, event]) => event),
    fix: [
      race.undrained
        ? `drain the write-combining buffer (${context.writeBarrier}) on ${before?.timelineName ?? "the CPU"} before it tells anybody that the data is there`
        : missing(before, after, trace, [text.step(first), text.step(second)]),
    ],
  });
}

const deviceOf = (event: TraceEvent | undefined): string | null =>
  event?.point.name === "dma_access" ? event.text("device") : null;

/** Systems whose events say how timelines came to act; the others say what they did on the way. */
const telling: readonly string[] = ["dma", "dma_buf", "dma_fence", "dma_resv", "dmabuf", "sched"];
/** Events of theirs that only stand in between. */
const beside: readonly Tracepoint[] = [dmaBufMmap, dmaBufMunmap, dmaBufVmap, dmaBufVunmap];

/** How an operation came about: the newest events that led to it. */
function chain(trace: Trace, seq: number): [seq: number, event: BecauseEvent][] {
  const causes = trace.because(seq).slice(1);
  return causes
    .filter(({ point }) => telling.includes(point.system) && !beside.includes(point))
    .slice(0, LONGEST_CHAIN)
    .map((event) => [
      event.seq,
      {
        time: event.time,
        timeline: event.timelineName,
        event: `${event.point.system}:${event.point.name}`,
        text: event.toString(),
      },
    ]);
}

/** The fence that the timeline of an event signals next, in the kernel's words, or null. */
function fenceAfter(event: TraceEvent, trace: Trace): string | null {
  for (const next of trace.events(event.seq + 1)) {
    if (next.point !== dmaFenceSignaled || next.timeline !== event.timeline) continue;
    return `${next.text("driver")} ${next.text("timeline")} seq ${next.text("seqno")}`;
  }
  return null;
}

/** What would order the two: a fence that one side signals and the other should wait for, either way round. */
function missing(
  before: TraceEvent | undefined,
  after: TraceEvent | undefined,
  trace: Trace,
  [first, second]: readonly [first: string, second: string],
): string {
  if (before === undefined || after === undefined) return "order them: with a fence, a lock or a submission";
  const wait = (waiter: TraceEvent, fence: string, by: TraceEvent, step: string): string =>
    `have ${waiter.timelineName} wait for the fence ${fence}, which ${by.timelineName} signals, before ${step}`;
  const fence = fenceAfter(before, trace);
  if (fence !== null) return wait(after, fence, before, second);
  const other = fenceAfter(after, trace);
  if (other !== null) return wait(before, other, after, first);
  return `order ${before.timelineName} and ${after.timelineName}: neither signals a fence that the other could wait for`;
}

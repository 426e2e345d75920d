// SPDX-License-Identifier: MIT

/** What a run can find. Codes are stable; each has a page that `dmabuf explain` prints. */
export const findingCodes = [
  "stale-read",
  "lost-write",
  "race",
  "uninitialised-export",
  "missing-bracket",
  "bracket-imbalance",
  "memory-type-alias",
  "needless-maintenance",
  "deadlock",
  "lock-order",
  "lock-in-fence-critical-section",
  "fence-never-signals",
  "dma-api-misuse",
  "iommu-fault",
  "stale-translation",
  "not-isolated",
  "unreachable",
  "bounced-share",
  "constraint-conflict",
  "coherency-conflict",
  "untrusted-access",
  "leak",
  "attachment-outlives-buffer",
] as const;

/** One of {@link findingCodes}. */
export type FindingCode = (typeof findingCodes)[number];

/** How bad a finding is; it belongs to the code. */
export type Severity = "error" | "warning" | "note";

const lesser: Readonly<Partial<Record<FindingCode, Severity>>> = {
  "needless-maintenance": "note",
  "missing-bracket": "warning",
  "not-isolated": "warning",
  "bounced-share": "warning",
  leak: "warning",
};

/** The severity of a code. */
export const severityOf = (code: FindingCode): Severity => lesser[code] ?? "error";

/** Somebody else who has a part in a finding. */
export interface OtherParty {
  readonly stage: string | null;
  readonly device: string | null;
  /** ns */
  readonly time: number;
}

/** One event of the chain that led to a finding. */
export interface BecauseEvent {
  /** ns */
  readonly time: number;
  readonly timeline: string;
  /** `system:name` of the tracepoint. */
  readonly event: string;
  readonly text: string;
}

/** One step of a witness as a report shows it. */
export interface FindingWitnessStep {
  /** An operation of the run, or something that hardware does by itself. */
  readonly kind: "operation" | "event";
  readonly text: string;
}

/** Something that a run found. Absent is null, never missing. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly stage: string | null;
  readonly device: string | null;
  readonly buffer: string | null;
  /** Half-open byte range in the buffer, from the first affected byte to past the last. */
  readonly range: readonly [start: number, end: number] | null;
  /** First frame it concerns, counted from 0. */
  readonly frame: number | null;
  /** ns of the first occurrence. */
  readonly time: number;
  /** Occurrences, this one included. */
  readonly count: number;
  readonly message: string;
  readonly other: OtherParty | null;
  readonly because: readonly BecauseEvent[];
  readonly witness: readonly FindingWitnessStep[] | null;
  readonly fix: readonly string[];
  /** The reference page. */
  readonly url: string;
}

/** Where the reference pages are. */
const reference = "https://github.com/dmabuf/dmabuf/blob/main/packages/cli/reference";

/** A finding from its code, message and whatever else is known of it. */
export function finding(code: FindingCode, message: string, known: Partial<Finding> = {}): Finding {
  return {
    stage: null,
    device: null,
    buffer: null,
    range: null,
    frame: null,
    time: 0,
    count: 1,
    other: null,
    because: [],
    witness: null,
    fix: [],
    ...known,
    code,
    severity: severityOf(code),
    message,
    url: `${reference}/${code}.md`,
  };
}

/** Equal findings of later frames become one, with a count; order of first occurrence. */
export function mergeFindings(findings: readonly Finding[]): Finding[] {
  const merged = new Map<string, Finding>();
  for (const each of findings) {
    const key = JSON.stringify([each.code, each.stage, each.device, each.buffer, each.range, each.message]);
    const known = merged.get(key);
    merged.set(key, known === undefined ? each : { ...known, count: known.count + each.count });
  }
  return [...merged.values()];
}

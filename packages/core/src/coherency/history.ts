// SPDX-License-Identifier: MIT
import { IntervalMap } from "../memory/interval-map.ts";
import { lineCover } from "../memory/line-cover.ts";
import { appendRange, type Piece } from "./line-nest.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { Operation } from "./operation.ts";
import { type OperationLog, operationLine, type Touch } from "./operation-log.ts";

/** Lines that share everything that ever happened to them. */
export interface LineGroup {
  /** What each line consists of; a piece's kind is an index into `histories`. Bytes that nothing touched are left out. */
  readonly pieces: readonly Piece[];
  /** The distinct histories of the bytes in each of these lines, ascending by step. */
  readonly histories: readonly (readonly Touch[])[];
  /** The lines as flat pairs of start and end, ascending. */
  readonly ranges: readonly number[];
}

/**
 * Groups all memory that a log touches by what happened to it, in lines of `line` bytes. Histories are interned (a
 * history is its predecessor and one more touch), so that equal ones are found without comparing them.
 *
 * @param counts which operations are part of a history; default all.
 */
export function lineGroups(
  log: OperationLog,
  line: number,
  counts: (operation: Operation) => boolean = () => true,
): readonly LineGroup[] {
  const parents = [-1];
  const touches: Touch[] = [{ step: -1, column: -1 }];
  const map = new IntervalMap(0, 2 ** 52, 0);
  for (let step = 0; step < log.length; step++) {
    const operation = log.operation(step);
    if (!counts(operation)) continue;
    const cover = lineCover(log.extents(step), operationLine(operation));
    const children = new Map<number, number>();
    for (const neighbour of [0, 1]) {
      const pairs = neighbour === 0 ? cover.inRange : cover.neighbours;
      for (let i = 0; i < pairs.length; i += 2) {
        map.update(pairs[i] as number, pairs[i + 1] as number, (parent) => {
          const key = parent * 2 + neighbour;
          let child = children.get(key);
          if (child === undefined) {
            child = parents.push(parent) - 1;
            touches.push({ step, column: operation.index * 2 + neighbour });
            children.set(key, child);
          }
          return child;
        });
      }
    }
  }
  const unfold = (node: number): Touch[] => {
    const history: Touch[] = [];
    for (let at = node; at > 0; at = parents[at] as number) history.push(touches[at] as Touch);
    return history.reverse();
  };
  return groupsOf(map, line).map(({ pieces, ranges }) => {
    const nodes = [...new Set(pieces.map(({ kind }) => kind))];
    return {
      pieces: pieces.map((piece) => ({ ...piece, kind: nodes.indexOf(piece.kind) })),
      histories: nodes.map(unfold),
      ranges,
    };
  });
}

/** The distinct lines of a map whose value is not 0 everywhere, with the ranges where they are found. */
function groupsOf(map: IntervalMap, line: number): { pieces: readonly Piece[]; ranges: number[] }[] {
  const groups = new Map<string, { pieces: readonly Piece[]; ranges: number[] }>();
  const add = (pieces: readonly Piece[], start: number, end: number): void => {
    const key = pieces.map((piece) => `${piece.start} ${piece.end} ${piece.kind}`).join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { pieces, ranges: [start, end] });
    else appendRange(group.ranges, start, end);
  };
  const splitter = new LineSplitter(line, add);
  map.forEach(map.start, map.end, (kind, start, end) => {
    if (kind !== 0) splitter.add(start, end, kind);
  });
  splitter.finish();
  return [...groups.values()];
}

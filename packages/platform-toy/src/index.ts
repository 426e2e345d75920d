// SPDX-License-Identifier: MIT
// Two teaching boards: one on which everything is coherent, one on which nothing is.
export { coherent, coherentBoard, noncoherent, noncoherentBoard } from "./toy-board.ts";

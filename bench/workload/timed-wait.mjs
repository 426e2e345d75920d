// SPDX-License-Identifier: MIT
import { cpuTime } from "../cpu-time.mjs";
import { xorshift } from "../xorshift.mjs";

const THREADS = 256;
const WAITS = 2_000_000;

export const title = "timed waits: 256 tasks sleep 2,000,000 times, each 1 to 4096 ns";

export const programs = {
  ours: {
    /** After a tenth of it to warm up. */
    run({ Simulation }) {
      sleepers(Simulation, WAITS / 10);
      const { cpu_ms, result } = cpuTime(() => sleepers(Simulation, WAITS));
      return { cpu_ms, ...result };
    },
  },
  SystemC: { peer: "timed-wait", options: { threads: THREADS, waits: WAITS } },
};

const value = ({ cpu_ms, waits }) => (cpu_ms * 1e6) / waits;

export const unit = "ns a wait";
export const rows = [
  { label: "SystemC, SC_THREAD and wait(t)", peers: ["SystemC"], value, compare: "time", floor: 1.2 },
];

/** All woke as often and at the same times, or a sentence that says otherwise. */
export function disagreements({ ours, SystemC: peer }) {
  if (peer === undefined || ours.checksum === peer.checksum) return [];
  return [`ours: checksum ${ours.checksum}; SystemC: ${peer.checksum}`];
}

function sleepers(Simulation, total) {
  const simulation = new Simulation();
  const waits = Math.floor(total / THREADS);
  const checksum = new Float64Array(1);
  function* sleeper(index) {
    const random = xorshift(index + 1);
    for (let i = 0; i < waits; i++) {
      yield 1 + (random() & 4095);
      checksum[0] += simulation.now * (1 + (index & 15));
    }
  }
  for (let i = 0; i < THREADS; i++) simulation.spawn(`sleeper${i}`, sleeper(i));
  simulation.run();
  return { waits: waits * THREADS, checksum: checksum[0] };
}

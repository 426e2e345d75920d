// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { type Process, Simulation, Workqueue } from "../../src/sim.ts";

test("work runs later, in a task, one piece after the other, also when it comes from atomic context", () => {
  const simulation = new Simulation();
  const queue = new Workqueue(simulation, "cleanup");
  const log: string[] = [];
  const work = (name: string, ns: number) =>
    function* (): Process {
      log.push(`${simulation.current?.name} +${name}@${simulation.now}`);
      yield ns;
      log.push(`-${name}@${simulation.now}`);
    };
  simulation
    .timer(() => {
      queue.queue(work("a", 5));
      queue.queue(work("b", 1));
      expect(log).toEqual([]);
    })
    .arm(10);
  simulation.timer(() => queue.queue(work("c", 2))).arm(50);
  expect(simulation.run()).toEqual({ time: 52, blocked: [] });
  expect(log).toEqual(["cleanup +a@10", "-a@15", "cleanup +b@15", "-b@16", "cleanup +c@50", "-c@52"]);
});

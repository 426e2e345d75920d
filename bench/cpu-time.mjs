// SPDX-License-Identifier: MIT

/**
 * Runs `work` and gives its CPU time in milliseconds, user and system, of all threads: the JavaScript engine's compiler
 * and garbage collector are charged too. Wall time would measure the other jobs of the machine as well.
 */
export function cpuTime(work) {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { cpu_ms: (user + system) / 1000, result };
}

// SPDX-License-Identifier: MIT

/** The error with a name in front, so that errors nest outward: task, operation, errno, reason. */
export function named(name: string, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(`${name}: ${String(error)}`, { cause: error });
  error.message = `${name}: ${error.message}`;
  return error;
}

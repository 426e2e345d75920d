// SPDX-License-Identifier: MIT

/**
 * What the kernel would answer: an errno, the operation that answered it, and exactly what was wrong.
 * The message reads `operation: -EINVAL: size 4095 is not a multiple of the page size 4096`.
 */
export class KernelError extends Error {
  override readonly name = "KernelError";
  /** The errno's name without a sign, for example `"EINVAL"`. */
  readonly errno: Errno;
  /** The operation that failed, in the kernel's words, for example `"dma_buf_attach"`. */
  readonly operation: string;
  /** What was wrong, without the operation and the errno. */
  readonly reason: string;

  constructor(errno: Errno, operation: string, reason: string) {
    super(`${operation}: -${errno}: ${reason}`);
    this.errno = errno;
    this.operation = operation;
    this.reason = reason;
  }
}

/** Input a user wrote that cannot be used: where it stands, why, and the nearest valid name where there is one. */
export class InputError extends Error {
  override readonly name = "InputError";
  /** File, document or field the fault is in, for example `pipeline.yaml:4:7`; empty when there is no file. */
  readonly place: string;
  /** What is wrong, without the place. */
  readonly reason: string;

  constructor(place: string, reason: string) {
    super(place === "" ? reason : `${place}: ${reason}`);
    this.place = place;
    this.reason = reason;
  }
}

/** Plugins that do not fit together: a provider missing, given twice, cyclic, or made for another core. */
export class AssemblyError extends Error {
  override readonly name = "AssemblyError";
}

/**
 * The kernel would have stopped here with a BUG: a mistake of the program that runs, so a `TypeError`. It ends the run;
 * an inspected run tells it as a finding.
 */
export class KernelBug extends TypeError {
  override readonly name = "KernelBug";
}

/** The errno names that the modelled functions answer. @see linux/errno.h */
export type Errno =
  | "E2BIG"
  | "EACCES"
  | "EAGAIN"
  | "EALREADY"
  | "EBADF"
  | "EBADFD"
  | "EBUSY"
  | "ECONNRESET"
  | "EDEADLK"
  | "EEXIST"
  | "EFAULT"
  | "EINTR"
  | "EINVAL"
  | "EIO"
  | "EMFILE"
  | "ENODEV"
  | "ENOENT"
  | "ENOMEM"
  | "ENOSPC"
  | "ENOSYS"
  | "ENOTTY"
  | "ENXIO"
  | "EOPNOTSUPP"
  | "EOVERFLOW"
  | "EPERM"
  | "ERANGE"
  | "EREMOTEIO"
  | "ESHUTDOWN"
  | "ETIMEDOUT";

// SPDX-License-Identifier: MIT
import { type CoreServices, KernelError, type Process } from "@dmabuf/core";
import type { Endpoint } from "./endpoint.ts";

/** What TRANSFER takes. @see struct usb_ffs_dmabuf_transfer_req */
export interface TransferRequest {
  /** No flag is defined; default 0. */
  readonly flags?: number;
  /** Bytes, from the first one of the buffer. */
  readonly length: number;
}

/**
 * An open file of an endpoint: the three ioctls on descriptors of dma-bufs, as user space calls them (FF-1). The ioctls
 * that Linux answers with a pointer fault or with "not a dma-buf" cannot be asked for here.
 */
export class EndpointFile {
  readonly endpoint: Endpoint;
  /** Whether it was opened with `O_NONBLOCK`. */
  readonly nonblock: boolean;
  readonly #services: CoreServices;

  /** For `Endpoint.open`. */
  constructor(services: CoreServices, endpoint: Endpoint, nonblock: boolean) {
    this.#services = services;
    this.endpoint = endpoint;
    this.nonblock = nonblock;
  }

  /** Throws `KernelError` EPERM, EBADF, EBUSY, EINTR and what attach and map answer (FF-2). @see FUNCTIONFS_DMABUF_ATTACH */
  attach(fd: number): Process {
    return this.#process("FUNCTIONFS_DMABUF_ATTACH", this.#attach(fd));
  }

  *#attach(fd: number): Process {
    this.endpoint.assertAttachable();
    yield* this.endpoint.attach(this.#services.dmaBuf.fds.get(fd), this.nonblock);
  }

  /** Detaches the newest attachment, whichever file made it. Throws `KernelError` EBADF, EPERM (FF-3). @see FUNCTIONFS_DMABUF_DETACH */
  detach(fd: number): Process {
    return this.#process("FUNCTIONFS_DMABUF_DETACH", this.#detach(fd));
  }

  *#detach(fd: number): Process {
    using buffer = this.#services.dmaBuf.fds.get(fd);
    yield* this.endpoint.detach(this.endpoint.find("FUNCTIONFS_DMABUF_DETACH", buffer));
  }

  /**
   * Queues a transfer of the first `length` bytes and returns when it is queued. Throws `KernelError`, checked in this
   * order (FF-4): EINVAL flags, EBADF, EINVAL length, EPERM not attached, EAGAIN or EINTR not enabled, EBUSY or EINTR
   * lock and fences, ESHUTDOWN. @see FUNCTIONFS_DMABUF_TRANSFER
   */
  transfer(fd: number, request: TransferRequest): Process {
    return this.#process("FUNCTIONFS_DMABUF_TRANSFER", this.#transfer(fd, request));
  }

  *#transfer(fd: number, { flags = 0, length }: TransferRequest): Process {
    if (flags !== 0) throw this.#invalid(`no flag is defined, flags are 0x${flags.toString(16)}`);
    using buffer = this.#services.dmaBuf.fds.get(fd);
    if (!(length > 0 && length <= buffer.size)) {
      throw this.#invalid(`length ${length} is not between 1 and the buffer's ${buffer.size} bytes`);
    }
    const attached = this.endpoint.find("FUNCTIONFS_DMABUF_TRANSFER", buffer);
    const fence = yield* this.endpoint.transfer(attached, { offset: 0, length, nonblock: this.nonblock });
    fence.put();
  }

  /** Closes the file, which detaches every buffer of the endpoint (FF-3). */
  close(): Process {
    return this.endpoint.detachAll();
  }

  #process(name: string, process: Process): Process {
    return this.#services.simulation.process(name, process);
  }

  #invalid(reason: string): KernelError {
    return new KernelError("EINVAL", "FUNCTIONFS_DMABUF_TRANSFER", `${this.endpoint.name}: ${reason}`);
  }
}

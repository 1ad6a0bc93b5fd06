/** What the processes of one host see of the network; every byte that reaches them is summed up. */

import type { Bytes } from "../../../src/base/bytes.ts";
import type { Address } from "../../../src/net/address.ts";
import type { MemoryNetwork } from "../../../src/net/memory.ts";
import type { ByteStream, Dialer, Listener } from "../../../src/net/stream.ts";

/** Told of the bytes that a host has read from another. */
export type OnRead = (from: string, to: string, bytes: Bytes) => void;

/** The connections of one process: what happens to it happens to them. */
export class HostNetwork {
  readonly dialer: Dialer;
  readonly listener: Listener;
  readonly #onRead: OnRead;
  readonly #streams = new Set<ByteStream>();
  #isDead = false;

  constructor(network: MemoryNetwork, address: Address, onRead: OnRead) {
    this.#onRead = onRead;
    const dialer = network.dialerFrom(address.host);
    this.dialer = {
      dial: async (to, options) => this.#watched(await dialer.dial(to, options)),
    };
    const listener = network.listen(address);
    this.listener = {
      address: listener.address,
      accept: async () => {
        const stream = await listener.accept();
        return stream && this.#watched(stream);
      },
      close: () => listener.close(),
    };
  }

  /** Connections that are open on this side. */
  get size(): number {
    return this.#streams.size;
  }

  /** The process is no more: whatever it had open is closed, and nothing that it opens lives. */
  kill(): void {
    this.#isDead = true;
    for (const stream of [...this.#streams]) stream.close();
    this.#streams.clear();
    this.listener.close();
  }

  #watched(stream: ByteStream): ByteStream {
    const { remote, local } = stream;
    this.#streams.add(stream);
    const close = () => {
      this.#streams.delete(stream);
      stream.close();
    };
    if (this.#isDead) close();
    return {
      remote,
      local,
      read: async (buffer) => {
        const count = await stream.read(buffer);
        if (count) this.#onRead(remote.host, local.host, buffer.subarray(0, count));
        return count;
      },
      write: (bytes) => stream.write(bytes),
      closeWrite: () => stream.closeWrite(),
      close,
    };
  }
}

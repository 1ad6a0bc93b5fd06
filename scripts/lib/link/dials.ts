/**
 * Dials until ready: connect, full handshake, session opened on both sides, goodbye.
 *
 * Several identities dial the same node at once, each one dial after another, so that both processes
 * always have work. A round ends when the far node has counted all of its sessions.
 */

import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { listenTcp, tcpDialer } from "../../../src/net/tcp.ts";
import type { Primitives } from "../../../src/noise/primitives.ts";
import type { LocalNode } from "../../../src/node/local_node.ts";
import { Node } from "../../../src/node/node.ts";
import type { NodeEvent } from "../../../src/node/node_events.ts";
import { connect, serve, writeAll } from "./raw.ts";
import { createLocalNode } from "./local.ts";

/**
 * Dials that are under way at once: so many that one process finds work while the other collects its garbage, and
 * fewer than the 64 handshakes that a node takes at once.
 */
const DIALERS = 48;
/** Dials of one round: long beside its beginning and its end, when one process waits for the other. */
export const ROUND_DIALS = 20 * DIALERS;

const HOST = "127.0.0.1";
const DONE = Uint8Array.of(1);

/** Where to dial, and where the far node says that a round's sessions are open. */
export interface DialPorts {
  readonly dial: number;
  readonly tally: number;
}

/** A node that is dialled. */
export interface DialServer {
  readonly ports: DialPorts;
  close(): Promise<void>;
}

/** Listens for sessions, and says on the tally connection when it has opened a round of them. */
export function serveDials(local: LocalNode): DialServer {
  let opened = 0;
  let tally: Deno.TcpConn | undefined;
  const node = createNode(local, (event) => {
    if (event.type !== "session_opened" || ++opened < ROUND_DIALS) return;
    opened = 0;
    if (tally) void writeAll(tally, DONE);
  });
  const listener = listenTcp({ host: HOST, port: 0 });
  node.listen(listener);
  const keep = (connection: Deno.TcpConn) => {
    tally = connection;
    return Promise.resolve();
  };
  const tallies = serve(keep, keep);
  return {
    ports: { dial: listener.address.port, tally: tallies.ports.sink },
    async close() {
      tallies.close();
      tally?.close();
      await node.close();
    },
  };
}

/** The dialling side. */
export class Dialers {
  readonly #nodes: readonly Node[];
  readonly #tally: Deno.TcpConn;
  readonly #port: number;

  private constructor(nodes: readonly Node[], tally: Deno.TcpConn, port: number) {
    this.#nodes = nodes;
    this.#tally = tally;
    this.#port = port;
  }

  static async connect(primitives: Primitives, ports: DialPorts): Promise<Dialers> {
    const nodes = Array.from(
      { length: DIALERS },
      () => createNode(createLocalNode(primitives), () => {}),
    );
    return new Dialers(nodes, await connect(ports.tally), ports.dial);
  }

  /** Makes {@link ROUND_DIALS} dials; resolves when both sides have opened every session. */
  async dialRound(): Promise<void> {
    const dials = this.#nodes.map((node) => this.#dialInTurn(node, ROUND_DIALS / DIALERS));
    await Promise.all(dials);
    const count = await this.#tally.read(new Uint8Array(1));
    if (count !== 1) throw new Error("Cannot count sessions: the far side has gone");
  }

  async close(): Promise<void> {
    this.#tally.close();
    await Promise.all(this.#nodes.map((node) => node.close()));
  }

  async #dialInTurn(node: Node, count: number): Promise<void> {
    const address = { host: HOST, port: this.#port };
    for (let i = 0; i < count; i++) {
      const outcome = await node.dial(address, { approach: "seal" });
      if (outcome.type !== "session") {
        throw new Error(`Cannot dial: ${outcome.type === "failed" ? outcome.code : outcome.type}`);
      }
      node.disconnect(outcome.id, "shutdown");
    }
  }
}

function createNode(local: LocalNode, onEvent: (event: NodeEvent) => void): Node {
  return new Node({ local, dialer: tcpDialer, clock: systemClock, log: silentLog, onEvent });
}

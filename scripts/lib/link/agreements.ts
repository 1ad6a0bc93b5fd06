/**
 * What dials are measured against: the X25519 of one side of a handshake, a key pair and three agreements, in both
 * processes at once and without a connection. Nobody shakes hands faster than this machine agrees on keys.
 */

import type { Bytes } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { Primitives } from "../../../src/noise/primitives.ts";
import { connect, fill, serve, writeAll } from "./raw.ts";

/** Handshakes of one round: some 0.1 s. */
const ROUND_HANDSHAKES = 256;
const AGREEMENTS = 3;
const SIGNAL: Bytes = Uint8Array.of(1);

/** A process that agrees on keys whenever it is told to. */
export interface AgreementServer {
  readonly port: number;
  close(): void;
}

/** Does a round for each byte that it is sent, and sends one back. */
export function serveAgreements(primitives: Primitives): AgreementServer {
  const answer = async (connection: Deno.TcpConn) => {
    const signal = new Uint8Array(1);
    while (await connection.read(signal)) {
      agree(primitives);
      await writeAll(connection, SIGNAL);
    }
    connection.close();
  };
  const { ports, close } = serve(answer, answer);
  return { port: ports.echo, close };
}

/** The near side. */
export class Agreements {
  readonly #primitives: Primitives;
  readonly #connection: Deno.TcpConn;

  private constructor(primitives: Primitives, connection: Deno.TcpConn) {
    this.#primitives = primitives;
    this.#connection = connection;
  }

  static async connect(primitives: Primitives, port: number): Promise<Agreements> {
    return new Agreements(primitives, await connect(port));
  }

  /** Has both processes do a round; returns handshakes a second. */
  async round(): Promise<number> {
    const startedMs = systemClock.now();
    await writeAll(this.#connection, SIGNAL);
    agree(this.#primitives);
    await fill(this.#connection, new Uint8Array(1));
    return ROUND_HANDSHAKES / (systemClock.now() - startedMs) * 1000;
  }

  close(): void {
    this.#connection.close();
  }
}

function agree(primitives: Primitives): void {
  const { publicKey } = primitives.generateDhKeyPair();
  for (let i = 0; i < ROUND_HANDSHAKES; i++) {
    const ephemeral = primitives.generateDhKeyPair();
    for (let j = 0; j < AGREEMENTS; j++) {
      if (!ephemeral.agree(publicKey)) throw new Error("Cannot agree on a secret");
    }
  }
}

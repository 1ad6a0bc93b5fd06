/**
 * The third contender: our own link, from the handshake on. Messages go out through `Link.send`, with
 * its back-pressure, and come in through the conversation's events.
 */

import type { Bytes } from "../../../src/base/bytes.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { MAX_MUX_BODY_BYTES } from "../../../src/channel/mux_frame.ts";
import { listenTcp, tcpDialer } from "../../../src/net/tcp.ts";
import type { ByteStream, Listener } from "../../../src/net/stream.ts";
import type { Approach } from "../../../src/node/conversation_events.ts";
import { Link } from "../../../src/node/link.ts";
import type { LocalNode } from "../../../src/node/local_node.ts";
import {
  type Contender,
  type ContenderPorts,
  ROUND_MESSAGES,
  type Server,
  SMALL_BYTES,
} from "./contender.ts";

const HOST = "127.0.0.1";
const DIAL_TIMEOUT_MS = 3_000;
const DONE: Bytes = Uint8Array.of(1);

/** Listens for one sink and one echo connection after another. */
export function serveSealed(local: LocalNode): Server {
  const sinks = listenTcp({ host: HOST, port: 0 });
  const echoes = listenTcp({ host: HOST, port: 0 });
  void serveLinks(sinks, local, (link) => {
    let received = 0;
    return (body) => {
      received += body.length;
      if (received < ROUND_MESSAGES * MAX_MUX_BODY_BYTES) return;
      received = 0;
      void link().send(DONE);
    };
  });
  void serveLinks(echoes, local, (link) => (body) => void link().send(body));
  return {
    ports: { sink: sinks.address.port, echo: echoes.address.port },
    close() {
      sinks.close();
      echoes.close();
    },
  };
}

/** Connects and seals both lines of our link. */
export async function connectSealed(local: LocalNode, ports: ContenderPorts): Promise<Contender> {
  const pushing = await SealedLine.open(local, ports.sink);
  const echoing = await SealedLine.open(local, ports.echo);
  const large = new Uint8Array(MAX_MUX_BODY_BYTES);
  return {
    roundBytes: ROUND_MESSAGES * MAX_MUX_BODY_BYTES,
    async pushRound() {
      const done = pushing.nextMessage();
      for (let i = 0; i < ROUND_MESSAGES; i++) await pushing.link.send(large);
      await done;
    },
    echo: (count) => measureEcho(echoing, count),
    async close() {
      await Promise.all([pushing.close(), echoing.close()]);
    },
  };
}

/** Each reply sends the next message from within its own event, as a live session does. */
function measureEcho(line: SealedLine, count: number): Promise<Float64Array> {
  const tookUs = new Float64Array(count);
  const small = new Uint8Array(SMALL_BYTES).fill(7);
  let index = 0;
  let startedMs = 0;
  const next = () => {
    startedMs = systemClock.now();
    void line.link.send(small);
  };
  return new Promise((resolve, reject) => {
    line.onMessage = (body) => {
      tookUs[index++] = (systemClock.now() - startedMs) * 1000;
      if (index < count) return next();
      if (body.length === SMALL_BYTES && body[0] === 7) resolve(tookUs);
      else reject(new Error("Cannot trust the sealed echo"));
    };
    next();
  });
}

class SealedLine {
  readonly link: Link;
  onMessage: (body: Bytes) => void = () => {};

  private constructor(link: Link) {
    this.link = link;
  }

  static async open(local: LocalNode, port: number): Promise<SealedLine> {
    const address = { host: HOST, port };
    const stream = await tcpDialer.dial(address, { timeoutMs: DIAL_TIMEOUT_MS });
    const sealed = Promise.withResolvers<void>();
    const line: SealedLine = new SealedLine(
      createLink(stream, local, "seal", {
        onSealed: () => sealed.resolve(),
        onMessage: (body) => line.onMessage(body),
        onClosed: (code) => sealed.reject(new Error(`Cannot seal the link: ${code}`)),
      }),
    );
    line.link.start();
    await sealed.promise;
    return line;
  }

  nextMessage(): Promise<Bytes> {
    return new Promise((resolve) => this.onMessage = resolve);
  }

  close(): Promise<void> {
    this.link.close("shutdown");
    return this.link.ended;
  }
}

async function serveLinks(
  listener: Listener,
  local: LocalNode,
  onLink: (link: () => Link) => (body: Bytes) => void,
): Promise<void> {
  for (let stream = await listener.accept(); stream; stream = await listener.accept()) {
    const onMessage = onLink(() => link);
    const link: Link = createLink(stream, local, undefined, {
      onSealed: () => {},
      onMessage,
      onClosed: () => {},
    });
    link.start();
  }
}

function createLink(
  stream: ByteStream,
  local: LocalNode,
  approach: Approach | undefined,
  events: {
    readonly onSealed: () => void;
    readonly onMessage: (body: Bytes) => void;
    readonly onClosed: (code: string) => void;
  },
): Link {
  return new Link({
    stream,
    clock: systemClock,
    onFault: (error) => console.error(error),
    conversation: { local, approach },
    events: { ...events, onDiscovered: () => {}, onIncoming: () => {}, onRefused: () => {} },
  });
}

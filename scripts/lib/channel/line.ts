/**
 * A sealed link with its channel, as the channel benchmark uses it: no node around it, so that what is
 * measured is the channel.
 */

import { systemClock } from "../../../src/base/clock.ts";
import { Timetable } from "../../../src/base/timetable.ts";
import type { Mux } from "../../../src/channel/mux.ts";
import { Requester } from "../../../src/channel/requests.ts";
import { type RequestHandler, Responder } from "../../../src/channel/responder.ts";
import { listenTcp, tcpDialer } from "../../../src/net/tcp.ts";
import type { ByteStream } from "../../../src/net/stream.ts";
import { Link } from "../../../src/node/link.ts";
import type { LocalNode } from "../../../src/node/local_node.ts";

const HOST = "127.0.0.1";
const DIAL_TIMEOUT_MS = 3_000;

/** The near end of a session. */
export interface ChannelLine {
  readonly mux: Mux;
  readonly requester: Requester;
  close(): Promise<void>;
}

/** Dials `port` and resolves with the open session. */
export async function openLine(local: LocalNode, port: number): Promise<ChannelLine> {
  const stream = await tcpDialer.dial({ host: HOST, port }, { timeoutMs: DIAL_TIMEOUT_MS });
  const sealed = Promise.withResolvers<Mux>();
  const link = new Link({
    stream,
    clock: systemClock,
    onFault: (error) => console.error(error),
    conversation: { local, approach: "seal" },
    events: {
      ...NO_EVENTS,
      onSealed: (_peer, mux) => sealed.resolve(mux),
      onClosed: (code) => sealed.reject(new Error(`Cannot seal the link: ${code}`)),
    },
  });
  link.start();
  const mux = await sealed.promise;
  const timetable = new Timetable(systemClock);
  return {
    mux,
    requester: new Requester(mux, timetable),
    async close() {
      timetable.clear();
      link.close("shutdown");
      await link.ended;
    },
  };
}

/** The far end: hands every session to `onSession`, whose result is told of streams that come. */
export function serveLines(
  local: LocalNode,
  onSession: (mux: Mux) => () => void,
): { readonly port: number; close(): void } {
  const listener = listenTcp({ host: HOST, port: 0 });
  const accept = async () => {
    for (let stream = await listener.accept(); stream; stream = await listener.accept()) {
      serveLine(local, stream, onSession);
    }
  };
  void accept();
  return { port: listener.address.port, close: () => listener.close() };
}

/** A responder over `mux`. */
export function respondWith(
  mux: Mux,
  handlerOf: (type: string) => RequestHandler | undefined,
): () => void {
  const responder = new Responder({
    mux,
    handlerOf,
    maxActive: 128,
    timetable: new Timetable(systemClock),
    onFault: (error) => console.error(error),
  });
  return () => responder.serve();
}

function serveLine(
  local: LocalNode,
  stream: ByteStream,
  onSession: (mux: Mux) => () => void,
): void {
  let onIncoming = () => {};
  const link = new Link({
    stream,
    clock: systemClock,
    onFault: (error) => console.error(error),
    conversation: { local },
    events: {
      ...NO_EVENTS,
      onSealed: (_peer, mux) => {
        onIncoming = onSession(mux);
      },
      onIncoming: () => onIncoming(),
    },
  });
  link.start();
}

const NO_EVENTS = Object.freeze({
  onDiscovered: () => {},
  onSealed: () => {},
  onMessage: () => {},
  onIncoming: () => {},
  onRefused: () => {},
  onClosed: () => {},
});

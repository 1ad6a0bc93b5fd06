/**
 * What an idle session and an idle stream cost in memory, measured in a process of its own.
 */

import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { tcpDialer } from "../../../src/net/tcp.ts";
import { Node } from "../../../src/node/node.ts";
import type { Primitives } from "../../../src/noise/primitives.ts";
import { createLocalNode } from "../link/local.ts";
import { LineProcess } from "../line_process.ts";
import { openLine } from "./line.ts";
import type { MemoryFigures, MemoryPorts } from "./memory_far.ts";

/** Bytes for each. */
export interface MemoryCosts {
  readonly session: MemoryFigures;
  readonly stream: MemoryFigures;
}

const SESSIONS = 256;
const STREAM_SESSIONS = 8;
/** Unaccepted streams are capped; these come in waves below the cap. */
const WAVE = 32;
const WAVES = 6;

/** Opens sessions and streams in a fresh process and divides what they cost it. */
export async function measureMemory(primitives: Primitives): Promise<MemoryCosts> {
  const far = LineProcess.start(`${import.meta.dirname}/memory_far.ts`, {
    v8Flags: "--expose-gc",
  });
  const closers: (() => Promise<void>)[] = [];
  try {
    const ports: MemoryPorts = JSON.parse(await far.line());
    const measure = async (): Promise<MemoryFigures> => JSON.parse(await far.ask("measure"));
    closers.push(await openSessions(primitives, ports.sessions, 8));
    const before = await measure();
    closers.push(await openSessions(primitives, ports.sessions, SESSIONS));
    const session = costOf(before, await measure(), SESSIONS);
    const lines = await Promise.all(
      Array.from(
        { length: STREAM_SESSIONS },
        () => openLine(createLocalNode(primitives), ports.streams),
      ),
    );
    closers.push(...lines.map((line) => () => line.close()));
    const between = await measure();
    for (let wave = 0; wave < WAVES; wave++) {
      for (const { mux } of lines) for (let i = 0; i < WAVE; i++) mux.open();
      await measure();
    }
    const stream = costOf(between, await measure(), STREAM_SESSIONS * WAVE * WAVES);
    return { session, stream };
  } finally {
    await Promise.all(closers.map((close) => close()));
    await far.close();
  }
}

async function openSessions(
  primitives: Primitives,
  port: number,
  count: number,
): Promise<() => Promise<void>> {
  const nodes = Array.from({ length: count }, () =>
    new Node({
      local: createLocalNode(primitives),
      dialer: tcpDialer,
      clock: systemClock,
      log: silentLog,
      onEvent: () => {},
    }));
  for (const node of nodes) {
    const outcome = await node.dial({ host: "127.0.0.1", port }, { approach: "seal" });
    if (outcome.type !== "session") throw new Error("Cannot measure memory: a dial failed");
  }
  return async () => {
    await Promise.all(nodes.map((node) => node.close()));
  };
}

function costOf(before: MemoryFigures, after: MemoryFigures, count: number): MemoryFigures {
  return {
    heap: Math.max(0, (after.heap - before.heap) / count),
    external: Math.max(0, (after.external - before.external) / count),
  };
}

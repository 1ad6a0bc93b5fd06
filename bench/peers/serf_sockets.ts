/**
 * What each process of a village has sent and received over its TCP connections, as the kernel counts it:
 * application bytes, without headers.
 */

import { run } from "../../scripts/lib/lan/process.ts";

export interface SocketBytes {
  readonly sent: number;
  readonly received: number;
}

/** By process id, over all open connections of which one end is a port of `first` to `last`. */
export async function readSockets(
  namespace: string,
  { first, last }: { readonly first: number; readonly last: number },
): Promise<ReadonlyMap<number, SocketBytes>> {
  const sums = new Map<number, SocketBytes>();
  const isPeerPort = (port: number) => port >= first && port <= last;
  for (const line of (await run(namespace, SS)).split("\n")) {
    const [, ours = NaN, theirs = NaN] = line.match(ENDS)?.map(Number) ?? [];
    if (!isPeerPort(ours) && !isPeerPort(theirs)) continue;
    const pid = numberAfter(line, "pid=");
    const { sent, received } = sums.get(pid) ?? { sent: 0, received: 0 };
    sums.set(pid, {
      sent: sent + numberAfter(line, "bytes_sent:"),
      received: received + numberAfter(line, "bytes_received:"),
    });
  }
  return sums;
}

/** Established TCP, numeric, a line each, with the process and the kernel's counters. */
const SS = ["ss", "-H", "-t", "-n", "-O", "-p", "-i"];
/** Queues, then HOST:PORT of both ends. */
const ENDS = /^\S+\s+\d+\s+\d+\s+\S+:(\d+)\s+\S+:(\d+)\s/;

/** The kernel leaves out a counter that is zero. */
function numberAfter(line: string, label: string): number {
  const start = line.indexOf(label);
  return start < 0 ? 0 : Number.parseInt(line.slice(start + label.length), 10);
}

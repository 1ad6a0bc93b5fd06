/**
 * Whether multicast works while no agent listens: a question is sent on every interface, and it, or anything else,
 * must be heard. (An agent that runs knows it already.)
 */

import type { MdnsState } from "../../agent/mdns.ts";
import { type Clock, pause } from "../../base/clock.ts";
import { message, SERVICE_TYPE } from "../../discovery/dns_sd.ts";
import {
  MulticastError,
  multicastInterfaces,
  type MulticastSocket,
  openMulticast,
} from "../../net/multicast.ts";

export interface MulticastTrial {
  readonly state: MdnsState;
  readonly reason: string | null;
}

/** Our own packets come back at once. */
const HEAR_MS = 1_500;
const MAX_INTERFACES = 8;

export async function tryMulticast(clock: Clock): Promise<MulticastTrial> {
  const interfaces = multicastInterfaces().slice(0, MAX_INTERFACES);
  if (interfaces.length === 0) {
    return { state: "off", reason: "no network interface has an IPv4 address" };
  }
  const heard = new AbortController();
  const sockets: MulticastSocket[] = [];
  const failures: string[] = [];
  for (const on of interfaces) {
    try {
      const socket = await openMulticast(on, {
        onMessage: () => heard.abort(),
        onMalformed: () => {},
        onError: () => {},
      });
      sockets.push(socket);
      const questions = [{ name: SERVICE_TYPE, type: "PTR", wantsUnicast: false }] as const;
      await socket.send(message("query", { questions }));
    } catch (error) {
      if (!(error instanceof MulticastError)) throw error;
      failures.push(error.message);
    }
  }
  if (sockets.length > 0) await pause(clock, HEAR_MS, heard.signal);
  await Promise.all(sockets.map((socket) => socket.close()));
  if (heard.signal.aborted) return { state: "on", reason: null };
  const names = interfaces.map(({ name }) => name).join(", ");
  return {
    state: "blocked",
    reason: failures[0] ?? `nothing comes back on ${names}: a firewall may drop UDP port 5353`,
  };
}

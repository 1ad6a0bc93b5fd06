/**
 * What a village sends, counted by nftables in its network namespace.
 *
 * Everything there goes over the loopback interface and is counted once, as it is sent. UDP counts whatever
 * its ports, TCP where one end is an agent's port: what is asked of agents on other ports is not theirs.
 */

import { systemClock } from "../../src/base/clock.ts";
import { isObject } from "../../src/base/guards.ts";
import { run } from "../../scripts/lib/lan/process.ts";

/** What was sent since the counters were set, or between two readings of them. */
export interface Traffic {
  readonly ms: number;
  /** IP packets. */
  readonly packets: number;
  /** With their IP headers. */
  readonly bytes: number;
  /** Packets that carry something: one or more application messages of UDP, one or more writes of TCP. */
  readonly messages: number;
  /** What they carry, without IP, UDP and TCP headers. */
  readonly payloadBytes: number;
}

const TABLE = "village";
const UDP = "udp_sent";
const TCP = "tcp_sent";
const IPV4_HEADER = 20;
const UDP_HEADER = 8;
/** Lengths of a TCP header in 32-bit words, RFC 9293 section 3.1. */
const TCP_HEADER_WORDS = Array.from({ length: 11 }, (_, i) => 5 + i);
const TCP_OFFSET_BITS = "@th,96,4";

/** Sets up the counters for agents on ports `first` to `last`. */
export async function installMeter(
  namespace: string,
  { first, last }: { readonly first: number; readonly last: number },
): Promise<void> {
  const counters = [UDP, TCP, ...TCP_HEADER_WORDS.map(dataCounter)];
  const rules = TCP_HEADER_WORDS.map((words) =>
    `${TCP_OFFSET_BITS} ${words} meta length > ${tcpHeaders(words)} counter name ${
      dataCounter(words)
    }`
  );
  const input = `table inet ${TABLE} {
    ${counters.map((name) => `counter ${name} { }`).join("\n")}
    chain sent {
      type filter hook output priority 0;
      meta l4proto udp counter name ${UDP}
      meta l4proto != tcp accept
      tcp sport != ${first}-${last} tcp dport != ${first}-${last} accept
      counter name ${TCP}
      ${rules.join("\n")}
    }
  }\n`;
  await run(namespace, ["nft", "-f", "-"], { input });
}

/** What was sent since the counters were set up. */
export async function readMeter(namespace: string): Promise<Traffic> {
  const text = await run(namespace, ["nft", "-j", "list", "counters", "table", "inet", TABLE]);
  const ms = systemClock.now();
  const counters = readCounters(JSON.parse(text));
  const get = (name: string) => counters.get(name) ?? { packets: 0, bytes: 0 };
  const udp = get(UDP);
  const tcp = get(TCP);
  let messages = udp.packets;
  let payloadBytes = udp.bytes - udp.packets * (IPV4_HEADER + UDP_HEADER);
  for (const words of TCP_HEADER_WORDS) {
    const data = get(dataCounter(words));
    messages += data.packets;
    payloadBytes += data.bytes - data.packets * tcpHeaders(words);
  }
  return {
    ms,
    packets: udp.packets + tcp.packets,
    bytes: udp.bytes + tcp.bytes,
    messages,
    payloadBytes,
  };
}

/** What was sent between two readings. */
export function trafficBetween(before: Traffic, after: Traffic): Traffic {
  return {
    ms: after.ms - before.ms,
    packets: after.packets - before.packets,
    bytes: after.bytes - before.bytes,
    messages: after.messages - before.messages,
    payloadBytes: after.payloadBytes - before.payloadBytes,
  };
}

function dataCounter(words: number): string {
  return `tcp_data_${words}`;
}

function tcpHeaders(words: number): number {
  return IPV4_HEADER + 4 * words;
}

/** nft's list, libnftables-json(5). */
function readCounters(list: unknown): Map<string, { packets: number; bytes: number }> {
  const counters = new Map<string, { packets: number; bytes: number }>();
  const entries = isObject(list) && Array.isArray(list["nftables"]) ? list["nftables"] : [];
  for (const entry of entries) {
    const counter: unknown = isObject(entry) ? entry["counter"] : undefined;
    if (!isObject(counter)) continue;
    const { name, packets, bytes } = counter;
    counters.set(String(name), { packets: Number(packets), bytes: Number(bytes) });
  }
  return counters;
}

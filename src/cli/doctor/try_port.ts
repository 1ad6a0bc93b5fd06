/**
 * Tries ports and addresses: whether one could be served, whether one is reached, whether one answers old nodes.
 */

import { type Clock, pause } from "../../base/clock.ts";
import { isObject } from "../../base/guards.ts";
import {
  encodeLegacyFrame,
  HEADER_BYTES,
  lengthOf,
  MAX_FRAME_BYTES,
  parseObject,
  readExactly,
} from "../../demo/legacy_wire.ts";
import { type Address, formatAddress } from "../../net/address.ts";
import { NetError } from "../../net/stream.ts";
import { listenTcp, tcpDialer } from "../../net/tcp.ts";
import type { LegacyTrial, PortTrial, ReachTrial } from "./judge_agent.ts";

const REACH_MS = 2_000;
/** The old client's own: 2 s for each read. */
const LEGACY_MS = 4_000;

/** Whether each of `ports` could be served on `host` now. */
export function tryPorts(host: string, ports: readonly number[]): readonly PortTrial[] {
  return ports.map((port) => {
    try {
      listenTcp({ host, port }).close();
      return { port, code: undefined };
    } catch (error) {
      if (error instanceof NetError) return { port, code: error.code };
      throw error;
    }
  });
}

/** Whether a connection to `address` comes about from this machine. */
export async function tryReach(address: Address): Promise<ReachTrial> {
  try {
    (await tcpDialer.dial(address, { timeoutMs: REACH_MS })).close();
    return { address: formatAddress(address), code: undefined };
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    return { address: formatAddress(address), code: error.code };
  }
}

/**
 * Asks at `address` in the words of an old node, in a frame that shares no code with the agent's. It says no name,
 * so that nobody is registered for it.
 */
export async function tryLegacy(address: Address, clock: Clock): Promise<LegacyTrial> {
  const end = new AbortController();
  try {
    return await Promise.race([
      askLegacy(address, clock, end.signal),
      pause(clock, LEGACY_MS, end.signal).then(() => failed("timeout")),
    ]);
  } finally {
    end.abort();
  }
}

async function askLegacy(
  { host, port }: Address,
  clock: Clock,
  signal: AbortSignal,
): Promise<LegacyTrial> {
  let connection: Deno.TcpConn;
  try {
    connection = await Deno.connect({ hostname: host, port, signal });
  } catch (error) {
    return failed(error instanceof Deno.errors.ConnectionRefused ? "refused" : "unreachable");
  }
  const close = () => connection.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    const request = { type: "PEER_DISCOVERY", timestamp: clock.wallMs() / 1000, capabilities: {} };
    await connection.write(encodeLegacyFrame(request));
    const header = await readExactly(connection, HEADER_BYTES);
    if (!header) return failed("hung_up");
    const length = lengthOf(header);
    if (length > MAX_FRAME_BYTES) return failed("not_hamlet");
    const body = await readExactly(connection, length);
    return body ? judgeReply(parseObject(body)) : failed("hung_up");
  } catch {
    // Reset by the other side, or closed by us when the time was up.
    return failed("hung_up");
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) close();
  }
}

function judgeReply(reply: Readonly<Record<string, unknown>> | undefined): LegacyTrial {
  const id = reply?.["node_id"];
  if (reply?.["type"] === "PEER_DISCOVERY_RESPONSE" && typeof id === "string") {
    return { kind: "answered", id: id.slice(0, 128) };
  }
  const data = isObject(reply?.["data"]) ? reply["data"] : reply;
  const code = data?.["code"] ?? data?.["error"];
  if (reply?.["type"] === "ERROR" && typeof code === "string") {
    return { kind: "refused", code: code.slice(0, 64) };
  }
  return failed("not_hamlet");
}

function failed(code: string): LegacyTrial {
  return { kind: "failed", code };
}

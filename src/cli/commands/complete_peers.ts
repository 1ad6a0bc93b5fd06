/**
 * `hamlet complete-peers`: what shells offer for PEER and NODE. Says nothing at all where no agent answers at once.
 */

import { deadline } from "@std/async";
import { ControlClient } from "../../control/client.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { EXIT } from "../usage_error.ts";

/** Longer than that, nobody waits for a completion. */
const PATIENCE_MS = 1_000;
const MAX_PEERS = 1_000;

export async function run({ flags, write }: CommandContext): Promise<number> {
  try {
    write(await deadline(list(readStateDir(flags, systemSurroundings())), PATIENCE_MS));
  } catch {
    // A completion that complains would be in the middle of what somebody types.
  }
  return EXIT.ok;
}

async function list(stateDir: string): Promise<string> {
  const client = await ControlClient.open(stateDir);
  const [peers, { members }] = await Promise.all([client.peers(), client.members()]);
  const own = members.find(({ this_device }) => this_device)?.node_id;
  const known = new Map([...peers, ...members].map((each) => [each.node_id, each]));
  return peerLines([...known.values()].filter(({ node_id }) => node_id !== own));
}

/** A line each: the short id, a tab, the name. Names are other people's: only harmless characters are left. */
export function peerLines(
  peers: readonly { readonly short_id: string; readonly name: string | null }[],
): string {
  return peers.slice(0, MAX_PEERS).map(({ short_id, name }) => {
    const harmless = (name ?? "").replaceAll(/[^\p{L}\p{N} ._-]/gu, "").trim();
    return `${short_id.replaceAll(/[^a-z2-7]/g, "")}\t${harmless}\n`;
  }).join("");
}

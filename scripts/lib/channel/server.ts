/**
 * The far process of the channel benchmark: serves raw TCP, the bare sealed link and the channel, prints
 * their ports as one line of JSON, and exits when its standard input ends.
 */

import { chooseBackend } from "../../../src/noise/backend.ts";
import type { ContenderPorts } from "../link/contender.ts";
import { createLocalNode } from "../link/local.ts";
import { serveRaw } from "../link/raw.ts";
import { serveSealed } from "../link/sealed.ts";
import { type ChannelPorts, serveChannel } from "./far.ts";

/** What the far process prints. */
export interface ServerPorts {
  readonly raw: ContenderPorts;
  readonly sealed: ContenderPorts;
  readonly channel: ChannelPorts;
}

if (import.meta.main) {
  const { primitives } = chooseBackend();
  const ports: ServerPorts = {
    raw: serveRaw().ports,
    sealed: serveSealed(createLocalNode(primitives)).ports,
    channel: serveChannel(createLocalNode(primitives)),
  };
  console.log(JSON.stringify(ports));
  await Deno.stdin.read(new Uint8Array(1));
  Deno.exit(0);
}

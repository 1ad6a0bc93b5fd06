/**
 * The far process of the link benchmark: serves all contenders, prints its ports as one line of JSON,
 * and exits when its standard input ends, that is, when the near process is gone.
 */

import { chooseBackend } from "../../../src/noise/backend.ts";
import { serveAgreements } from "./agreements.ts";
import type { ContenderPorts } from "./contender.ts";
import { type DialPorts, serveDials } from "./dials.ts";
import { createLocalNode } from "./local.ts";
import { serveLoop } from "./loop.ts";
import { serveRaw } from "./raw.ts";
import { serveSealed } from "./sealed.ts";

/** What the far process prints. */
export interface ServerPorts {
  readonly raw: ContenderPorts;
  readonly loop: ContenderPorts;
  readonly sealed: ContenderPorts;
  readonly dials: DialPorts;
  readonly agreements: number;
}

if (import.meta.main) {
  const { primitives } = chooseBackend();
  const raw = serveRaw();
  const loop = serveLoop();
  const sealed = serveSealed(createLocalNode(primitives));
  const dials = serveDials(createLocalNode(primitives));
  const agreements = serveAgreements(primitives);
  const ports: ServerPorts = {
    raw: raw.ports,
    loop: loop.ports,
    sealed: sealed.ports,
    dials: dials.ports,
    agreements: agreements.port,
  };
  console.log(JSON.stringify(ports));
  await Deno.stdin.read(new Uint8Array(1));
  Deno.exit(0);
}

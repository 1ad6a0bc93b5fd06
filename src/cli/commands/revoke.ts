/** `hamlet revoke` */

import { ControlClient } from "../../control/client.ts";
import type { RevokeView } from "../../control/network_views.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { EXIT } from "../usage_error.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const revoked = await client.revoke(flags.positional[0] ?? "");
  write(flags.has("json") ? JSON.stringify(revoked, null, 2) + "\n" : renderRevoked(revoked));
  return EXIT.ok;
}

export function renderRevoked({ short_id, name, kept }: RevokeView): string {
  const who = name ? `${name} (${short_id})` : short_id;
  const lines = [`Removed ${who}. Members that are offline learn of it when they come back.`];
  if (kept.length > 0) {
    const names = kept.map((each) => `${each.name} (${each.short_id})`).join(", ");
    lines.push(`It had let these in, who stay: ${names}. Remove those you do not know.`);
  }
  return lines.join("\n") + "\n";
}

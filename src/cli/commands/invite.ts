/** `hamlet invite` */

import { ControlClient } from "../../control/client.ts";
import type { InviteView } from "../../control/network_views.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { renderQrCode } from "../qr_code.ts";
import { formatSpan, parseDuration } from "../quantities.ts";
import { EXIT } from "../usage_error.ts";

const DEFAULT_EXPIRES = "15m";
const BOUNDS = Object.freeze({ min: 10, max: 7 * 86_400 });

export async function run({ flags, write }: CommandContext): Promise<number> {
  const expiresS = parseDuration("--expires", flags.text("expires") ?? DEFAULT_EXPIRES, BOUNDS);
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const invitation = await client.invite({ admin: flags.has("admin"), expires_s: expiresS });
  if (flags.has("json")) write(JSON.stringify(invitation, null, 2) + "\n");
  else write(renderInvitation(invitation, expiresS, { hasColours: Deno.stdout.isTerminal() }));
  return EXIT.ok;
}

/** The command to type, what it does, and last the QR code, which must be on the screen as a whole. */
export function renderInvitation(
  { token, role, network }: InviteView,
  expiresS: number,
  options: { readonly hasColours: boolean },
): string {
  const who = role === "admin" ? "one device, as an admin," : "one device";
  return [
    `On the other device, within ${formatSpan(expiresS)}:`,
    "",
    `  hamlet join ${token}`,
    "",
    `It lets ${who} into ${network}, once.`,
    "Keep this agent running until then.",
    "",
    renderQrCode(token, options),
  ].join("\n");
}

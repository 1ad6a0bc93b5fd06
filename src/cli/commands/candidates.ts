/** `hamlet candidates` */

import { ControlClient } from "../../control/client.ts";
import type { CandidatesView } from "../../control/views.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { cell, renderTable } from "../table.ts";
import { UNFIT_REASONS } from "../unfit_reasons.ts";
import { EXIT } from "../usage_error.ts";
import { showText } from "../watch.ts";

const COLUMNS = [
  { heading: "#", isNumber: true },
  { heading: "PEER" },
  { heading: "PRIORITY", isNumber: true },
  { heading: "CAPACITY", isNumber: true },
  { heading: "LOAD", isNumber: true },
  { heading: "CORES", isNumber: true },
  { heading: "RAM GB", isNumber: true },
  { heading: "TIER" },
];

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  await showText(flags.has("watch"), async () => {
    const view = await client.candidates();
    return flags.has("json") ? JSON.stringify(view, null, 2) + "\n" : renderCandidates(view);
  }, write);
  return EXIT.ok;
}

/** The candidates in order, then who is left out and why. */
export function renderCandidates({ candidates, left_out }: CandidatesView): string {
  const rows = candidates.map(({ short_id, priority, capabilities }, index) => [
    String(index + 1),
    short_id,
    priority.toFixed(3),
    cell(capabilities["evolution_capacity"]),
    cell(capabilities["current_evolution_load"]),
    cell(capabilities["cpu_cores"]),
    (Number(capabilities["ram_mb"]) / 1024).toFixed(1),
    cell(capabilities["performance_tier"]),
  ]);
  const table = rows.length > 0
    ? renderTable(COLUMNS, rows)
    : "No peer is fit for evolution now.\n";
  const rest = left_out.map(({ short_id, reason }) =>
    `  ${short_id}  ${reason}: ${UNFIT_REASONS[reason] ?? reason}\n`
  );
  return table + (rest.length > 0 ? `\nLeft out:\n${rest.join("")}` : "");
}

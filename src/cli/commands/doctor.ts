/** `hamlet doctor` */

import { scheduleEvery, systemClock } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { isPrintable } from "../../base/guards.ts";
import { ControlClientError } from "../../control/client.ts";
import { MAX_QUERY_LENGTH } from "../../control/diagnosis.ts";
import { chooseBackend } from "../../noise/backend.ts";
import { runSystemCommand, ServiceError } from "../../service/service_manager.ts";
import type { ServiceState } from "../../service/service_state.ts";
import type { CommandContext } from "../commands.ts";
import { DEFAULT_PORTS, readStateDir, readUpConfig, systemSurroundings } from "../config.ts";
import { readSurroundings } from "../config/surroundings.ts";
import { examine, type ExamineOptions, findGround, type Ground } from "../doctor/examine.ts";
import { type Finding, isBroken, renderFinding, summarize } from "../doctor/finding.ts";
import { isClockWrong } from "../doctor/judge_device.ts";
import type { ConfigFacts } from "../doctor/judge_state.ts";
import { diagnoseAlone } from "../doctor/peer_probe.ts";
import { judgePeer, type PeerReason } from "../doctor/peer_reason.ts";
import { findService } from "../service_managers.ts";
import { EXIT, UsageError } from "../usage_error.ts";

/** Whoever waits longer wants to know for what. */
const PATIENCE_MS = 1_000;

export async function run(context: CommandContext): Promise<number> {
  const { flags, write } = context;
  const isJson = flags.has("json");
  const [peer] = flags.positional;
  if (peer !== undefined && !isName(peer)) {
    throw new UsageError(
      "PEER takes a name, a node id or HOST:PORT, e.g. hamlet doctor kitchen-pi",
    );
  }
  const options = await optionsOf(context);
  const ground = await waiting("asking the agent", findGround(options));
  if (peer !== undefined) {
    const reason = await waiting(`asking about ${peer}`, examinePeer(peer, options, ground));
    write(isJson ? printJson({ peer, ...reason }) : renderReason(peer, reason));
    return reason.verdict === "broken" ? EXIT.failed : EXIT.ok;
  }
  const findings: Finding[] = [];
  for (const { check, finding } of examine(options, ground)) {
    const found = await waiting(`looking at ${check}`, finding);
    findings.push(found);
    if (!isJson) write(renderFinding(found));
  }
  const broken = isBroken(findings);
  write(
    isJson
      ? printJson({ ok: !broken, state_dir: options.stateDir, checks: findings })
      : `\n${summarize(findings)}\n`,
  );
  return broken ? EXIT.failed : EXIT.ok;
}

function isName(text: string): boolean {
  return text.trim() !== "" && text.length <= MAX_QUERY_LENGTH && isPrintable(text);
}

async function examinePeer(
  peer: string,
  { backend }: ExamineOptions,
  { belongings, client, clock, agent }: Ground,
): Promise<PeerReason & { readonly node_id: string | null; readonly name: string | null }> {
  if (agent.kind === "unresponsive" && agent.isAlive) {
    // To dial under its identity would take its sessions away.
    throw new ControlClientError(
      "unresponsive",
      `Cannot ask about a peer: the agent, process ${agent.pid}, does not answer; see: hamlet doctor`,
    );
  }
  const { primitives } = backend;
  const view = client
    ? await client.diagnose(peer)
    : await diagnoseAlone(peer, { belongings, primitives, clock: systemClock });
  const setting = { isClockWrong: isClockWrong(clock), hasAgent: client !== undefined };
  return { ...judgePeer(view, setting), node_id: view.node_id, name: view.name };
}

function renderReason(peer: string, { code, verdict, text, next, name, node_id }:
  & PeerReason
  & { readonly name: string | null; readonly node_id: string | null }): string {
  const who = [name, node_id?.slice(0, 8)].filter((each) => each && each !== peer).join(", ");
  const about = who ? `${peer} (${who})` : peer;
  return renderFinding({
    check: "peer",
    verdict,
    text: `${about}: ${code}: ${text}`,
    ...(next === undefined ? {} : { next }),
  });
}

/** Also where the settings are wrong: the rest can be looked at all the same. */
async function optionsOf({ flags }: CommandContext): Promise<ExamineOptions> {
  const stateDir = readStateDir(flags, systemSurroundings());
  const backend = chooseBackend();
  const common = { stateDir, backend, run: runSystemCommand, service: askService };
  try {
    const surroundings = await readSurroundings(flags);
    const { listenHost, ports } = readUpConfig(flags, surroundings);
    const { file, warnings = [] } = surroundings;
    const source = file?.path ?? "variables and defaults, no hamlet.json";
    const config: ConfigFacts = { kind: "valid", source, warnings };
    return { ...common, listenHost, ports, config };
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof CodedError)) throw error;
    const config: ConfigFacts = { kind: "invalid", reason: error.message };
    return { ...common, listenHost: "0.0.0.0", ports: DEFAULT_PORTS, config };
  }
}

async function askService(): Promise<ServiceState | undefined> {
  try {
    return await findService();
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}

/** On a terminal, says what is waited for once that takes a while. */
async function waiting<T>(what: string, promise: Promise<T>): Promise<T> {
  if (!Deno.stderr.isTerminal()) return await promise;
  const encoder = new TextEncoder();
  let isShown = false;
  const timer = scheduleEvery(systemClock, PATIENCE_MS, () => {
    if (!isShown) Deno.stderr.writeSync(encoder.encode(`${what} \u2026`));
    isShown = true;
  });
  try {
    return await promise;
  } finally {
    timer.cancel();
    if (isShown) Deno.stderr.writeSync(encoder.encode("\r\x1b[K"));
  }
}

function printJson(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}

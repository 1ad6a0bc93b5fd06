/**
 * Whether the agent runs and can be reached: its process, its port, its addresses, the old nodes' way in, multicast.
 * Pure.
 */

import type { MdnsState } from "../../agent/mdns.ts";
import type { LegacyPolicy } from "../../discovery/responder.ts";
import type { ServiceState } from "../../service/service_state.ts";
import { formatDuration } from "../quantities.ts";
import type { Finding } from "./finding.ts";

/** What is known of the agent of a state directory. */
export type AgentFacts =
  | {
    readonly kind: "running";
    readonly pid: number;
    readonly uptimeS: number;
    readonly health: number;
  }
  /** There is a note of one, and it does not answer. */
  | { readonly kind: "unresponsive"; readonly pid: number; readonly isAlive: boolean }
  | { readonly kind: "none" };

/** A port, and whether it could be served. */
export interface PortTrial {
  readonly port: number;
  /** `undefined` when it is free, otherwise the code of `NetError`. */
  readonly code: string | undefined;
}

/** One of the agent's own addresses, and what a dial of it brought. */
export interface ReachTrial {
  readonly address: string;
  /** `undefined` when it was reached, otherwise the code of `NetError`. */
  readonly code: string | undefined;
}

/** What came of a question in the way of the old nodes. */
export type LegacyTrial =
  | { readonly kind: "answered"; readonly id: string }
  /** An ERROR that the agent sent. */
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "failed"; readonly code: string };

/** An agent that has just started doubts itself until it has heard others. */
const SETTLED_S = 60;

export function judgeAgent(facts: AgentFacts): Finding {
  const check = { check: "agent", facts };
  switch (facts.kind) {
    case "running": {
      const text = `runs as process ${facts.pid} for ${formatDuration(facts.uptimeS)}`;
      return facts.health > 0 && facts.uptimeS >= SETTLED_S
        ? {
          ...check,
          verdict: "warn",
          text: `${text}, and is late with its answers (health multiplier ${facts.health})`,
          next: "the machine is busy, or its network bad: top, ping",
        }
        : { ...check, verdict: "ok", text };
    }
    case "unresponsive":
      return facts.isAlive
        ? {
          ...check,
          verdict: "broken",
          text: `process ${facts.pid} does not answer`,
          next: `stop it: kill ${facts.pid}; then: hamlet up`,
        }
        : {
          ...check,
          verdict: "warn",
          text: "not running; it ended without cleaning up, by a crash or a power cut",
          next: "start it: hamlet up",
        };
    case "none":
      return { ...check, verdict: "unknown", text: "not running", next: "start it: hamlet up" };
  }
}

/** The ports that `hamlet up` would try, when no agent runs. */
export function judgePorts(trials: readonly PortTrial[], isChosen: boolean): Finding {
  const check = { check: "port", facts: { trials } };
  const free = trials.find(({ code }) => code === undefined);
  const [first] = trials;
  if (!first) return { ...check, verdict: "unknown", text: "none was tried" };
  const asked = `see who has it: ss -ltnp 'sport = :${first.port}'`;
  if (free === first) return { ...check, verdict: "ok", text: `${first.port} is free` };
  if (free) {
    return {
      ...check,
      verdict: "warn",
      text: `${first.port} is taken; the agent would serve ${free.port}`,
      next: `${asked}`,
    };
  }
  if (first.code === "denied") {
    return {
      ...check,
      verdict: "broken",
      text: `${first.port} may not be served`,
      next: "ports below 1024 take an administrator: choose another with --port",
    };
  }
  const taken = first.code === "address_in_use";
  const which = trials.length > 1 ? `${first.port} to ${trials.at(-1)?.port}` : `${first.port}`;
  return {
    ...check,
    verdict: "broken",
    text: taken ? `${which} taken by another program` : `${which} cannot be served (${first.code})`,
    next: `${asked}; ${isChosen ? "or choose another" : "choose one"} with --port`,
  };
}

export function judgeReach(trials: readonly ReachTrial[], listen: string): Finding {
  const check = { check: "reachable", facts: { listen, trials } };
  const failed = trials.filter(({ code }) => code !== undefined);
  const all = trials.map(({ address }) => address).join(", ");
  if (trials.length === 0) return { ...check, verdict: "unknown", text: "it has no address" };
  if (failed.length === 0) {
    const isAlone = trials.every(({ address }) => /^(127\.|\[::1\]|localhost)/.test(address));
    return isAlone
      ? {
        ...check,
        verdict: "warn",
        text: `at ${all} only: no other machine reaches it`,
        next: "is this machine on a network? is --listen meant so?",
      }
      : { ...check, verdict: "ok", text: `from here at ${all}` };
  }
  const bad = failed.map(({ address, code }) => `${address} (${code})`).join(", ");
  return {
    ...check,
    verdict: failed.length === trials.length ? "broken" : "warn",
    text: `not even from here at ${bad}`,
    next: "let the firewall of this machine pass the port, e.g. sudo ufw allow 9000/tcp",
  };
}

export function judgeLegacy(trial: LegacyTrial, policy: LegacyPolicy, ownId: string): Finding {
  const check = { check: "old nodes", facts: { policy, ...trial } };
  const isOff = policy === "off";
  switch (trial.kind) {
    case "answered":
      if (trial.id !== ownId) {
        return {
          ...check,
          verdict: "broken",
          text: "another program answers in their way at this port",
          next: "see who has it: ss -ltnp",
        };
      }
      return isOff
        ? {
          ...check,
          verdict: "broken",
          text: "answered, though --legacy is off",
          next: "please report this",
        }
        : { ...check, verdict: "ok", text: `answered in JSON 1.0 (--legacy ${policy})` };
    case "refused":
      if (trial.code === "legacy_disabled" && isOff) {
        return { ...check, verdict: "ok", text: "shut out, as --legacy off says" };
      }
      if (trial.code === "legacy_disabled" && policy === "lan") {
        return {
          ...check,
          verdict: "warn",
          text:
            "shut out: the addresses of this network are public, and --legacy lan means private ones",
          next: "if there are old nodes: hamlet up --legacy any",
        };
      }
      return {
        ...check,
        verdict: "broken",
        text: `refused with ${trial.code}`,
        next: "look at the agent's log: hamlet up --log-level debug",
      };
    case "failed":
      return {
        ...check,
        verdict: "broken",
        text: `no answer in JSON 1.0 (${trial.code})`,
        next: "look at the agent's log; restart it if it hangs",
      };
  }
}

export function judgeMulticast(state: MdnsState, reason: string | null): Finding {
  const check = { check: "multicast", facts: { state, reason } };
  switch (state) {
    case "on":
      return { ...check, verdict: "ok", text: "multicast DNS is heard on this network" };
    case "starting":
      return {
        ...check,
        verdict: "unknown",
        text: "not heard yet",
        next: "ask again in some seconds",
      };
    case "off":
      return { ...check, verdict: "unknown", text: `not in use: ${reason ?? "it is off"}` };
    case "blocked":
      return {
        ...check,
        verdict: "warn",
        text: reason ?? "nothing is heard",
        next: "let UDP port 5353 pass; until then name a member: hamlet up --peer HOST:PORT",
      };
  }
}

/** `undefined` where no service manager can be asked. */
export function judgeService(
  state: ServiceState | undefined,
  agent: AgentFacts["kind"],
  agentPid: number | undefined,
): Finding {
  const check = { check: "service", facts: { ...state } };
  if (!state) return { ...check, verdict: "unknown", text: "no service manager can be asked here" };
  if (!state.installed) {
    return {
      ...check,
      verdict: "ok",
      text: "none: the agent is started by hand",
      next: "to have it start by itself: hamlet service install",
    };
  }
  const flag = `--${state.scope}`;
  if (state.state === "active") {
    if (agent === "running" && state.pid !== null && state.pid !== agentPid) {
      return {
        ...check,
        verdict: "warn",
        text: `it runs as process ${state.pid}, on another state directory`,
        next: "see which: hamlet service status",
      };
    }
    return { ...check, verdict: "ok", text: `active, of this ${flagged(state.scope)}` };
  }
  const text = `${state.state}${state.result ? ` (${state.result})` : ""}`;
  if (agent === "running") {
    return {
      ...check,
      verdict: "warn",
      text: `${text}; the agent was started by hand`,
      next: `stop that one, then: hamlet service install ${flag}`,
    };
  }
  return {
    ...check,
    verdict: "broken",
    text,
    next: state.manager === "systemd"
      ? `see why: journalctl ${state.scope === "user" ? "--user " : ""}-u hamlet -n 20`
      : "see why: agent.log in the state directory",
  };
}

function flagged(scope: ServiceState["scope"]): string {
  return scope === "user" ? "user" : "machine";
}

/**
 * The client of the control API: how commands reach the agent that runs on a state directory.
 */

import { CodedError, describeError } from "../base/errors.ts";
import { FieldError, isObject } from "../base/guards.ts";
import type { ClockView, DiagnosisView } from "./diagnosis.ts";
import { type Endpoint, readEndpoint } from "./endpoint_file.ts";
import type { InviteView, JoinView, MembersView, RevokeView } from "./network_views.ts";
import type { EvolveBody } from "./job_request.ts";
import type { JobSummaryView, JobView } from "../agent/job_views.ts";
import { parseQueryEvent, type QueryEvent } from "./query_events.ts";
import { parseSendEvent, type SendEvent } from "./send_events.ts";
import { parseVillageEvent, type VillageEvent } from "./village_events.ts";
import type { EventView, SleepView } from "./village_routes.ts";
import type { CandidatesView, PeerView, PingView, StatusView } from "./views.ts";

/** A command did not get its answer. `code` is the agent's own, or `not_running`. */
export class ControlClientError extends CodedError {
  override readonly name = "ControlClientError";
}

/** Longer than any request of the API takes. */
const TIMEOUT_MS = 10_000;
/** Every address of an invitation may take its time. */
const JOIN_TIMEOUT_MS = 60_000;
/** A job's module is tried before the job begins. */
const EVOLVE_TIMEOUT_MS = 60_000;

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** The agent has begun to answer. */
  readonly onOpen?: () => void;
}

/** What `POST /v1/query` takes. */
export interface QueryBody {
  readonly name: string;
  readonly where: string;
  readonly data: string;
  readonly timeout_s: number;
}

export class ControlClient {
  readonly endpoint: Endpoint;

  private constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  /** Finds the agent of `stateDir`. Throws {@link ControlClientError} `not_running`. */
  static async open(stateDir: string): Promise<ControlClient> {
    const endpoint = await readEndpoint(stateDir).catch(() => undefined);
    if (!endpoint) throw notRunning(stateDir);
    return new ControlClient(endpoint);
  }

  status(): Promise<StatusView> {
    return this.#call("GET", "status");
  }

  async peers(): Promise<readonly PeerView[]> {
    const { peers } = await this.#call<{ peers: readonly PeerView[] }>("GET", "peers");
    return peers;
  }

  candidates(): Promise<CandidatesView> {
    return this.#call("GET", "candidates");
  }

  ping(peer: string): Promise<PingView> {
    return this.#call("POST", "ping", { peer });
  }

  /** Why a peer is or is not connected; it is dialled for that. */
  diagnose(peer: string): Promise<DiagnosisView> {
    return this.#call("POST", "diagnose", { peer });
  }

  /** How the clocks of connected peers differ from ours. */
  async clocks(): Promise<readonly ClockView[]> {
    const { clocks } = await this.#call<{ clocks: readonly ClockView[] }>("GET", "clocks");
    return clocks;
  }

  members(): Promise<MembersView> {
    return this.#call("GET", "members");
  }

  invite(options: { readonly admin: boolean; readonly expires_s: number }): Promise<InviteView> {
    return this.#call("POST", "invite", options);
  }

  /** Without a name the device keeps the one that its agent was started with. */
  join(token: string, name?: string): Promise<JoinView> {
    return this.#call("POST", "join", { token, name }, JOIN_TIMEOUT_MS);
  }

  revoke(node: string): Promise<RevokeView> {
    return this.#call("POST", "revoke", { node });
  }

  leave(options: { readonly force: boolean }): Promise<{ readonly left: string }> {
    return this.#call("POST", "leave", options);
  }

  /** Starts a job; resolves once this device has it. */
  evolve(job: EvolveBody): Promise<JobView> {
    return this.#call("POST", "evolve", job, EVOLVE_TIMEOUT_MS);
  }

  async jobs(): Promise<readonly JobSummaryView[]> {
    const { jobs } = await this.#call<{ jobs: readonly JobSummaryView[] }>("GET", "jobs");
    return jobs;
  }

  /** One job, by its id or the beginning of it. */
  job(id: string): Promise<JobView> {
    return this.#call("GET", `job?${new URLSearchParams({ id })}`, undefined, EVOLVE_TIMEOUT_MS);
  }

  stopJob(id: string): Promise<JobView> {
    return this.#call("POST", "job-stop", { id });
  }

  resumeJob(id: string): Promise<JobView> {
    return this.#call("POST", "job-resume", { id });
  }

  stop(): Promise<{ readonly stopping: boolean }> {
    return this.#call("POST", "stop", {});
  }

  /** Tells every member. */
  event(name: string, data: string): Promise<EventView> {
    return this.#call("POST", "event", { name, data });
  }

  /** Answers a query that {@link events} told of. Throws {@link ControlClientError} `unknown_query`. */
  answer(id: string, text: string): Promise<{ readonly answered: true }> {
    return this.#call("POST", "answer", { id, text });
  }

  /** Says that this device will not answer for a while. */
  sleep(): Promise<SleepView> {
    return this.#call("POST", "sleep", {});
  }

  wake(): Promise<SleepView> {
    return this.#call("POST", "wake", {});
  }

  /**
   * Sends a file that the agent reads from `path`, and yields what happens; `signal` ends it. Throws
   * {@link ControlClientError}.
   */
  send(peer: string, path: string, options: StreamOptions): AsyncGenerator<SendEvent, void, void> {
    return this.#stream("POST", "send", { peer, path }, parseSendEvent, options);
  }

  /** Asks every member that matches, and yields the answers; `signal` ends it. Throws {@link ControlClientError}. */
  query(question: QueryBody, options: StreamOptions): AsyncGenerator<QueryEvent, void, void> {
    return this.#stream("POST", "query", question, parseQueryEvent, options);
  }

  /**
   * Yields what the village tells and asks from now on, everything or what has `name`, until `signal` ends it.
   * Throws {@link ControlClientError}.
   */
  events(
    name: string | undefined,
    options: StreamOptions,
  ): AsyncGenerator<VillageEvent, void, void> {
    const search = name === undefined ? "" : `?${new URLSearchParams({ name })}`;
    return this.#stream("GET", `events${search}`, undefined, parseVillageEvent, options);
  }

  async *#stream<T>(
    method: "GET" | "POST",
    route: string,
    body: unknown,
    parse: (line: string) => T,
    { signal, onOpen }: StreamOptions,
  ): AsyncGenerator<T, void, void> {
    const response = await this.#fetch(method, route, body, signal);
    if (!response.ok) throw refusalOf(await response.json().catch(() => undefined));
    onOpen?.();
    let rest = "";
    try {
      for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) yield parse(line);
      }
    } catch (error) {
      if (signal.aborted || error instanceof FieldError) throw error;
      throw this.#notReached(error);
    }
  }

  /** The answers come from our own agent, behind its token, so their shape is trusted. */
  async #call<T>(
    method: "GET" | "POST",
    route: string,
    body?: unknown,
    timeoutMs = TIMEOUT_MS,
  ): Promise<T> {
    const response = await this.#fetch(method, route, body, AbortSignal.timeout(timeoutMs));
    const answer: unknown = await response.json().catch((error) => {
      throw this.#notReached(error);
    });
    if (response.ok) return answer as T;
    throw refusalOf(answer);
  }

  async #fetch(
    method: "GET" | "POST",
    route: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<Response> {
    const { url, token } = this.endpoint;
    try {
      return await fetch(`${url}/v1/${route}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
      });
    } catch (error) {
      throw this.#notReached(error);
    }
  }

  #notReached(error: unknown): ControlClientError {
    return new ControlClientError(
      "not_running",
      `Cannot reach the agent at ${this.endpoint.url}: ${
        describeError(error)
      }; start it with: hamlet up`,
      { cause: error },
    );
  }
}

function refusalOf(answer: unknown): ControlClientError {
  const error = isObject(answer) && isObject(answer["error"]) ? answer["error"] : {};
  return new ControlClientError(
    typeof error["code"] === "string" ? error["code"] : "failed",
    typeof error["message"] === "string" ? error["message"] : "Cannot do it: the agent refused",
  );
}

function notRunning(stateDir: string): ControlClientError {
  return new ControlClientError(
    "not_running",
    `Cannot find a running agent in ${stateDir}: start one with: hamlet up`,
  );
}

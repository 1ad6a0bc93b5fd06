/**
 * The client of the control API: how commands reach the agent that runs on a state directory.
 */

import { CodedError, describeError } from "../base/errors.ts";
import { isObject } from "../base/guards.ts";
import { type Endpoint, readEndpoint } from "./endpoint_file.ts";
import type { CandidatesView, PeerView, PingView, StatusView } from "./views.ts";

/** A command did not get its answer. `code` is the agent's own, or `not_running`. */
export class ControlClientError extends CodedError {
  override readonly name = "ControlClientError";
}

/** Longer than any request of the API takes. */
const TIMEOUT_MS = 10_000;

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

  stop(): Promise<{ readonly stopping: boolean }> {
    return this.#call("POST", "stop", {});
  }

  /** The answers come from our own agent, behind its token, so their shape is trusted. */
  async #call<T>(method: "GET" | "POST", route: string, body?: unknown): Promise<T> {
    const { url, token } = this.endpoint;
    let isOk: boolean;
    let answer: unknown;
    try {
      const response = await fetch(`${url}/v1/${route}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      isOk = response.ok;
      answer = await response.json();
    } catch (error) {
      throw new ControlClientError(
        "not_running",
        `Cannot reach the agent at ${url}: ${describeError(error)}; start it with: hamlet up`,
        { cause: error },
      );
    }
    if (isOk) return answer as T;
    const error = isObject(answer) && isObject(answer["error"]) ? answer["error"] : {};
    throw new ControlClientError(
      typeof error["code"] === "string" ? error["code"] : "failed",
      typeof error["message"] === "string" ? error["message"] : "Cannot do it: the agent refused",
    );
  }
}

function notRunning(stateDir: string): ControlClientError {
  return new ControlClientError(
    "not_running",
    `Cannot find a running agent in ${stateDir}: start one with: hamlet up`,
  );
}

/**
 * The control API: HTTP on 127.0.0.1, a bearer token, JSON in and out. Commands of this binary are its only
 * intended clients.
 *
 * ```
 * GET  /v1/status   /v1/peers   /v1/candidates   /v1/members   /v1/events?name=NAME   /v1/clocks
 * POST /v1/ping {"peer":"ID or prefix"}   /v1/send {"peer","path"}   /v1/stop
 *      /v1/invite {"admin","expires_s"}   /v1/join {"token","name"}   /v1/revoke {"node"}   /v1/leave {"force"}
 *      /v1/event {"name","data"}   /v1/query {"name","where","data","timeout_s"}   /v1/answer {"id","text"}
 *      /v1/sleep   /v1/wake   /v1/diagnose {"peer":"name, ID, prefix or address"}
 * GET  /v1/jobs    /v1/job?id=ID
 * POST /v1/evolve {a job}   /v1/job-stop {"id"}   /v1/job-resume {"id"}
 * GET  /metrics    for Prometheus; a token of its own opens this route and no other
 * ```
 *
 * A request must carry the token and name the loopback address as its host: a web page in a browser on
 * this machine can do neither.
 */

import { timingSafeEqual } from "node:crypto";
import type { Agent } from "../agent/agent.ts";
import { encodeBase64Url, encodeUtf8 } from "../base/bytes.ts";
import { CodedError, describeError } from "../base/errors.ts";
import { FieldError, Fields } from "../base/guards.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import type { OwnProcess } from "../host/own_process.ts";
import { NetError } from "../net/stream.ts";
import { randomBytes } from "../noise/primitives.ts";
import { compareClocks, diagnose, MAX_QUERY_LENGTH } from "./diagnosis.ts";
import { JobRoutes, MAX_EVOLVE_BODY_BYTES } from "./job_routes.ts";
import { NetworkRoutes, type NetworkRoutesOptions } from "./network_routes.ts";
import { sendResponse } from "./send_route.ts";
import { VillageRoutes } from "./village_routes.ts";
import { candidatesView, peerViews, type PingView, type Setting, statusView } from "./views.ts";

export interface ControlServerOptions {
  readonly agent: Agent;
  readonly setting: Setting;
  readonly join: NetworkRoutesOptions["join"];
  readonly onMove: NetworkRoutesOptions["onMove"];
  /** Where to serve; any free port by default. */
  readonly port?: number | undefined;
  /** Who may read the metrics besides the holder of our token, and what this process takes. */
  readonly metrics: { readonly token: string; readonly process: Pick<OwnProcess, "read"> };
  /** Called when a client asks the agent to stop. */
  readonly onStop: () => void;
}

const HOST = "127.0.0.1";
const METRICS_PATH = "/metrics";
const TOKEN_BYTES = 32;
const MAX_BODY_BYTES = 16_384;
/** 4,096 bytes of data, each of them perhaps as \u0001. */
const MAX_DATA_BODY_BYTES = 32_768;

/** A request that is answered with an error. */
class ControlError extends CodedError {
  override readonly name = "ControlError";
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(code, message);
    this.status = status;
  }
}

export class ControlServer {
  readonly token = encodeBase64Url(randomBytes(TOKEN_BYTES));
  readonly url: string;
  readonly #options: ControlServerOptions;
  readonly #network: NetworkRoutes;
  readonly #village: VillageRoutes;
  readonly #jobs: JobRoutes;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Serves at once. Throws `NetError` `address_in_use`. */
  constructor(options: ControlServerOptions) {
    this.#options = options;
    const { clock } = options.setting;
    this.#jobs = new JobRoutes(options.agent);
    this.#village = new VillageRoutes({ agent: options.agent, clock });
    this.#network = new NetworkRoutes({ ...options, clock, history: this.#village.history });
    this.#server = serveOn(options.port ?? 0, (request) => this.#handle(request));
    this.url = `http://${HOST}:${this.#server.addr.port}`;
  }

  /** Ends after the requests under way; those that would go on for ever are ended first. */
  async close(): Promise<void> {
    this.#village.close();
    await this.#server.shutdown();
  }

  async #handle(request: Request): Promise<Response> {
    try {
      this.#authorize(request);
      const answer = await this.#route(request);
      return answer instanceof Response ? answer : json(200, answer);
    } catch (error) {
      if (error instanceof ControlError) {
        return json(error.status, { error: { code: error.code, message: error.message } });
      }
      const code = error instanceof CodedError ? error.code : "internal_error";
      const status = error instanceof FieldError ? 400 : 502;
      return json(status, { error: { code, message: describeError(error) } });
    }
  }

  #authorize(request: Request): void {
    const isScrape = new URL(request.url).pathname === METRICS_PATH;
    const isOurs = isBearer(request, this.token) ||
      (isScrape && isBearer(request, this.#options.metrics.token));
    if (!isOurs || request.headers.get("host") !== `${HOST}:${this.#server.addr.port}`) {
      throw new ControlError(401, "unauthorized", "Cannot serve request: a valid token is needed");
    }
  }

  async #route(request: Request): Promise<unknown> {
    const { agent, setting, onStop } = this.#options;
    const { pathname, searchParams } = new URL(request.url);
    const route = `${request.method} ${pathname}`;
    switch (route) {
      case "GET /v1/status":
        return statusView(agent, setting);
      case `GET ${METRICS_PATH}`:
        return await this.#metrics();
      case "GET /v1/peers":
        return { peers: peerViews(agent, setting.clock) };
      case "GET /v1/candidates":
        return candidatesView(agent);
      case "GET /v1/members":
        return this.#network.members();
      case "GET /v1/events":
        return this.#village.events(searchParams);
      case "GET /v1/clocks":
        return { clocks: await compareClocks({ agent, clock: setting.clock }) };
      case "POST /v1/diagnose": {
        const fields = await bodyOf(request);
        const peer = fields.text("peer", { maxLength: MAX_QUERY_LENGTH });
        return await diagnose({ agent, clock: setting.clock }, peer);
      }
      case "GET /v1/jobs":
        return await this.#jobs.jobs();
      case "GET /v1/job":
        return await this.#jobs.job(searchParams);
      case "POST /v1/evolve":
        return await this.#jobs.evolve(await bodyOf(request, MAX_EVOLVE_BODY_BYTES));
      case "POST /v1/job-stop":
        return await this.#jobs.stop(await bodyOf(request));
      case "POST /v1/job-resume":
        return await this.#jobs.resume(await bodyOf(request));
      case "POST /v1/event":
        return this.#village.event(await bodyOf(request, MAX_DATA_BODY_BYTES));
      case "POST /v1/query":
        return this.#village.query(await bodyOf(request, MAX_DATA_BODY_BYTES));
      case "POST /v1/answer":
        return this.#village.answer(await bodyOf(request));
      case "POST /v1/sleep":
        return this.#village.sleep();
      case "POST /v1/wake":
        return this.#village.wake();
      case "POST /v1/invite":
        return await this.#network.invite(await bodyOf(request));
      case "POST /v1/join":
        return await this.#network.join(await bodyOf(request));
      case "POST /v1/revoke":
        return await this.#network.revoke(await bodyOf(request));
      case "POST /v1/leave":
        return this.#network.leave(await bodyOf(request));
      case "POST /v1/ping":
        return await this.#ping(request);
      case "POST /v1/send":
        return await this.#send(request);
      case "POST /v1/stop":
        setting.clock.schedule(0, onStop);
        return { stopping: true };
      default:
        throw new ControlError(404, "unknown_route", "Cannot serve request: no such route");
    }
  }

  /** Most agents are never asked for them. */
  async #metrics(): Promise<Response> {
    const [{ agentMetrics }, { METRICS_TYPE, writeMetrics }] = await Promise.all([
      import("./metrics.ts"),
      import("./prometheus_text.ts"),
    ]);
    const { agent, setting, metrics } = this.#options;
    const families = agentMetrics(agent, setting, metrics.process.read());
    return new Response(writeMetrics(families), {
      headers: { "content-type": METRICS_TYPE, "cache-control": "no-store" },
    });
  }

  async #ping(request: Request): Promise<PingView> {
    const fields = await bodyOf(request);
    const id = this.#find(fields.text("peer", { maxLength: 128 }));
    const { agent } = this.#options;
    const rtt = await agent.ping(id);
    return { node_id: id, short_id: shortId(id), rtt_ms: Math.round(rtt * 1000) / 1000 };
  }

  async #send(request: Request): Promise<Response> {
    const fields = await bodyOf(request);
    const to = this.#find(fields.text("peer", { maxLength: 128 }));
    const path = fields.raw("path");
    if (typeof path !== "string" || path.includes("\0")) {
      throw new FieldError("invalid_field", "body.path", "expected a path");
    }
    const { agent, setting } = this.#options;
    return await sendResponse({ agent, clock: setting.clock, to, path });
  }

  /** The one authenticated peer whose id starts with `prefix`. */
  #find(prefix: string): PeerId {
    const { agent } = this.#options;
    const matches = agent.registry.authenticated().filter(({ id }) => id.startsWith(prefix));
    const [match] = matches;
    if (!match) {
      const isOld = agent.registry.peers().some(({ id }) => id.startsWith(prefix));
      throw isOld
        ? new ControlError(409, "unverified_peer", "Cannot reach it: an old node has no session")
        : new ControlError(
          404,
          "unknown_peer",
          `Cannot find a peer whose id starts with ${prefix}; see: hamlet peers`,
        );
    }
    if (matches.length > 1) {
      throw new ControlError(
        409,
        "ambiguous_peer",
        `Cannot tell which peer ${prefix} is: ${matches.length} ids start with it; give more of it`,
      );
    }
    if (agent.membership && !agent.membership.isOpen && !agent.membership.isMember(match.id)) {
      throw new ControlError(
        409,
        "not_a_member",
        `Cannot reach ${shortId(match.id)}: it is no member of this network; see: hamlet members`,
      );
    }
    return match.id;
  }
}

function serveOn(
  port: number,
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: HOST, port, onListen: () => {}, handler });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new NetError(
      "address_in_use",
      `Cannot serve the control API: port ${port} is taken; choose another with --control-port`,
      { cause: error },
    );
  }
}

function isBearer(request: Request, token: string): boolean {
  const given = encodeUtf8(request.headers.get("authorization") ?? "");
  const wanted = encodeUtf8(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function bodyOf(request: Request, maxBytes = MAX_BODY_BYTES): Promise<Fields> {
  const body = await request.text();
  if (body.length > maxBytes) {
    throw new ControlError(413, "too_large", "Cannot serve request: its body is too large");
  }
  return Fields.of(parse(body), "body");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ControlError(400, "malformed_json", "Cannot serve request: its body is not JSON");
  }
}

function json(status: number, body: unknown): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

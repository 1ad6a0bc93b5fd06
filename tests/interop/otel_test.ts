/** Deno's own OpenTelemetry in the agent: a collector sees the control API's requests, and no secret. */

import { assert, assertEquals } from "@std/assert";
import { AgentProcess, eventually } from "./agent_process.ts";
import { LOOPBACK } from "./counterpart_wire.ts";

/** What came to a collector's address. */
interface Export {
  readonly path: string;
  readonly type: string;
  /** Protocol buffers and JSON both hold strings as they are. */
  readonly text: string;
}

/** An OTLP collector on loopback that keeps what it is sent. */
class Collector implements AsyncDisposable {
  readonly exports: Export[] = [];
  readonly #server = Deno.serve(
    { hostname: LOOPBACK, port: 0, onListen: () => {} },
    async (request) => {
      this.exports.push({
        path: new URL(request.url).pathname,
        type: request.headers.get("content-type") ?? "",
        text: new TextDecoder("latin1").decode(await request.arrayBuffer()),
      });
      return Response.json({});
    },
  );

  get url(): string {
    return `http://${LOOPBACK}:${this.#server.addr.port}`;
  }

  /** The first export of `signal` that says `text`. */
  find(signal: string, text: string): Export | undefined {
    return this.exports.find((each) => each.path === `/v1/${signal}` && each.text.includes(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function variables(collector: Collector, protocol: string) {
  return {
    OTEL_DENO: "true",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_SERVICE_NAME: "hamlet",
    OTEL_BSP_SCHEDULE_DELAY: "100",
  };
}

for (
  const { protocol, type } of [
    { protocol: "http/json", type: "application/json" },
    { protocol: "http/protobuf", type: "application/x-protobuf" },
  ]
) {
  Deno.test(`hamlet up under OTEL_DENO exports traces and metrics, ${protocol}`, async () => {
    await using collector = new Collector();
    const agent = await AgentProcess.start({ env: variables(collector, protocol) });
    let secrets: readonly string[] = [];
    try {
      secrets = [agent.token, (await Deno.readTextFile(`${agent.stateDir}/metrics.token`)).trim()];
      await agent.status();
      const span = await eventually("a span", () => collector.find("traces", "/v1/status"));
      assertEquals(span.type, type);
      for (const text of ["deno-opentelemetry", "hamlet", "GET"]) assert(span.text.includes(text));
    } finally {
      await agent[Symbol.asyncDispose]();
    }
    // What is left is exported at the end.
    const metric = collector.find("metrics", "http.server.request.duration");
    assert(metric, "metrics of the HTTP server");
    assert(
      collector.exports.every(({ text }) => secrets.every((secret) => !text.includes(secret))),
    );
  });
}

Deno.test("a span of the control API says what was asked, when, and how it was answered", async () => {
  await using collector = new Collector();
  await using agent = await AgentProcess.start({ env: variables(collector, "http/json") });
  const answer = await fetch(`${agent.controlUrl}/v1/nothing`, {
    headers: { authorization: `Bearer ${agent.token}` },
  });
  await answer.body?.cancel();
  const { text } = await eventually("a span", () => collector.find("traces", "/v1/nothing"));
  const { resourceSpans } = JSON.parse(text);
  const spans = resourceSpans.flatMap((resource: { scopeSpans: { spans: unknown[] }[] }) =>
    resource.scopeSpans.flatMap(({ spans }) => spans)
  );
  const [span] = spans.filter((each: unknown) => JSON.stringify(each).includes("/v1/nothing"));
  const attributes = new Map(
    span.attributes.map((
      { key, value }: { key: string; value: Record<string, string> },
    ) => [key, Object.values(value)[0]]),
  );
  assertEquals(attributes.get("http.request.method"), "GET");
  assertEquals(attributes.get("url.path"), "/v1/nothing");
  assertEquals(attributes.get("http.response.status_code"), "404");
  assert(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
});

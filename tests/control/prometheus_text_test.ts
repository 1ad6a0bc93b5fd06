/** The Prometheus text format as its documentation shows it. */

import { assertEquals, assertThrows } from "@std/assert";
import { type MetricFamily, writeMetrics } from "../../src/control/prometheus_text.ts";

const PURE = { permissions: "none" } as const;

function gaugeOf(name: string, labels: Record<string, string>, help = "h"): MetricFamily {
  return { name, help, type: "gauge", samples: [{ labels, value: 1 }] };
}

Deno.test("writeMetrics() writes the documentation's own example", PURE, () => {
  // prometheus.io/docs/instrumenting/exposition_formats, "Text format example".
  const text = writeMetrics([
    {
      name: "http_requests_total",
      help: "The total number of HTTP requests.",
      type: "counter",
      samples: [
        { labels: { method: "post", code: "200" }, value: 1027 },
        { labels: { method: "post", code: "400" }, value: 3 },
      ],
    },
    {
      name: "http_request_duration_seconds",
      help: "A histogram of the request duration.",
      type: "histogram",
      series: [{
        reading: {
          bounds: [0.05, 0.1, 0.2, 0.5, 1],
          counts: [24_054, 9_390, 66_948, 28_997, 4_599, 10_332],
          sum: 53_423,
        },
      }],
    },
  ]);
  assertEquals(
    text,
    `# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027
http_requests_total{method="post",code="400"} 3
# HELP http_request_duration_seconds A histogram of the request duration.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="0.1"} 33444
http_request_duration_seconds_bucket{le="0.2"} 100392
http_request_duration_seconds_bucket{le="0.5"} 129389
http_request_duration_seconds_bucket{le="1"} 133988
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320
`,
  );
});

Deno.test("writeMetrics() escapes what would end a line, a value or an escape", PURE, () => {
  const text = writeMetrics([
    gaugeOf("msdos_file_access_time_seconds", {
      path: "C:\\DIR\\FILE.TXT",
      error: 'Cannot find file:\n"FILE.TXT"',
    }, 'a \\ and a\nline, and a "quote"'),
  ]);
  assertEquals(text.split("\n"), [
    '# HELP msdos_file_access_time_seconds a \\\\ and a\\nline, and a "quote"',
    "# TYPE msdos_file_access_time_seconds gauge",
    'msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",' +
    'error="Cannot find file:\\n\\"FILE.TXT\\""} 1',
    "",
  ]);
});

Deno.test("writeMetrics() writes numbers as Go reads them", PURE, () => {
  const cases = [
    [0, "0"],
    [-3, "-3"],
    [1e21, "1e+21"],
    [1.5e-7, "1.5e-7"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
    [Infinity, "+Inf"],
    [-Infinity, "-Inf"],
    [NaN, "NaN"],
  ] as const;
  for (const [value, expected] of cases) {
    const text = writeMetrics([{ name: "x", help: "h", type: "gauge", samples: [{ value }] }]);
    assertEquals(text, `# HELP x h\n# TYPE x gauge\nx ${expected}\n`);
  }
});

Deno.test("writeMetrics() keeps a family without samples, and none at all", PURE, () => {
  const empty: MetricFamily = { name: "x_total", help: "h", type: "counter", samples: [] };
  assertEquals(writeMetrics([empty]), "# HELP x_total h\n# TYPE x_total counter\n");
  assertEquals(writeMetrics([]), "");
});

Deno.test("writeMetrics() refuses names that no scraper would take", PURE, () => {
  const wrong: readonly (readonly MetricFamily[])[] = [
    [gaugeOf("", {})],
    [gaugeOf("9lives", {})],
    [gaugeOf("with space", {})],
    [gaugeOf("hamlet_peers_total", {})],
    [{ name: "hamlet_peers", help: "h", type: "counter", samples: [] }],
    [gaugeOf("x", {}), gaugeOf("x", {})],
    [gaugeOf("x", { "__name": "y" })],
    [gaugeOf("x", { "a-b": "y" })],
    [gaugeOf("x", { "": "y" })],
  ];
  for (const families of wrong) assertThrows(() => writeMetrics(families), TypeError);
});

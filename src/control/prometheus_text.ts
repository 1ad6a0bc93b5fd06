/**
 * Metrics as Prometheus reads them: its text format, version 0.0.4.
 *
 * ```
 * # HELP name what it counts
 * # TYPE name counter
 * name{label="value"} 42
 * ```
 *
 * Written by hand because only writing is needed, and writing is three escapes; the package that does it
 * keeps a registry of its own beside the counters that are here already. Source: "Exposition formats" and
 * "Metric and label naming" of the Prometheus documentation.
 */

import type { HistogramReading } from "../base/histogram.ts";

/** The media type of what {@link writeMetrics} gives. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

interface Described {
  /** With its unit, in base units; a counter's ends in `_total`. */
  readonly name: string;
  readonly help: string;
}

/** All that is told of one thing. */
export type MetricFamily =
  | Described & { readonly type: "counter" | "gauge"; readonly samples: readonly Sample[] }
  | Described & {
    readonly type: "histogram";
    readonly series: readonly { readonly labels?: Labels; readonly reading: HistogramReading }[];
  };

const METRIC_NAME = /^[a-z_:][a-z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-z_][a-z0-9_]*$/;

/**
 * The families in the order given, each once. Throws `TypeError` for a name that is none, that occurs twice,
 * or that does not say what its type demands: these are ours and no outsider's.
 */
export function writeMetrics(families: readonly MetricFamily[]): string {
  const names = new Set<string>();
  let text = "";
  for (const family of families) {
    checkName(family);
    if (names.has(family.name)) throw new TypeError(`Cannot write metrics: ${family.name} twice`);
    names.add(family.name);
    text += writeFamily(family);
  }
  return text;
}

function writeFamily(family: MetricFamily): string {
  const { name, help, type } = family;
  const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
  switch (family.type) {
    case "counter":
    case "gauge":
      return head +
        family.samples.map(({ labels, value }) => line(name, labels, value)).join("");
    case "histogram":
      return head +
        family.series.map(({ labels, reading }) => writeHistogram(name, labels, reading)).join("");
  }
}

/** Buckets are cumulative on the wire: each counts what the smaller ones do. */
function writeHistogram(name: string, labels: Labels = {}, reading: HistogramReading): string {
  const { bounds, counts, sum } = reading;
  let total = 0;
  let text = "";
  for (const [at, count] of counts.entries()) {
    total += count;
    const le = writeNumber(bounds[at] ?? Infinity);
    text += line(`${name}_bucket`, { ...labels, le }, total);
  }
  return text + line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, total);
}

function line(name: string, labels: Labels = {}, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => {
    if (!LABEL_NAME.test(label)) throw new TypeError(`Cannot write metrics: label ${label}`);
    return `${label}="${escapeValue(text)}"`;
  });
  const braces = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${braces} ${writeNumber(value)}\n`;
}

/** As Go's `ParseFloat` reads it. */
function writeNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

function checkName({ name, type }: MetricFamily): void {
  const isCounter = type === "counter";
  if (!METRIC_NAME.test(name) || isCounter !== name.endsWith("_total")) {
    throw new TypeError(`Cannot write metrics: ${name} is no name of a ${type}`);
  }
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

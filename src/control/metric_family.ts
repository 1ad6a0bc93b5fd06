/**
 * Metric families from plain numbers: a lone one, or one for each of a few words.
 */

import type { HistogramReading } from "../base/histogram.ts";
import type { Labels, MetricFamily, Sample } from "./prometheus_text.ts";

/** A number, or one for each value of `label`. */
export type Values =
  | number
  | { readonly label: string; readonly of: Readonly<Record<string, number>> };

/** A count since the start. */
export function counter(name: string, help: string, values: Values): MetricFamily {
  return { name, help, type: "counter", samples: samplesOf(values) };
}

/** A number that goes up and down. */
export function gauge(name: string, help: string, values: Values): MetricFamily {
  return { name, help, type: "gauge", samples: samplesOf(values) };
}

/** A fact in words: the value is always 1. */
export function info(name: string, help: string, labels: Labels): MetricFamily {
  return { name, help, type: "gauge", samples: [{ labels, value: 1 }] };
}

/** One histogram, or one for each value of `label`. */
export function histogram(
  name: string,
  help: string,
  values: HistogramReading | {
    readonly label: string;
    readonly of: Readonly<Record<string, HistogramReading>>;
  },
): MetricFamily {
  if ("sum" in values) return { name, help, type: "histogram", series: [{ reading: values }] };
  const series = Object.entries(values.of).map(([word, reading]) => ({
    labels: { [values.label]: word },
    reading,
  }));
  return { name, help, type: "histogram", series };
}

function samplesOf(values: Values): readonly Sample[] {
  if (typeof values === "number") return [{ value: values }];
  const { label, of } = values;
  return Object.entries(of).map(([word, value]) => ({ labels: { [label]: word }, value }));
}

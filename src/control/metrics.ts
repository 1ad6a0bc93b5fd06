/**
 * What `GET /metrics` tells: the counters that the agent's parts keep, under Prometheus's conventions.
 *
 * Nothing is counted here. Labels are words of ours, and few: no peer's id, name or address, and no text that
 * a stranger chooses, can make a series. What has no value yet is 0, not absent, except reasons of rejects.
 */

import type { Agent } from "../agent/agent.ts";
import type { ProcessReading } from "../host/own_process.ts";
import { counter, gauge, info } from "./metric_family.ts";
import { nodeMetrics } from "./node_metrics.ts";
import type { MetricFamily } from "./prometheus_text.ts";
import { villageMetrics } from "./village_metrics.ts";
import type { Setting } from "./views.ts";

/** All families, in the order in which they are written. */
export function agentMetrics(
  agent: Agent,
  setting: Pick<Setting, "version" | "backend">,
  process: ProcessReading,
): readonly MetricFamily[] {
  return [
    ...identityMetrics(agent, setting),
    ...nodeMetrics(agent),
    ...villageMetrics(agent),
    ...processMetrics(process),
  ];
}

function identityMetrics(
  { startedAtMs }: Agent,
  { version, backend }: Pick<Setting, "version" | "backend">,
): readonly MetricFamily[] {
  const { aead, x25519, ed25519 } = backend.report;
  const { os, arch } = Deno.build;
  return [
    info("hamlet_build_info", "The program and what it runs on; always 1.", {
      version,
      deno: Deno.version.deno,
      os,
      arch,
    }),
    info("hamlet_crypto_info", "The cryptography in use; always 1.", { aead, x25519, ed25519 }),
    gauge(
      "hamlet_start_time_seconds",
      "When the agent started in its present network, Unix time.",
      startedAtMs / 1000,
    ),
  ];
}

/** Named and described as Prometheus's own client libraries do, so that any dashboard knows them. */
function processMetrics(reading: ProcessReading): readonly MetricFamily[] {
  const { residentBytes, heapBytes, cpuSeconds, openFiles, startSeconds } = reading;
  const families: MetricFamily[] = [
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", residentBytes),
    gauge("process_heap_bytes", "JavaScript heap in use, in bytes.", heapBytes),
    gauge(
      "process_start_time_seconds",
      "Start time of the process since Unix epoch in seconds.",
      startSeconds,
    ),
  ];
  if (cpuSeconds !== undefined) {
    families.push(counter(
      "process_cpu_seconds_total",
      "Total user and system CPU time spent in seconds.",
      cpuSeconds,
    ));
  }
  if (openFiles !== undefined) {
    families.push(gauge("process_open_fds", "Number of open file descriptors.", openFiles));
  }
  return families;
}

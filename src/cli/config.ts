/**
 * What a command runs with: the settings of `config/settings.ts`, merged and checked once, flags before the
 * environment before the configuration file before fallbacks, and made into what each layer takes.
 */

import type { LogLevel } from "../base/log.ts";
import { toPrintable } from "../base/guards.ts";
import type { OwnersLimits } from "../control/views.ts";
import { DEFAULT_RATE_LIMIT, type RateLimitOptions } from "../discovery/rate_limit.ts";
import type { LegacyPolicy } from "../discovery/responder.ts";
import { DEFAULT_REGISTRY, type RegistryOptions } from "../mesh/registry.ts";
import type { Address } from "../net/address.ts";
import { stateDirectory } from "../store/state_directory.ts";
import type { WorkSettings } from "../work/worker/work_settings.ts";
import { type SettingName, type ValueOf } from "./config/settings.ts";
import { readSetting, type Surroundings } from "./config/sources.ts";
import { hostName, variable } from "./environment.ts";
import type { GivenFlags } from "./flags.ts";
import { UsageError } from "./usage_error.ts";

export interface UpConfig {
  readonly stateDir: string;
  readonly listenHost: string;
  /** Ports to try, in order. */
  readonly ports: readonly number[];
  /** Where the control API is served; 0 is any free port. */
  readonly controlPort: number;
  readonly peers: readonly Address[];
  readonly legacy: LegacyPolicy;
  /** Whether any authenticated key may take part. */
  readonly isOpen: boolean;
  readonly deviceName: string;
  readonly networkName: string;
  readonly discovery: DiscoverySettings;
  readonly rateLimit: RateLimitOptions;
  readonly registry: RegistryOptions;
  readonly crypto: "auto" | "noble";
  readonly limits: OwnersLimits;
  readonly work: WorkSettings;
  readonly log: "text" | "json";
  readonly logLevel: LogLevel;
  /** Whether the end of standard input stops the agent. */
  readonly hasLeash: boolean;
}

/** Which ways of finding each other are in use. */
export interface DiscoverySettings {
  readonly hasMdns: boolean;
  readonly hasKnown: boolean;
  readonly hasExchange: boolean;
  readonly hasDht: boolean;
  /** Where to enter the DHT; none is its public nodes. */
  readonly dhtBootstrap: readonly Address[];
  readonly hasSweep: boolean;
}

/** The ports that old nodes scan; the first free one is taken. */
export const DEFAULT_PORTS: readonly number[] = Object.freeze([9000, 9001, 9002, 9003, 9004, 9005]);
/** As long as a name in a certificate may be. */
const MAX_NAME_LENGTH = 32;

/** Reads the configuration. Throws {@link UsageError} naming the flag, variable or line that is wrong. */
export function readUpConfig(flags: GivenFlags, surroundings: Surroundings): UpConfig {
  const read = <N extends SettingName>(name: N): ValueOf<N> =>
    readSetting(name, flags, surroundings);
  const deviceName = readDeviceName(flags, surroundings);
  const port = read("port");
  const stateDir = readStateDir(flags, surroundings);
  const inbox = read("inbox") ?? `${stateDir}/inbox`;
  return {
    stateDir,
    limits: {
      bandwidth: { up: bytesOf(read("max-up")), down: bytesOf(read("max-down")) },
      maxConnections: read("max-connections"),
      inboxDir: inbox === "off" ? undefined : inbox,
      maxFileBytes: read("max-file"),
    },
    listenHost: read("listen"),
    ports: port === undefined ? DEFAULT_PORTS : [port],
    controlPort: read("control-port"),
    peers: read("peer"),
    isOpen: read("open"),
    deviceName,
    networkName: read("network") ?? villageOf(deviceName),
    discovery: {
      hasMdns: read("mdns"),
      hasKnown: read("known"),
      hasExchange: read("exchange"),
      hasDht: read("dht"),
      dhtBootstrap: read("dht-bootstrap"),
      hasSweep: read("sweep"),
    },
    rateLimit: rateLimitOf(read("rate-limit")),
    registry: registryOf(read("max-unverified")),
    legacy: read("legacy"),
    crypto: read("crypto"),
    work: {
      mode: read("work"),
      cpuPercent: read("work-cpu"),
      memoryMb: Math.floor(read("work-memory") / 2 ** 20),
      onBattery: read("work-battery"),
      hours: read("work-hours"),
      commands: read("worker"),
    },
    log: read("log"),
    logLevel: read("log-level"),
    hasLeash: flags.has("leash"),
  };
}

/** The state directory that a command works on. Throws {@link UsageError}. */
export function readStateDir(flags: GivenFlags, surroundings: Surroundings): string {
  try {
    return stateDirectory(flags.text("state"), surroundings);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/** This process's surroundings, but for the configuration file: `config/surroundings.ts` reads that too. */
export function systemSurroundings(): Surroundings {
  return { os: Deno.build.os, env: variable, hostName };
}

/** What this device is called: `--name`, or its host name. Throws {@link UsageError}. */
export function readDeviceName(flags: GivenFlags, surroundings: Surroundings): string {
  const given = readSetting("name", flags, surroundings);
  if (given !== undefined) return given;
  const host = (surroundings.hostName?.() ?? "").replace(/\.local$/, "");
  return toPrintable(host, MAX_NAME_LENGTH).trim() || "device";
}

/** What a network is called that `deviceName` founds, unless it is told. */
function villageOf(deviceName: string): string {
  return toPrintable(`${deviceName}'s village`, MAX_NAME_LENGTH);
}

function bytesOf(bits: number | undefined): number | undefined {
  return bits === undefined ? undefined : Math.round(bits / 8);
}

function rateLimitOf([perSecond, burst]: ValueOf<"rate-limit">): RateLimitOptions {
  return { ...DEFAULT_RATE_LIMIT, perSecond, burst: burst ?? 5 * perSecond };
}

function registryOf([maxUnverified, perHost]: ValueOf<"max-unverified">): RegistryOptions {
  const maxUnverifiedPerHost = perHost ?? DEFAULT_REGISTRY.maxUnverifiedPerHost;
  return { ...DEFAULT_REGISTRY, maxUnverified, maxUnverifiedPerHost };
}

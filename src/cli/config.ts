/**
 * What `hamlet up` runs with: flags before environment before defaults, merged and checked once.
 */

import { LOG_LEVELS, type LogLevel } from "../base/log.ts";
import { LEGACY_POLICIES, type LegacyPolicy } from "../discovery/responder.ts";
import type { OwnersLimits } from "../control/views.ts";
import { DEFAULT_RATE_LIMIT, type RateLimitOptions } from "../discovery/rate_limit.ts";
import { isPrintable, toPrintable } from "../base/guards.ts";
import { DEFAULT_REGISTRY, type RegistryOptions } from "../mesh/registry.ts";
import { MAX_NAME_LENGTH } from "../trust/certificate.ts";
import { type Address, parseAddress } from "../net/address.ts";
import { stateDirectory, type Surroundings } from "../store/state_directory.ts";
import { DEFAULT_MAX_CONNECTIONS } from "../node/node.ts";
import { type GivenFlags, oneOf, wholeNumber } from "./flags.ts";
import { parseBitRate, parseByteSize } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

export interface UpConfig {
  readonly stateDir: string;
  readonly listenHost: string;
  /** Ports to try, in order. */
  readonly ports: readonly number[];
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
const DEFAULT_LISTEN = "0.0.0.0";
const MAX_PEERS = 256;
/** Below it an agent could not serve a household. */
const MIN_CONNECTIONS = 8;
const DEFAULT_MAX_FILE_BYTES = 16 * 2 ** 30;

/** Reads the configuration. Throws {@link UsageError} naming the flag or variable that is wrong. */
export function readUpConfig(flags: GivenFlags, surroundings: Surroundings): UpConfig {
  const setting = (name: string) => settingOf(name, flags, surroundings);
  const word = <T extends string>(name: string, words: readonly T[], fallback: T): T => {
    const given = setting(name);
    return given ? oneOf(given.source, given.text, words) : fallback;
  };
  const bytesPerSecond = (name: string): number | undefined => {
    const given = setting(name);
    const bits = given && parseBitRate(given.source, given.text);
    return bits === undefined ? undefined : Math.round(bits / 8);
  };
  const isOn = (name: string, fallback: "on" | "off") =>
    word(name, ["on", "off"], fallback) === "on";
  const deviceName = readDeviceName(flags, surroundings);
  const network = setting("network");
  const port = setting("port");
  const connections = setting("max-connections");
  const inbox = setting("inbox");
  const fileSize = setting("max-file");
  const stateDir = readStateDir(flags, surroundings);
  return {
    stateDir,
    limits: {
      bandwidth: { up: bytesPerSecond("max-up"), down: bytesPerSecond("max-down") },
      maxConnections: connections
        ? wholeNumber(connections.source, connections.text, { min: MIN_CONNECTIONS, max: 65_535 })
        : DEFAULT_MAX_CONNECTIONS,
      inboxDir: inbox?.text === "off" ? undefined : inbox?.text ?? `${stateDir}/inbox`,
      maxFileBytes: fileSize
        ? parseByteSize(fileSize.source, fileSize.text)
        : DEFAULT_MAX_FILE_BYTES,
    },
    listenHost: setting("listen")?.text ?? DEFAULT_LISTEN,
    ports: port ? [wholeNumber(port.source, port.text, { min: 0, max: 65_535 })] : DEFAULT_PORTS,
    peers: readAddressList("peer", flags, surroundings),
    isOpen: flags.has("open"),
    deviceName,
    networkName: network ? nameOf(network) : villageOf(deviceName),
    discovery: {
      hasMdns: isOn("mdns", "on"),
      hasKnown: isOn("known", "on"),
      hasExchange: isOn("exchange", "on"),
      hasDht: isOn("dht", "off"),
      dhtBootstrap: readAddressList("dht-bootstrap", flags, surroundings),
      hasSweep: flags.has("sweep"),
    },
    rateLimit: readRateLimit(setting("rate-limit")),
    registry: readRegistryLimits(setting("max-unverified")),
    legacy: word("legacy", LEGACY_POLICIES, "lan"),
    crypto: word("crypto", ["auto", "noble"], "auto"),
    log: word("log", ["text", "json"], "text"),
    logLevel: word("log-level", LOG_LEVELS, "info"),
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

/** This process's surroundings. */
export function systemSurroundings(): Surroundings {
  return { os: Deno.build.os, env: (name) => Deno.env.get(name), hostName: () => Deno.hostname() };
}

/** What this device is called: `--name`, or its host name. Throws {@link UsageError}. */
export function readDeviceName(flags: GivenFlags, surroundings: Surroundings): string {
  const given = settingOf("name", flags, surroundings);
  if (given) return nameOf(given);
  const host = (surroundings.hostName?.() ?? "").replace(/\.local$/, "");
  return toPrintable(host, MAX_NAME_LENGTH).trim() || "device";
}

function nameOf({ text, source }: Setting): string {
  const name = text.trim();
  if (name && name.length <= MAX_NAME_LENGTH && isPrintable(name)) return name;
  throw new UsageError(`${source} takes a name of 1 to ${MAX_NAME_LENGTH} printable characters`);
}

/** What a network is called that `deviceName` founds, unless it is told. */
function villageOf(deviceName: string): string {
  return toPrintable(`${deviceName}'s village`, MAX_NAME_LENGTH);
}

interface Setting {
  readonly text: string;
  readonly source: string;
}

/** What was given for `name`: by its flag, or else by its variable. */
function settingOf(
  name: string,
  flags: GivenFlags,
  surroundings: Surroundings,
): Setting | undefined {
  const flag = flags.text(name);
  if (flag !== undefined) return { text: flag, source: `--${name}` };
  const source = variableOf(name);
  const text = surroundings.env(source);
  return text ? { text, source } : undefined;
}

function variableOf(name: string): string {
  return `HAMLET_${name.toUpperCase().replaceAll("-", "_")}`;
}

function readRateLimit(given: Setting | undefined): RateLimitOptions {
  if (!given) return DEFAULT_RATE_LIMIT;
  const [perSecond, burst] = wholePair(given, { min: 1, max: 100_000 });
  return { ...DEFAULT_RATE_LIMIT, perSecond, burst: burst ?? 5 * perSecond };
}

function readRegistryLimits(given: Setting | undefined): RegistryOptions {
  if (!given) return DEFAULT_REGISTRY;
  const [maxUnverified, perHost] = wholePair(given, { min: 1, max: 65_536 });
  const maxUnverifiedPerHost = perHost ?? DEFAULT_REGISTRY.maxUnverifiedPerHost;
  return { ...DEFAULT_REGISTRY, maxUnverified, maxUnverifiedPerHost };
}

/** `N` or `N:M`. */
function wholePair(
  { text, source }: Setting,
  bounds: { readonly min: number; readonly max: number },
): readonly [number, number | undefined] {
  const [first = "", second, ...rest] = text.split(":");
  if (rest.length > 0) throw new UsageError(`${source} takes one number or two, e.g. 20:100`);
  return [
    wholeNumber(source, first, bounds),
    second === undefined ? undefined : wholeNumber(source, second, bounds),
  ];
}

function readAddressList(
  name: string,
  flags: GivenFlags,
  surroundings: Surroundings,
): readonly Address[] {
  const given = flags.list(name);
  const variable = variableOf(name);
  const source = given.length > 0 ? `--${name}` : variable;
  const texts = given.length > 0
    ? given
    : (surroundings.env(variable) ?? "").split(",").map((text) => text.trim()).filter(Boolean);
  if (texts.length > MAX_PEERS) {
    throw new UsageError(`${source} takes at most ${MAX_PEERS} addresses`);
  }
  // Nothing in the DHT has a port of its own.
  const defaultPort = name === "peer" ? DEFAULT_PORTS[0] : undefined;
  return texts.map((text) => {
    const address = parseAddress(text.trim(), defaultPort);
    if (address) return address;
    throw new UsageError(`${source} takes HOST:PORT, e.g. 192.168.1.20:9000, not "${text}"`);
  });
}

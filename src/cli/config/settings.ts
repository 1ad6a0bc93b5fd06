/**
 * The settings of the agent, each declared once. From an entry follow its flag of `hamlet up`, its `HAMLET_...`
 * variable, its key in `hamlet.json`, the JSON Schema, `hamlet config`, help and completions.
 *
 * To add one: write an entry here, its name being the flag's without the dashes; use its value, typed, in
 * `readUpConfig` (`../config.ts`); run `deno run -A main.ts config --schema > hamlet.schema.json`. A `fallback` is
 * text like any that is given. New kinds of values go to `form.ts`. This file is loaded for every command: it
 * imports nothing large, and `tests/cli/config/settings_test.ts` holds fallbacks to the layers' own defaults.
 */

import { LOG_LEVELS } from "../../base/log.ts";
import type { LegacyPolicy } from "../../discovery/responder.ts";
import type { WorkMode } from "../../work/worker/work_settings.ts";
import type { Flag } from "../flags.ts";
import {
  address,
  BIT_RATE,
  BYTE_SIZE,
  name,
  NAMED_COMMAND,
  ON_OFF,
  path,
  percent,
  text,
  whole,
  wholePair,
  wordOf,
  WORK_HOURS,
} from "./form.ts";
import { flagOf, many, one, type Setting, toggle } from "./setting.ts";

/** As long as a certificate's name may be. */
const MAX_NAME_LENGTH = 32;
const MAX_ADDRESSES = 256;
/** Where old nodes are looked for, and where a peer listens unless it is said. */
const DEFAULT_PORT = 9_000;

export const SETTINGS = Object.freeze({
  "peer": many(address(DEFAULT_PORT), {
    help: "Dial this address, and again whenever the session is lost",
    maxItems: MAX_ADDRESSES,
    items: "addresses",
    example: "192.168.1.20:9000",
  }),
  "port": one(whole("PORT", { min: 0, max: 65_535 }), {
    help: "Port to serve; 0 takes any that is free",
    otherwise: "the first free one of 9000 to 9005",
    example: "9000",
  }),
  "control-port": one(whole("PORT", { min: 0, max: 65_535 }), {
    help: "Port of the control address on loopback, where metrics are; 0 takes any that is free",
    fallback: "0",
  }),
  "listen": one(text("HOST"), {
    help: "Address to serve on; 0.0.0.0 is every IPv4 interface",
    fallback: "0.0.0.0",
  }),
  "legacy": one(wordOf<LegacyPolicy>(["off", "lan", "any"]), {
    help: "Who may use the old unsigned discovery; lan is private networks",
    fallback: "lan",
  }),
  "open": toggle({ help: "Let any authenticated key take part, member or not: for a lab" }),
  "name": one(name(MAX_NAME_LENGTH), {
    help: "What this device is called in a network that it founds or joins",
    otherwise: "its host name",
    example: "kitchen-pi",
  }),
  "network": one(name(MAX_NAME_LENGTH), {
    help: "Name of the network that the first start founds",
    otherwise: "after the device",
    example: "home",
  }),
  "mdns": one(ON_OFF, { help: "Find each other on the LAN by multicast DNS", fallback: "on" }),
  "known": one(ON_OFF, { help: "Dial the peers of earlier runs at the start", fallback: "on" }),
  "exchange": one(ON_OFF, { help: "Tell members of each other's addresses", fallback: "on" }),
  "dht": one(ON_OFF, {
    help: "Find each other beyond the LAN by the Mainline DHT",
    fallback: "off",
  }),
  "dht-bootstrap": many(address(), {
    help: "Enter the DHT here instead of at its public nodes",
    maxItems: MAX_ADDRESSES,
    items: "addresses",
    otherwise: "its public nodes",
    example: "router.example:6881",
  }),
  "sweep": toggle({ help: "Look for old nodes at every address of the LAN, politely" }),
  "rate-limit": one(wholePair("N[:BURST]", { min: 1, max: 100_000 }), {
    help: "Discovery requests a second from one address, and at once",
    fallback: "20:100",
  }),
  "max-unverified": one(wholePair("N[:PER-ADDRESS]", { min: 1, max: 65_536 }), {
    help: "Old nodes remembered, in all and of one address",
    fallback: "1024:16",
  }),
  "crypto": one(wordOf(["auto", "noble"]), {
    help: "Cryptography: the fastest that passes its self-test, or the reference",
    fallback: "auto",
  }),
  "max-up": one(BIT_RATE, {
    help: "Send at most so many bit/s, over all peers, e.g. 10M",
    fallback: "off",
  }),
  "max-down": one(BIT_RATE, { help: "Receive at most so many bit/s", fallback: "off" }),
  "max-connections": one(whole("N", { min: 8, max: 65_535 }), {
    help: "Connections at once",
    fallback: "4608",
  }),
  "inbox": one(path("DIR|off"), {
    help: "Where files from peers go",
    otherwise: "inbox in the state directory",
    example: "~/Downloads",
  }),
  "max-file": one(BYTE_SIZE, {
    help: "Largest file taken from a peer, e.g. 500M",
    fallback: "16GiB",
  }),
  "work": one(wordOf<WorkMode>(["off", "idle", "on"]), {
    help: "When jobs of the village may run here; idle is while nobody uses this device",
    fallback: "idle",
  }),
  "work-cpu": one(percent({ min: 1, max: 100 }), {
    help: "Share of all processors that they may take",
    fallback: "50%",
  }),
  "work-memory": one(BYTE_SIZE, {
    help: "Memory that they may take together",
    fallback: "1GiB",
  }),
  "work-battery": one(ON_OFF, {
    help: "Let them run on battery too, down to 30 %",
    fallback: "off",
  }),
  "work-hours": one(WORK_HOURS, {
    help: "When nightly jobs may run, in local time",
    fallback: "22:00-06:00",
  }),
  "worker": many(NAMED_COMMAND, {
    help: "Let jobs evaluate by this program of yours, which then runs with your rights",
    maxItems: 32,
    items: "commands",
    example: "fitness=python3 fitness.py",
    separator: "\n",
  }),
  "log": one(wordOf(["text", "json"]), { help: "Form of log lines", fallback: "text" }),
  "log-level": one(wordOf(LOG_LEVELS), {
    help: "Least important level to show",
    fallback: "info",
  }),
});

export type SettingName = keyof typeof SETTINGS;
/** What a setting's value is. */
export type ValueOf<N extends SettingName> = typeof SETTINGS[N] extends Setting<infer T> ? T
  : never;

export const SETTING_NAMES = Object.freeze(Object.keys(SETTINGS)) as readonly SettingName[];

/** Whether `text` names a setting. */
export function isSettingName(text: string): text is SettingName {
  return Object.hasOwn(SETTINGS, text);
}

/** The flags of all settings, in the table's order. */
export const SETTING_FLAGS: readonly Flag[] = Object.freeze(
  SETTING_NAMES.map((name) => flagOf(name, SETTINGS[name])),
);

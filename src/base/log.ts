/**
 * Structured events: a level, a name and fields.
 *
 * Layers below `cli/` receive a {@link Log} and never print; `cli/log_writer.ts` turns events into
 * lines. Fields carry short peer ids only; keys, secrets and plaintext never appear.
 */

/** Ascending importance. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** What an event says besides its name. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Where events go. `event` is lower-case words joined by spaces, e.g. `peer connected`. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

/** Drops every event. */
export const silentLog: Log = () => {};

/**
 * What the agent tells systemd of itself (sd_notify(3)): ready, alive, at its end.
 *
 * ```
 * NOTIFY_SOCKET=/path or @abstract     one datagram each: READY=1 | STATUS=text | WATCHDOG=1 | STOPPING=1
 * WATCHDOG_USEC=microseconds           WATCHDOG=1 is due within so long, or the service is started anew
 * WATCHDOG_PID=pid                     whose watchdog it is; absent, that of whoever reads it
 * ```
 *
 * The socket is opened at once, since a running agent gives up the right to read its environment. It is bound to
 * an abstract name of chance, so that no file stays behind.
 */

import { encodeUtf8 } from "../base/bytes.ts";
import { CodedError, describeError } from "../base/errors.ts";
import { toPrintable } from "../base/guards.ts";

/** Where a service manager listens. */
export interface NotifyAddress {
  /** A path, or an abstract name that begins with a NUL. */
  readonly path: string;
  /** Within so long it wants to hear that we are alive; `undefined` where it does not. */
  readonly watchdogMs: number | undefined;
}

/** Sends one message to the service manager. */
export interface NotifySocket {
  /** Rejects with {@link NotifyError} `not_sent`. */
  send(message: string): Promise<void>;
  close(): void;
}

/** The service manager cannot be told: `bad_address`, `unavailable` or `not_sent`. */
export class NotifyError extends CodedError<"bad_address" | "unavailable" | "not_sent"> {
  override readonly name = "NotifyError";
}

/** `sun_path` of Linux, unix(7). */
const MAX_PATH_BYTES = 108;
const MAX_STATUS_LENGTH = 200;
/** A shorter one would be met by luck only. */
const MIN_WATCHDOG_MS = 100;

/**
 * The manager that started this process `pid`, by its environment; `undefined` without one. Throws
 * {@link NotifyError} `bad_address`.
 */
export function readNotifyAddress(
  env: (name: string) => string | undefined,
  pid: number,
): NotifyAddress | undefined {
  const name = env("NOTIFY_SOCKET");
  if (!name) return undefined;
  const isAbstract = name.startsWith("@");
  const isSocket = isAbstract ? name.length > 1 : name.startsWith("/");
  if (!isSocket || name.includes("\0") || encodeUtf8(name).length >= MAX_PATH_BYTES) {
    throw new NotifyError(
      "bad_address",
      "Cannot tell the service manager: NOTIFY_SOCKET is neither a path nor an abstract name",
    );
  }
  const path = isAbstract ? `\0${name.slice(1)}` : name;
  return { path, watchdogMs: watchdogMsOf(env, pid) };
}

/** Opens the way to `address`. Throws {@link NotifyError} `unavailable`. */
export function openNotifySocket({ path }: NotifyAddress): NotifySocket {
  const socket = bindAbstract();
  return {
    async send(message) {
      try {
        await socket.send(encodeUtf8(message), { transport: "unixpacket", path });
      } catch (error) {
        throw new NotifyError(
          "not_sent",
          `Cannot tell the service manager: ${describeError(error)}`,
          { cause: error },
        );
      }
    },
    close: () => socket.close(),
  };
}

/** `text` as the status that `systemctl status` shows: one line. */
export function statusLine(text: string): string {
  return `STATUS=${toPrintable(text, MAX_STATUS_LENGTH)}`;
}

function bindAbstract(): Deno.DatagramConn {
  try {
    // Without a name the kernel would choose one, but only whoever has every permission may leave it out.
    const path = `\0hamlet-${crypto.randomUUID()}`;
    return Deno.listenDatagram({ transport: "unixpacket", path });
  } catch (error) {
    throw new NotifyError(
      "unavailable",
      `Cannot tell the service manager: ${
        describeError(error)
      }; datagrams need the flag --unstable-net`,
      { cause: error },
    );
  }
}

function watchdogMsOf(env: (name: string) => string | undefined, pid: number): number | undefined {
  const text = env("WATCHDOG_USEC") ?? "";
  const owner = env("WATCHDOG_PID");
  if (!/^\d{1,15}$/.test(text) || (owner && owner !== String(pid))) return undefined;
  const ms = Number(text) / 1_000;
  return ms >= MIN_WATCHDOG_MS ? ms : undefined;
}

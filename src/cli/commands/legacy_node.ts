/** `hamlet legacy-node`: an old node's double, one JSON event a line. */

import { systemClock } from "../../base/clock.ts";
import { MAX_SECONDS } from "../../demo/demo.ts";
import { runLegacyNode } from "../../demo/legacy_process.ts";
import { parseAddress } from "../../net/address.ts";
import type { CommandContext } from "../commands.ts";
import { wholeNumber } from "../flags.ts";
import { untilInterrupted } from "../signals.ts";
import { EXIT, UsageError } from "../usage_error.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const stop = new AbortController();
  const release = untilInterrupted(() => stop.abort());
  try {
    await runLegacyNode({
      port: wholeNumber("--port", flags.text("port") ?? "0", { min: 0, max: 65_535 }),
      peers: flags.list("peer").map((text) => {
        const address = parseAddress(text);
        if (!address) throw new UsageError(`--peer takes HOST:PORT, not "${text}"`);
        return address;
      }),
      seconds: wholeNumber("--seconds", flags.text("seconds") ?? "3600", {
        min: 1,
        max: MAX_SECONDS,
      }),
      clock: systemClock,
      signal: stop.signal,
      write,
    });
    return EXIT.ok;
  } finally {
    release();
  }
}

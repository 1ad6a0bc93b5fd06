/**
 * The program of a worker's process as text, where this program brings it along: the portable file does, since loading
 * all of that for each worker would cost it half a second and 50 MB.
 *
 * Whoever bundles this program prepends `globalThis.HAMLET_WORK_CODE = TEXT;`, the text being the bundle of
 * `work_main.ts`, minified.
 */

/** What one argument of a command line can hold, with room to spare: 128 KiB on Linux. */
const MAX_ADDRESS_LENGTH = 120_000;

/** A `data:` URL of the worker's program; `undefined` where there is none, or none that a command line can hold. */
export function workCodeAddress(os: string, scope: object = globalThis): string | undefined {
  const code = "HAMLET_WORK_CODE" in scope ? scope.HAMLET_WORK_CODE : undefined;
  // Windows holds 32 KiB.
  if (typeof code !== "string" || os === "windows") return undefined;
  const address = `data:text/javascript,${encodeURIComponent(code)}`;
  return address.length <= MAX_ADDRESS_LENGTH ? address : undefined;
}

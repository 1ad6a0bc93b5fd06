/**
 * The part of `@std/cli` 1.x that this project uses, for machines that cannot reach JSR.
 *
 * Names, signatures and results follow the published package, so that removing the `links` entry
 * from the root `deno.json` is the whole migration.
 *
 * @module
 */
export * from "./parse_args.ts";

/**
 * The part of `@std/async` 1.x that this project uses, for machines that cannot reach JSR.
 *
 * Names, signatures and results follow the published package, so that removing the `links` entry
 * from the root `deno.json` is the whole migration.
 *
 * @module
 */
export * from "./abortable.ts";
export * from "./deadline.ts";
export * from "./delay.ts";
export * from "./retry.ts";

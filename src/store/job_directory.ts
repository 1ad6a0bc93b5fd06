/**
 * What a device keeps of the jobs it knows: one directory a job, bounded in number and in bytes.
 *
 * ```
 * jobs/ID/spec.json       what is searched, as its owner signed it
 *         module.ts|.js   the code that evaluates, where the job brings its own
 *         ledger.json     what the village knows: participants, orders, the best, the verdict
 *         checkpoint.json what this device would lose: its search, and the ledger with it
 *         history.csv     how the best became better
 *         result.json     what came of it        plot.svg  the same to look at
 * ```
 *
 * Every file is replaced whole (`files.ts`). JSON is wrapped as `{"version":1,"PART":...}`; what cannot be read is set
 * aside and told, so that a checkpoint cut in half costs no more than what it held.
 */

import { type Bytes, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import { Fields } from "../base/guards.ts";
import { ensureDirectory, readFile, replaceFile, setAside, StoreError } from "./files.ts";

/** The parts that are JSON, and the bytes that each may have. */
const JSON_PARTS = Object.freeze({
  spec: 512 * 1024,
  ledger: 16 * 2 ** 20,
  checkpoint: 64 * 2 ** 20,
  result: 4 * 2 ** 20,
});
const TEXT_FILES = Object.freeze({ history: "history.csv", plot: "plot.svg" });
const MODULE_FILES = Object.freeze({ ts: "module.ts", js: "module.js" });
const MAX_TEXT_BYTES = 4 * 2 ** 20;
const MAX_MODULE_BYTES = 2 ** 20;
const VERSION = 1;
/** Base32 of 16 bytes: nothing that could lead out of the directory. */
const JOB_ID = /^[a-z2-7]{26}$/;

export type JobPart = keyof typeof JSON_PARTS;
export type JobText = keyof typeof TEXT_FILES;
export type ModuleLanguage = keyof typeof MODULE_FILES;

/** A part as it was found. */
export type StoredPart =
  | { readonly kind: "found"; readonly value: unknown }
  | { readonly kind: "missing" }
  /** It was moved to `aside`, unless the disk would not have that. */
  | { readonly kind: "damaged"; readonly reason: string; readonly aside: string | undefined };

export interface JobDirectoryOptions {
  /** Created when the first job is kept. */
  readonly path: string;
  readonly wallMs: () => number;
}

export class JobDirectory {
  readonly #options: JobDirectoryOptions;

  constructor(options: JobDirectoryOptions) {
    this.#options = options;
  }

  /** Ids of the jobs that are kept, those changed last first. Throws {@link StoreError}. */
  async list(): Promise<readonly string[]> {
    const found: { readonly id: string; readonly changedMs: number }[] = [];
    try {
      for await (const { name, isDirectory } of Deno.readDir(this.#options.path)) {
        if (!isDirectory || !JOB_ID.test(name)) continue;
        found.push({ id: name, changedMs: await this.#changedMs(name) });
      }
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw new StoreError(
        "unreadable",
        `Cannot read ${this.#options.path}: ${describeError(error)}`,
        { cause: error },
      );
    }
    return found.sort((a, b) => b.changedMs - a.changedMs).map(({ id }) => id);
  }

  /** Replaces one part. Throws {@link StoreError}. */
  async write(id: string, part: JobPart, value: unknown): Promise<void> {
    const bytes = encodeUtf8(JSON.stringify({ version: VERSION, [part]: value }) + "\n");
    const maxBytes = JSON_PARTS[part];
    if (bytes.length > maxBytes) {
      throw new StoreError(
        "too_large",
        `Cannot keep ${part} of job ${id}: ${bytes.length} bytes exceed ${maxBytes}`,
      );
    }
    await this.#replace(id, `${part}.json`, bytes);
  }

  /** Reads one part; a damaged one is set aside. Throws {@link StoreError} only where the disk fails. */
  async read(id: string, part: JobPart): Promise<StoredPart> {
    const path = this.pathOf(id, `${part}.json`);
    try {
      const bytes = await readFile(path, JSON_PARTS[part]);
      if (!bytes) return { kind: "missing" };
      const fields = Fields.of(JSON.parse(decodeUtf8(bytes)), part);
      fields.integer("version", { min: VERSION, max: VERSION });
      if (!fields.has(part)) throw new TypeError(`it has no ${part}`);
      return { kind: "found", value: fields.raw(part) };
    } catch (error) {
      if (error instanceof StoreError && error.code !== "too_large") throw error;
      return await this.setAside(id, part, describeError(error));
    }
  }

  /** Moves a part out of the way that `reason` makes useless. */
  async setAside(
    id: string,
    part: JobPart,
    reason: string,
  ): Promise<StoredPart & { readonly kind: "damaged" }> {
    const path = this.pathOf(id, `${part}.json`);
    const aside = await setAside(path, this.#options.wallMs()).catch(() => undefined);
    return { kind: "damaged", reason, aside };
  }

  async writeText(id: string, text: JobText, content: string): Promise<void> {
    await this.#replace(id, TEXT_FILES[text], encodeUtf8(content));
  }

  /** `undefined` where there is none, or it is no text. */
  async readText(id: string, text: JobText): Promise<string | undefined> {
    const bytes = await readFile(this.pathOf(id, TEXT_FILES[text]), MAX_TEXT_BYTES);
    try {
      return bytes && decodeUtf8(bytes);
    } catch {
      return undefined; // Not UTF-8: nothing that we wrote.
    }
  }

  async writeModule(id: string, language: ModuleLanguage, code: Bytes): Promise<void> {
    if (code.length > MAX_MODULE_BYTES) {
      throw new StoreError(
        "too_large",
        `Cannot keep the module of job ${id}: ${code.length} bytes exceed ${MAX_MODULE_BYTES}`,
      );
    }
    await this.#replace(id, MODULE_FILES[language], code);
  }

  /** The module as it is on the disk; who uses it checks its hash. */
  async readModule(id: string, language: ModuleLanguage): Promise<Bytes | undefined> {
    return await readFile(this.pathOf(id, MODULE_FILES[language]), MAX_MODULE_BYTES);
  }

  /** Removes everything of a job; a missing one is fine. Throws {@link StoreError}. */
  async remove(id: string): Promise<void> {
    const path = this.directoryOf(id);
    try {
      await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw new StoreError("unwritable", `Cannot remove job ${id}: ${describeError(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Removes jobs that are not in `kept` until at most `maxJobs` are left, those that changed longest ago first.
   * Resolves with the ids that are gone.
   */
  async reap(kept: ReadonlySet<string>, maxJobs: number): Promise<readonly string[]> {
    const ids = await this.list();
    const surplus = ids.length - maxJobs;
    if (surplus <= 0) return [];
    const gone = ids.filter((id) => !kept.has(id)).toReversed().slice(0, surplus);
    for (const id of gone) await this.remove(id);
    return gone;
  }

  directoryOf(id: string): string {
    if (!JOB_ID.test(id)) throw new TypeError("Cannot find a job's directory: that is no job id");
    return `${this.#options.path}/${id}`;
  }

  pathOf(id: string, file: string): string {
    return `${this.directoryOf(id)}/${file}`;
  }

  async #replace(id: string, file: string, bytes: Bytes): Promise<void> {
    await ensureDirectory(this.directoryOf(id));
    await replaceFile(this.pathOf(id, file), bytes);
  }

  async #changedMs(id: string): Promise<number> {
    try {
      const { mtime } = await Deno.stat(this.directoryOf(id));
      return mtime?.getTime() ?? 0;
    } catch {
      return 0; // It has just been removed.
    }
  }
}

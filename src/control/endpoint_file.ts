/**
 * The note that a running agent leaves in its state directory, so that commands find it: where the control
 * API listens and the token that opens it. Owner-readable only, removed at the end.
 */

import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { Fields } from "../base/guards.ts";
import { readFile, removeFile, replaceFile } from "../store/files.ts";

export interface Endpoint {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  /** The port on which peers are served. */
  readonly listenPort: number;
}

const FILE_NAME = "control.json";
const VERSION = 1;
const MAX_FILE_BYTES = 4_096;

export async function writeEndpoint(stateDir: string, endpoint: Endpoint): Promise<void> {
  const { url, token, pid, listenPort } = endpoint;
  const text = JSON.stringify({ version: VERSION, url, token, pid, listen_port: listenPort });
  await replaceFile(pathIn(stateDir), encodeUtf8(text + "\n"));
}

/** The endpoint of the agent that runs on `stateDir`; `undefined` when there is no note. */
export async function readEndpoint(stateDir: string): Promise<Endpoint | undefined> {
  const bytes = await readFile(pathIn(stateDir), MAX_FILE_BYTES);
  if (!bytes) return undefined;
  const fields = Fields.of(JSON.parse(decodeUtf8(bytes)), "control file");
  fields.integer("version", { min: VERSION, max: VERSION });
  return {
    url: fields.text("url", { maxLength: 256 }),
    token: fields.text("token", { maxLength: 256 }),
    pid: fields.integer("pid", { min: 0, max: Number.MAX_SAFE_INTEGER }),
    listenPort: fields.integer("listen_port", { min: 1, max: 65_535 }),
  };
}

export async function removeEndpoint(stateDir: string): Promise<void> {
  await removeFile(pathIn(stateDir)).catch(() => {
    // A note that is left behind names a process that is gone.
  });
}

function pathIn(stateDir: string): string {
  return `${stateDir}/${FILE_NAME}`;
}

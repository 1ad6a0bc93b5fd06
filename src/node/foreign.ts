/**
 * What a peer of another protocol gets (PROTOCOL.md section 2): an HTTP client a short `400` that says
 * what this port is, the others nothing.
 */

import { type Bytes, encodeUtf8 } from "../base/bytes.ts";
import type { Foreign } from "../wire/detect.ts";

const TEXT = "This is a hamlet node, not a web server. Ask it with: hamlet peers\n";

const HTTP_REPLY: Bytes = encodeUtf8(
  "HTTP/1.1 400 Bad Request\r\n" +
    "Content-Type: text/plain; charset=utf-8\r\n" +
    `Content-Length: ${TEXT.length}\r\n` +
    "Connection: close\r\n\r\n" + TEXT,
);

/** The bytes to send before closing; `undefined` for protocols that get none. */
export function foreignReply(foreign: Foreign): Bytes | undefined {
  return foreign === "http" ? HTTP_REPLY : undefined;
}

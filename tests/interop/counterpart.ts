/**
 * An independent node: JSON discovery 1.0 and 1.1, the sealed handshake and sessions, written from
 * PROTOCOL.md and published papers with @noble and sockets only. Nothing here comes from `src/`, so that a
 * mistake made there is not made here.
 */

import { assert, assertEquals } from "@std/assert";
import {
  base64Url,
  fromBase32,
  type Identity,
  isSignedBy,
  montgomeryOf,
  sign,
} from "./counterpart_identity.ts";
import { Initiator, Responder, type Secured } from "./counterpart_noise.ts";
import {
  type Bytes,
  bytesOf,
  DEADLINE_MS,
  join,
  type JsonMessage,
  textOf,
  Wire,
} from "./counterpart_wire.ts";

export const PROTOCOLS = Object.freeze(["json/1.0", "json/1.1", "sealed/1"]);
/** First byte of handshake payloads, and of sealed records. */
export const F8 = 0xf8;
export const F9 = 0xf9;

const PATTERN_XX = 1;
const KIND_REKEY = 7;
const KIND_MESSAGE = 9;
const MUX_HEADER = 8;

/** A signed 1.1 request; `more` adds or replaces members before it is signed. */
export function signedRequest(identity: Identity, more: JsonMessage = {}): JsonMessage {
  return sign(identity, {
    type: "PEER_DISCOVERY",
    sender_id: identity.id,
    timestamp: Date.now() / 1000,
    capabilities: {},
    protocols: PROTOCOLS,
    public_key: base64Url(identity.pub),
    nonce: base64Url(crypto.getRandomValues(new Uint8Array(16))),
    ...more,
  });
}

/** Asks in JSON 1.1 and checks that the reply is signed for us. */
export async function discover(
  wire: Wire,
  identity: Identity,
  more: JsonMessage = {},
): Promise<JsonMessage> {
  const request = signedRequest(identity, more);
  await wire.writeFrame(JSON.stringify(request));
  const reply = await wire.expectJson();
  assertEquals(reply["type"], "PEER_DISCOVERY_RESPONSE");
  assertEquals(reply["reply_to"], request["nonce"]);
  assertEquals(reply["public_key"], base64Url(fromBase32(String(reply["node_id"]))));
  assert(isSignedBy(reply["node_id"], reply), "the reply's signature must verify");
  return reply;
}

/** The answer of a 1.1 node to `request`. */
export function signedReply(
  identity: Identity,
  request: JsonMessage,
  more: JsonMessage = {},
): JsonMessage {
  return sign(identity, {
    type: "PEER_DISCOVERY_RESPONSE",
    sender_id: identity.id,
    node_id: identity.id,
    listen_port: 9,
    capabilities: {},
    status: "active",
    protocol_version: "1.1",
    protocols: PROTOCOLS,
    public_key: base64Url(identity.pub),
    reply_to: request["nonce"],
    timestamp: Date.now() / 1000,
    ...more,
  });
}

/** A node's signed word on where it is, as peers pass it on. */
export function peerRecord(
  identity: Identity,
  addresses: readonly string[],
  more: JsonMessage = {},
): JsonMessage {
  const seq = Date.now();
  const record = { type: "PEER_RECORD", node_id: identity.id, addresses, seq };
  return sign(identity, { ...record, expires: seq + 3_600_000, ...more });
}

/** What may be bent in a handshake. */
export interface HandshakeOptions {
  readonly versions?: readonly [min: number, max: number];
  /** Members of our introduction to add or replace. */
  readonly introduction?: JsonMessage;
  /** Changes the handshake frame that we are about to send. */
  readonly tamper?: (frame: Bytes) => Bytes;
}

/** The first frame's five header bytes. */
export function helloHeader(min: number, max: number, pattern = PATTERN_XX): Bytes {
  return Uint8Array.of(F8, 1, pattern, min, max);
}

/** Dials: F8 01, F8 02, F8 03. */
export async function initiate(
  wire: Wire,
  identity: Identity,
  options: HandshakeOptions = {},
): Promise<Session> {
  const header = helloHeader(...(options.versions ?? [1, 1] as const));
  const noise = new Initiator(identity.s, join(bytesOf("hamlet"), header));
  await wire.writeFrame(join(header, noise.first()));
  const reply = await wire.expectFrame();
  assertEquals([...reply.subarray(0, 3)], [F8, 2, 1]);
  const theirs = JSON.parse(textOf(noise.second(reply.slice(3))));
  const third = noise.third(introduction(identity, 1, options.introduction));
  const tamper = options.tamper ?? ((bytes: Bytes) => bytes);
  await wire.writeFrame(tamper(join(Uint8Array.of(F8, 3), third)));
  return new Session(wire, identity, theirs, noise.split());
}

/** Answers a dialler whose first handshake frame is `first`. */
export async function respond(
  wire: Wire,
  identity: Identity,
  first: Bytes,
  options: HandshakeOptions = {},
): Promise<Session> {
  const header = first.slice(0, 5);
  assertEquals([...header], [...helloHeader(1, 1)]);
  const noise = new Responder(identity.s, join(bytesOf("hamlet"), header));
  noise.first(first.slice(5));
  const second = noise.second(introduction(identity, 1, options.introduction));
  const tamper = options.tamper ?? ((bytes: Bytes) => bytes);
  await wire.writeFrame(tamper(join(Uint8Array.of(F8, 2, 1), second)));
  const third = await wire.readFrame();
  if (!third) throw new Error("The dialler closed instead of finishing the handshake");
  assertEquals([...third.subarray(0, 2)], [F8, 3]);
  const theirs = JSON.parse(textOf(noise.third(third.slice(2))));
  return new Session(wire, identity, theirs, noise.split());
}

/** An open sealed session. */
export class Session implements Disposable {
  readonly wire: Wire;
  readonly identity: Identity;
  /** What the other side said of itself, checked against its key. */
  readonly peer: JsonMessage;
  /** Announcements of fresh keys that have arrived. */
  rekeyed = 0;
  readonly #secured: Secured;
  readonly #inbox: JsonMessage[] = [];

  constructor(wire: Wire, identity: Identity, peer: JsonMessage, secured: Secured) {
    assertEquals(montgomeryOf(fromBase32(String(peer["node_id"]))), secured.rs);
    assertEquals(peer["version"], 1);
    [this.wire, this.identity, this.peer, this.#secured] = [wire, identity, peer, secured];
  }

  get peerId(): string {
    return String(this.peer["node_id"]);
  }

  /** An envelope of `type` from us; `more` adds or replaces keys. */
  envelope(type: string, data: JsonMessage = {}, more: JsonMessage = {}): JsonMessage {
    return {
      message_id: crypto.randomUUID(),
      type,
      sender_id: this.identity.id,
      recipient_id: this.peerId,
      timestamp: Date.now() / 1000,
      priority: 1,
      data,
      ...more,
    };
  }

  /** Sends and returns the envelope's id. */
  async send(type: string, data: JsonMessage = {}, more: JsonMessage = {}): Promise<string> {
    const envelope = this.envelope(type, data, more);
    await this.sendAll([envelope]);
    return String(envelope["message_id"]);
  }

  /** Sends several envelopes in one record. */
  async sendAll(envelopes: readonly JsonMessage[]): Promise<void> {
    await this.sendPlaintext(join(...envelopes.map((each) => muxFrame(JSON.stringify(each)))));
  }

  /** Seals `plaintext` as one record. */
  async sendPlaintext(plaintext: Bytes): Promise<void> {
    await this.wire.writeFrame(this.seal(plaintext));
  }

  /** A record's payload, `F9 | ciphertext | tag`. */
  seal(plaintext: Bytes): Bytes {
    return join(Uint8Array.of(F9), this.#secured.send.encrypt(new Uint8Array(0), plaintext));
  }

  /** Announces a fresh key under the old one. */
  async rekey(): Promise<void> {
    await this.sendPlaintext(Uint8Array.of(KIND_REKEY, 0, 0, 0, 0, 0, 0, 0));
    this.#secured.send.rekey();
  }

  /** The next envelope; `undefined` when the other side has ended. */
  async next(deadlineMs = DEADLINE_MS): Promise<JsonMessage | undefined> {
    while (this.#inbox.length === 0) {
      const payload = await this.wire.readFrame(deadlineMs);
      if (!payload) return undefined;
      this.#open(payload);
    }
    return this.#inbox.shift();
  }

  /** The next envelope that `matches`; others are passed over. */
  async until(
    what: string,
    matches: (envelope: JsonMessage) => boolean,
    deadlineMs = DEADLINE_MS,
  ): Promise<JsonMessage> {
    for (;;) {
      const envelope = await this.next(deadlineMs);
      if (!envelope) throw new Error(`The session ended before ${what}`);
      if (matches(envelope)) return envelope;
    }
  }

  /** The next envelope of `type`. */
  untilType(type: string): Promise<JsonMessage> {
    return this.until(`a ${type}`, (envelope) => envelope["type"] === type);
  }

  /** The next answer to message `id`. */
  untilAnswer(id: string): Promise<JsonMessage> {
    return this.until("an answer", (envelope) => envelope["correlation_id"] === id);
  }

  /** A round trip; also proves that everything sent before has been dealt with. */
  async ping(): Promise<readonly JsonMessage[]> {
    const id = await this.send("PING");
    const before: JsonMessage[] = [];
    await this.until("a PONG", (envelope) => {
      if (envelope["type"] === "PONG" && envelope["correlation_id"] === id) return true;
      before.push(envelope);
      return false;
    });
    return before;
  }

  /** Resolves when the other side has ended the connection. */
  async ended(): Promise<void> {
    while (await this.next() !== undefined);
  }

  [Symbol.dispose](): void {
    this.wire.close();
  }

  #open(payload: Bytes): void {
    assertEquals(payload[0], F9, "a sealed session carries records only");
    const plaintext = this.#secured.receive.decrypt(new Uint8Array(0), payload.slice(1));
    const view = new DataView(plaintext.buffer);
    for (let offset = 0; offset < plaintext.length;) {
      const end = offset + MUX_HEADER + view.getUint16(offset + 6);
      if (plaintext[offset] === KIND_REKEY) {
        assertEquals(end, plaintext.length, "an announcement is alone in its record");
        this.#secured.receive.rekey();
        this.rekeyed++;
      } else {
        assertEquals(plaintext[offset], KIND_MESSAGE);
        assertEquals(view.getUint32(offset + 2), 0);
        this.#inbox.push(JSON.parse(textOf(plaintext.subarray(offset + MUX_HEADER, end))));
      }
      offset = end;
    }
  }
}

/** `kind u8 | flags u8 | stream u32 | length u16 | body` */
export function muxFrame(body: string, kind = KIND_MESSAGE): Bytes {
  const bytes = bytesOf(body);
  const header = new Uint8Array(MUX_HEADER);
  header[0] = kind;
  new DataView(header.buffer).setUint16(6, bytes.length);
  return join(header, bytes);
}

function introduction(identity: Identity, version: number, more: JsonMessage = {}): Bytes {
  const features = ["envelope/1", "exchange/1"];
  const own = { node_id: identity.id, version, features, listen: [], capabilities: {} };
  return bytesOf(JSON.stringify({ ...own, ...more }));
}

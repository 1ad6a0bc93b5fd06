/**
 * The envelope: one JSON message inside a session, with the keys that the older nodes gave it (LEGACY,
 * envelope). The one conversion place between its wire form and {@link Envelope}.
 */

import { type Bytes, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { FieldError, Fields, isShallow, type JsonObject } from "../base/guards.ts";
import { MAX_MUX_BODY_BYTES } from "../channel/mux_frame.ts";
import { NORMAL, PRIORITIES, type Priority } from "../channel/scheduler.ts";

export const MESSAGE_TYPES = [
  "PING",
  "PONG",
  "HEARTBEAT",
  "ERROR",
  "ACK",
  "PEER_DISCOVERY",
  "PEER_INTRODUCTION",
  "PEER_ANNOUNCEMENT",
  "PEER_GOODBYE",
  "NETWORK_STATE",
  "EVOLUTION_START",
  "EVOLUTION_PROGRESS",
  "EVOLUTION_COMPLETE",
  "EVOLUTION_REQUEST_HELP",
  "EVOLUTION_OFFER_HELP",
  "EVOLUTION_ACCEPT_HELP",
  "EVOLUTION_DECLINE_HELP",
  "EVOLUTION_PROPOSAL",
  "EVOLUTION_VOTE",
  "EVOLUTION_CONSENSUS",
  "EVOLUTION_METRICS_SHARE",
  "EVOLUTION_RESULTS_SHARE",
  "EVOLUTION_KNOWLEDGE_SHARE",
  "RESOURCE_STATUS",
  "RESOURCE_REQUEST",
  "RESOURCE_ALLOCATION",
] as const;
export type MessageType = typeof MESSAGE_TYPES[number];

const EVOLUTION_TYPES = ["nightly", "breakthrough", "emergency"] as const;
export type EvolutionType = typeof EVOLUTION_TYPES[number];

/** One message between two members of a session. Times are Unix ms. */
export interface Envelope {
  readonly messageId: string;
  readonly type: MessageType;
  readonly senderId: string;
  /** `null` is a broadcast. */
  readonly recipientId: string | null;
  readonly sentAtMs: number;
  readonly priority: Priority;
  readonly evolutionId: string | null;
  readonly evolutionType: EvolutionType | null;
  readonly agentId: string | null;
  readonly data: JsonObject;
  readonly retryCount: number;
  readonly maxRetries: number;
  /** `null` never expires. */
  readonly expiresAtMs: number | null;
  readonly requiresAck: boolean;
  /** The message that this one answers. */
  readonly correlationId: string | null;
}

/** An envelope that cannot be read. */
export class EnvelopeError extends CodedError<"malformed" | "missing_field" | "invalid_field"> {
  override readonly name = "EnvelopeError";
}

const MAX_ID_LENGTH = 128;
const MAX_DEPTH = 16;
const MAX_RETRIES = 10;
const ID = Object.freeze({ maxLength: MAX_ID_LENGTH });
const SECONDS = Object.freeze({ min: 0, max: 1e11 });

/** A new message, addressed to one peer, that expires by nothing and asks for nothing unless told to. */
export function newEnvelope(
  message:
    & Pick<Envelope, "senderId" | "recipientId" | "type" | "data">
    & Partial<Pick<Envelope, "priority" | "requiresAck" | "correlationId" | "expiresAtMs">>
    & Partial<Pick<Envelope, "evolutionId" | "evolutionType">>
    & { readonly wallMs: number },
): Envelope {
  const { wallMs, ...given } = message;
  return {
    messageId: crypto.randomUUID(),
    sentAtMs: wallMs,
    priority: NORMAL,
    evolutionId: null,
    evolutionType: null,
    agentId: null,
    retryCount: 0,
    maxRetries: 3,
    expiresAtMs: null,
    requiresAck: false,
    correlationId: null,
    ...given,
  };
}

/** The JSON bytes of `envelope`. Throws `RangeError` above what one record carries. */
export function encodeEnvelope(envelope: Envelope): Bytes {
  const bytes = encodeUtf8(JSON.stringify({
    message_id: envelope.messageId,
    type: envelope.type,
    sender_id: envelope.senderId,
    recipient_id: envelope.recipientId,
    timestamp: envelope.sentAtMs / 1000,
    priority: envelope.priority,
    evolution_id: envelope.evolutionId,
    evolution_type: envelope.evolutionType,
    agent_id: envelope.agentId,
    data: envelope.data,
    retry_count: envelope.retryCount,
    max_retries: envelope.maxRetries,
    expiry_time: envelope.expiresAtMs === null ? null : envelope.expiresAtMs / 1000,
    requires_ack: envelope.requiresAck,
    correlation_id: envelope.correlationId,
  }));
  if (bytes.length > MAX_MUX_BODY_BYTES) {
    throw new RangeError(
      `Cannot send ${envelope.type}: length ${bytes.length} exceeds ${MAX_MUX_BODY_BYTES}`,
    );
  }
  return bytes;
}

/** Reads an envelope. Throws {@link EnvelopeError}; `data` stays untrusted. */
export function decodeEnvelope(bytes: Bytes): Envelope {
  try {
    const value: unknown = JSON.parse(decodeUtf8(bytes));
    if (!isShallow(value, MAX_DEPTH)) {
      throw new EnvelopeError("malformed", `Cannot read envelope: deeper than ${MAX_DEPTH} levels`);
    }
    return readEnvelope(Fields.of(value, "envelope"));
  } catch (error) {
    if (error instanceof EnvelopeError) throw error;
    if (error instanceof FieldError) {
      throw new EnvelopeError(error.code, error.message, { cause: error });
    }
    throw new EnvelopeError("malformed", "Cannot read envelope: it is not JSON in UTF-8", {
      cause: error,
    });
  }
}

function readEnvelope(fields: Fields): Envelope {
  const evolutionType = fields.raw("evolution_type") ?? null;
  const expirySeconds = fields.numberOrNull("expiry_time", SECONDS);
  const data = fields.raw("data") === null ? {} : fields.object("data", { absent: {} }).value;
  return Object.freeze({
    messageId: fields.text("message_id", ID),
    type: fields.oneOf("type", MESSAGE_TYPES),
    senderId: fields.text("sender_id", ID),
    recipientId: fields.textOrNull("recipient_id", ID),
    sentAtMs: fields.number("timestamp", { ...SECONDS, absent: 0 }) * 1000,
    priority: fields.integer("priority", {
      min: 0,
      max: PRIORITIES - 1,
      absent: NORMAL,
    }) as Priority,
    evolutionId: fields.textOrNull("evolution_id", ID),
    evolutionType: evolutionType === null ? null : fields.oneOf("evolution_type", EVOLUTION_TYPES),
    agentId: fields.textOrNull("agent_id", ID),
    data,
    retryCount: fields.integer("retry_count", { min: 0, max: MAX_RETRIES, absent: 0 }),
    maxRetries: fields.integer("max_retries", { min: 0, max: MAX_RETRIES, absent: 3 }),
    expiresAtMs: expirySeconds === null ? null : expirySeconds * 1000,
    requiresAck: fields.boolean("requires_ack", { absent: false }),
    correlationId: fields.textOrNull("correlation_id", ID),
  });
}

/**
 * What every conversation of this node shares: its keys, its words about itself, and its limits.
 */

import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { JsonObject } from "../base/guards.ts";
import type { PeerId } from "../base/peer_id.ts";
import {
  encodeMessage,
  NONCE_BYTES,
  nonceText,
  type SelfDescription,
  writeRequest,
} from "../discovery/message.ts";
import { DiscoveryResponder, type LegacyPolicy } from "../discovery/responder.ts";
import { DEFAULT_RATE_LIMIT, RateLimiter, type RateLimitOptions } from "../discovery/rate_limit.ts";
import { type Address, scopeOf } from "../net/address.ts";
import { type HelloOptions, SUPPORTED_VERSIONS, type VersionRange } from "../noise/hello.ts";
import { type Primitives, randomBytes } from "../noise/primitives.ts";
import type { Membership, Standing } from "../trust/membership.ts";
import { type ConversationDeadlines, DEFAULT_DEADLINES } from "./deadlines.ts";
import type { Identity } from "./identity.ts";
import { encodeIntroduction, FEATURES, GOSSIP, type Introduction } from "./introduction.ts";
import { Tally } from "./tally.ts";

export interface LocalNodeOptions {
  readonly identity: Identity;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly legacy: LegacyPolicy;
  readonly rateLimit?: RateLimitOptions;
  readonly limitLoopback?: boolean;
  readonly versions?: VersionRange;
  /** Our network; without one, any authenticated key is accepted. */
  readonly membership?: Membership | undefined;
  /** The secrets of the invitations we have given out; see `InvitationBook.keyOf`. */
  readonly invitationKeyOf?: (id: Bytes) => Bytes;
  /** The invitation that we use: its key, its id. */
  readonly psk?: Bytes;
  readonly pskId?: Bytes;
  readonly deadlines?: ConversationDeadlines;
  readonly maxHandshakes?: number;
  /** Whether somebody here takes what the village says: the agent does, a bare node has nobody for it. */
  readonly hasGossip?: boolean;
  /** What we are now. */
  describe(): SelfDescription;
  /** Where we listen, as others can reach it. */
  addresses(): readonly Address[];
}

/** Handshakes that may be under way at once: each costs a stranger nothing and us a millisecond. */
export const DEFAULT_MAX_HANDSHAKES = 64;
/** Of those, the share one address may have; loopback, where a whole village may live, may have all. */
const MAX_HANDSHAKES_PER_HOST = 16;

/** Our addresses may change unseen: they are asked for again after so long. */
const SAME_WORDS_MS = 1_000;

/** An introduction as it was last encoded, and what it was made of. */
interface Said extends Pick<Introduction, "version" | "capabilities" | "proof"> {
  readonly atMs: number;
  readonly bytes: Bytes;
}

const WITHOUT_GOSSIP = FEATURES.filter((feature) => feature !== GOSSIP);

export class LocalNode {
  readonly identity: Identity;
  readonly primitives: Primitives;
  readonly deadlines: ConversationDeadlines;
  readonly responder: DiscoveryResponder;
  readonly hello: HelloOptions;
  /** What its connections count together. */
  readonly tally = new Tally();
  readonly #options: LocalNodeOptions;
  /** Handshakes of strangers under way, by host. */
  readonly #handshakes = new Map<string, number>();
  #handshakesInFlight = 0;
  #said: Said | undefined;

  constructor(options: LocalNodeOptions) {
    const { identity, primitives, clock, legacy } = options;
    this.#options = options;
    this.identity = identity;
    this.primitives = primitives;
    this.deadlines = options.deadlines ?? DEFAULT_DEADLINES;
    this.hello = {
      primitives,
      s: identity.dh,
      versions: options.versions ?? SUPPORTED_VERSIONS,
      psk: options.psk,
      pskId: options.pskId,
      pskOf: options.invitationKeyOf,
    };
    this.responder = new DiscoveryResponder({
      clock,
      legacy,
      signer: identity.signing,
      verify: primitives.verify,
      limiter: new RateLimiter(options.rateLimit ?? DEFAULT_RATE_LIMIT),
      limitLoopback: options.limitLoopback ?? false,
      describe: () => options.describe(),
    });
  }

  /** Handshakes of strangers under way. */
  get handshakesInFlight(): number {
    return this.#handshakesInFlight;
  }

  /** Our wall clock, Unix ms. */
  wallMs(): number {
    return this.#options.clock.wallMs();
  }

  /** A fresh discovery request, and the nonce that its reply must sign back. */
  request(): { readonly payload: Bytes; readonly nonce: string } {
    const nonce = nonceText(randomBytes(NONCE_BYTES));
    const request = writeRequest(this.#options.describe(), this.identity.signing, {
      nonce,
      wallMs: this.wallMs(),
    });
    return { payload: encodeMessage(request), nonce };
  }

  /** What we seal into a handshake of `version`. */
  introduce(version: number): Introduction {
    return {
      id: this.identity.id,
      version,
      features: this.#options.hasGossip ? FEATURES : WITHOUT_GOSSIP,
      listen: this.#options.addresses(),
      capabilities: this.#options.describe().capabilities,
      proof: this.#options.membership?.prove(),
    };
  }

  /** {@link introduce}, encoded: of handshakes within {@link SAME_WORDS_MS} all that say the same say it alike. */
  introduction(version: number): Bytes {
    const nowMs = this.#options.clock.now();
    const { capabilities } = this.#options.describe();
    const proof = this.#options.membership?.prove();
    const said = this.#said;
    const isSame = said?.version === version && said.capabilities === capabilities &&
      said.proof === proof && nowMs - said.atMs < SAME_WORDS_MS;
    if (isSame) return said.bytes;
    const bytes = encodeIntroduction(this.introduce(version));
    this.#said = { version, capabilities, proof, atMs: nowMs, bytes };
    return bytes;
  }

  /** As what a peer whose key is proved may take part. Throws `TrustError` when it may not. */
  judge({ id, proof }: Introduction): Standing {
    return this.#options.membership?.judge(id, proof) ?? { kind: "open" };
  }

  /** What shows that `id` was removed from our network, for itself. */
  revocationOf(id: PeerId): JsonObject | undefined {
    return this.#options.membership?.roster.revocationOf(id)?.signed;
  }

  /** A place among the handshakes in flight, to be released once; `undefined` when all are taken. */
  admitHandshake(host: string): (() => void) | undefined {
    const max = this.#options.maxHandshakes ?? DEFAULT_MAX_HANDSHAKES;
    const maxOfHost = scopeOf(host) === "loopback" ? max : MAX_HANDSHAKES_PER_HOST;
    const ofHost = this.#handshakes.get(host) ?? 0;
    if (this.#handshakesInFlight >= max || ofHost >= maxOfHost) return undefined;
    this.#countHandshake(host, 1);
    let isHeld = true;
    return () => {
      if (isHeld) this.#countHandshake(host, -1);
      isHeld = false;
    };
  }

  #countHandshake(host: string, change: 1 | -1): void {
    this.#handshakesInFlight += change;
    const count = (this.#handshakes.get(host) ?? 0) + change;
    if (count === 0) this.#handshakes.delete(host);
    else this.#handshakes.set(host, count);
  }
}

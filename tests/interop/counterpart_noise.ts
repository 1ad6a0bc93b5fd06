/**
 * The counterpart's Noise_XX_25519_ChaChaPoly_SHA256, written straight from "The Noise Protocol
 * Framework", revision 34: sections 4.2, 4.3, 5.1 and 5.2, and the XX pattern of section 7.5 spelt out.
 */

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, bytesOf, join } from "./counterpart_wire.ts";

const EMPTY: Bytes = new Uint8Array(0);
const NAME = "Noise_XX_25519_ChaChaPoly_SHA256";
const TAG = 16;
const KEY = 32;

export interface KeyPair {
  readonly secret: Bytes;
  readonly pub: Bytes;
}

export function generateKeyPair(): KeyPair {
  const secret = crypto.getRandomValues(new Uint8Array(KEY));
  return { secret, pub: Uint8Array.from(x25519.getPublicKey(secret)) };
}

/** A key and a counter (section 5.1). */
export class Cipher {
  #k: Bytes;
  n = 0n;

  constructor(k: Bytes) {
    this.#k = k;
  }

  encrypt(ad: Bytes, plaintext: Bytes): Bytes {
    return Uint8Array.from(
      chacha20poly1305(this.#k, nonceOf(this.n++), ad).encrypt(plaintext),
    );
  }

  /** Throws when the tag does not verify. */
  decrypt(ad: Bytes, ciphertext: Bytes): Bytes {
    const plaintext = chacha20poly1305(this.#k, nonceOf(this.n), ad).decrypt(ciphertext);
    this.n++;
    return Uint8Array.from(plaintext);
  }

  /** REKEY (section 4.2): the first 32 bytes of ENCRYPT(k, 2^64-1, "", zeros). */
  rekey(): void {
    const nonce = nonceOf(2n ** 64n - 1n);
    const sealed = chacha20poly1305(this.#k, nonce, EMPTY).encrypt(new Uint8Array(KEY));
    this.#k = Uint8Array.from(sealed.subarray(0, KEY));
  }
}

/** What a handshake leaves behind. */
export interface Secured {
  readonly send: Cipher;
  readonly receive: Cipher;
  /** The other side's static key. */
  readonly rs: Bytes;
}

/** XX as its initiator. */
export class Initiator {
  readonly #s: KeyPair;
  readonly #e = generateKeyPair();
  readonly #symmetric: Symmetric;
  #re = EMPTY;
  #rs = EMPTY;

  constructor(s: KeyPair, prologue: Bytes) {
    this.#s = s;
    this.#symmetric = new Symmetric(prologue);
  }

  /** -> e */
  first(): Bytes {
    this.#symmetric.mixHash(this.#e.pub);
    return join(this.#e.pub, this.#symmetric.encryptAndHash(EMPTY));
  }

  /** <- e, ee, s, es */
  second(message: Bytes): Bytes {
    const symmetric = this.#symmetric;
    this.#re = message.slice(0, KEY);
    symmetric.mixHash(this.#re);
    symmetric.mixKey(agree(this.#e, this.#re));
    this.#rs = symmetric.decryptAndHash(message.slice(KEY, 2 * KEY + TAG));
    symmetric.mixKey(agree(this.#e, this.#rs));
    return symmetric.decryptAndHash(message.slice(2 * KEY + TAG));
  }

  /** -> s, se */
  third(payload: Bytes): Bytes {
    const symmetric = this.#symmetric;
    const s = symmetric.encryptAndHash(this.#s.pub);
    symmetric.mixKey(agree(this.#s, this.#re));
    return join(s, symmetric.encryptAndHash(payload));
  }

  split(): Secured {
    const [send, receive] = this.#symmetric.split();
    return { send, receive, rs: this.#rs };
  }
}

/** XX as its responder. */
export class Responder {
  readonly #s: KeyPair;
  readonly #e = generateKeyPair();
  readonly #symmetric: Symmetric;
  #re = EMPTY;
  #rs = EMPTY;

  constructor(s: KeyPair, prologue: Bytes) {
    this.#s = s;
    this.#symmetric = new Symmetric(prologue);
  }

  first(message: Bytes): Bytes {
    this.#re = message.slice(0, KEY);
    this.#symmetric.mixHash(this.#re);
    return this.#symmetric.decryptAndHash(message.slice(KEY));
  }

  second(payload: Bytes): Bytes {
    const symmetric = this.#symmetric;
    symmetric.mixHash(this.#e.pub);
    symmetric.mixKey(agree(this.#e, this.#re));
    const s = symmetric.encryptAndHash(this.#s.pub);
    symmetric.mixKey(agree(this.#s, this.#re));
    return join(this.#e.pub, s, symmetric.encryptAndHash(payload));
  }

  third(message: Bytes): Bytes {
    const symmetric = this.#symmetric;
    this.#rs = symmetric.decryptAndHash(message.slice(0, KEY + TAG));
    symmetric.mixKey(agree(this.#e, this.#rs));
    return symmetric.decryptAndHash(message.slice(KEY + TAG));
  }

  split(): Secured {
    const [receive, send] = this.#symmetric.split();
    return { send, receive, rs: this.#rs };
  }
}

/** `ck`, `h` and the handshake's cipher (section 5.2). */
class Symmetric {
  /** The name is exactly 32 bytes long, so it is its own hash. */
  #ck: Bytes = bytesOf(NAME);
  #h: Bytes = bytesOf(NAME);
  #cipher: Cipher | undefined;

  constructor(prologue: Bytes) {
    this.mixHash(prologue);
  }

  mixHash(bytes: Bytes): void {
    this.#h = Uint8Array.from(sha256(join(this.#h, bytes)));
  }

  mixKey(material: Bytes): void {
    const [ck, k] = hkdf(this.#ck, material);
    this.#ck = ck;
    this.#cipher = new Cipher(k);
  }

  encryptAndHash(plaintext: Bytes): Bytes {
    const ciphertext = this.#cipher?.encrypt(this.#h, plaintext) ?? plaintext;
    this.mixHash(ciphertext);
    return ciphertext;
  }

  decryptAndHash(ciphertext: Bytes): Bytes {
    const plaintext = this.#cipher?.decrypt(this.#h, ciphertext) ?? ciphertext;
    this.mixHash(ciphertext);
    return plaintext;
  }

  split(): [Cipher, Cipher] {
    const [first, second] = hkdf(this.#ck, EMPTY);
    return [new Cipher(first), new Cipher(second)];
  }
}

function agree(ours: KeyPair, theirs: Bytes): Bytes {
  return Uint8Array.from(x25519.getSharedSecret(ours.secret, theirs));
}

/** Section 4.3, two outputs. */
function hkdf(ck: Bytes, material: Bytes): [Bytes, Bytes] {
  const temp = hmac(sha256, ck, material);
  const first = Uint8Array.from(hmac(sha256, temp, Uint8Array.of(1)));
  const second = Uint8Array.from(hmac(sha256, temp, join(first, Uint8Array.of(2))));
  return [first, second];
}

/** 32 zero bits, then the counter as 64 bits little-endian (section 12.3). */
function nonceOf(n: bigint): Bytes {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, n, true);
  return nonce;
}

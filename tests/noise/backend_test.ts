/** The self-test that decides which cryptography is used: each primitive broken in turn. */

import { assert, assertEquals, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, totalLength } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { type Backend, chooseBackend } from "../../src/noise/backend.ts";
import { nativePrimitives } from "../../src/noise/native.ts";
import { noblePrimitives } from "../../src/noise/noble.ts";
import type { Aead, DhKeyPair, Primitives } from "../../src/noise/primitives.ts";
import { selfTest, selfTestSmall } from "../../src/noise/self_test.ts";
import { SMALL_BYTES } from "../../src/noise/wasm_aead.ts";
import { busyPrimitives as native, fixedBytes, flipped, smallAead } from "./fixtures.ts";

/** One thing broken, and the primitive that the refusal must name. */
const BROKEN: readonly {
  readonly what: string;
  readonly names: string;
  readonly primitives: Primitives;
}[] = [
  {
    what: "a cipher that seals one bit wrong",
    names: "ChaCha20-Poly1305 seal",
    primitives: withAead({ seal: sealWrongWhen(() => true) }),
  },
  {
    what: "a cipher that seals small records wrong",
    names: "ChaCha20-Poly1305 seal",
    primitives: withAead({ seal: sealWrongWhen((length) => length <= SMALL_BYTES) }),
  },
  {
    what: "a cipher that seals large records wrong",
    names: "ChaCha20-Poly1305 seal",
    primitives: withAead({ seal: sealWrongWhen((length) => length > SMALL_BYTES) }),
  },
  {
    what: "a cipher that ignores the associated data",
    names: "ChaCha20-Poly1305 seal",
    primitives: withAead({
      seal: (key, nonce, _ad, parts, out, at) =>
        native.aead.seal(key, nonce, new Uint8Array(0), parts, out, at),
    }),
  },
  {
    what: "a cipher that seals only the first part",
    names: "ChaCha20-Poly1305 seal",
    primitives: withAead({
      seal: (key, nonce, ad, parts, out, at) => {
        const rest = parts.slice(1).map((part) => new Uint8Array(part.length));
        native.aead.seal(key, nonce, ad, [...parts.slice(0, 1), ...rest], out, at);
      },
    }),
  },
  {
    what: "a cipher that seals at the beginning wherever it is told to",
    names: "ChaCha20-Poly1305 seal behind a byte",
    primitives: withAead({
      seal: (key, nonce, ad, parts, out) => native.aead.seal(key, nonce, ad, parts, out),
    }),
  },
  {
    what: "a cipher that opens from the beginning whatever it is told",
    names: "ChaCha20-Poly1305 open behind a byte",
    primitives: withAead({
      open: (key, nonce, ad, sealed) => native.aead.open(key, nonce, ad, sealed),
    }),
  },
  {
    what: "a cipher that opens nothing",
    names: "ChaCha20-Poly1305 open",
    primitives: withAead({ open: () => undefined }),
  },
  {
    what: "a cipher that opens one bit wrong",
    names: "ChaCha20-Poly1305 open",
    primitives: withAead({
      open: (key, nonce, ad, sealed, from) => {
        const plaintext = native.aead.open(key, nonce, ad, sealed, from);
        return plaintext && plaintext.length > 0 ? flipped(plaintext, 0) : plaintext;
      },
    }),
  },
  {
    what: "a cipher that never looks at the tag",
    names: "ChaCha20-Poly1305 forgery",
    primitives: withAead({ open: openUnchecked }),
  },
  {
    what: "X25519 with a wrong public key",
    names: "X25519 public key",
    primitives: withDh((pair) => ({ ...pair, publicKey: flipped(pair.publicKey, 0) })),
  },
  {
    what: "X25519 with a wrong secret",
    names: "X25519",
    primitives: withDh((pair) => ({
      ...pair,
      agree: (publicKey) => {
        const secret = pair.agree(publicKey);
        return secret && flipped(secret, 31);
      },
    })),
  },
  {
    what: "X25519 that accepts low-order points",
    names: "X25519 low-order point",
    primitives: withDh((pair) => ({
      ...pair,
      agree: (publicKey) => pair.agree(publicKey) ?? new Uint8Array(32),
    })),
  },
  {
    what: "X25519 that generates an all-zero public key",
    names: "X25519 key pair",
    primitives: withGenerated((pair) => ({ ...pair, publicKey: new Uint8Array(32) })),
  },
  {
    what: "X25519 that generates a public key one byte short",
    names: "X25519 key pair",
    primitives: withGenerated((pair) => ({ ...pair, publicKey: fixedBytes(31, 1) })),
  },
  {
    what: "X25519 that generates the same foreign public key for every pair",
    names: "X25519 key pair",
    primitives: withGenerated((pair) => ({ ...pair, publicKey: fixedBytes(32, 1) })),
  },
  {
    what: "X25519 whose generated pairs agree on a wrong secret",
    names: "X25519 key pair",
    primitives: withGenerated((pair) => ({
      ...pair,
      agree: (publicKey) => {
        const secret = pair.agree(publicKey);
        return secret && flipped(secret, 0);
      },
    })),
  },
  {
    what: "Ed25519 with a wrong signature",
    names: "Ed25519",
    primitives: {
      ...native,
      importSigningKeyPair: (seed) => {
        const pair = native.importSigningKeyPair(seed);
        return { ...pair, sign: (message) => flipped(pair.sign(message), 63) };
      },
    },
  },
  {
    what: "Ed25519 that verifies nothing",
    names: "Ed25519 verify",
    primitives: { ...native, verify: () => false },
  },
  {
    what: "Ed25519 that verifies everything",
    names: "Ed25519 verify",
    primitives: { ...native, verify: () => true },
  },
  {
    what: "Ed25519 that accepts low-order keys",
    names: "Ed25519 low-order point",
    primitives: {
      ...native,
      // ZIP 215 admits them; OpenSSL and its kin do, too.
      verify: (publicKey, message, signature) =>
        ed25519.verify(signature, message, publicKey, { zip215: true }),
    },
  },
  {
    what: "SHA-256 with a wrong digest",
    names: "SHA-256",
    primitives: { ...native, sha256: (...parts) => flipped(native.sha256(...parts), 5) },
  },
  {
    what: "SHA-256 of the first part only",
    names: "SHA-256",
    primitives: { ...native, sha256: (...parts) => native.sha256(...parts.slice(0, 1)) },
  },
  {
    what: "SHA-256 that overwrites its input before it has read it",
    names: "SHA-256 in place",
    primitives: {
      ...native,
      sha256Into(out, ...parts) {
        out.fill(0);
        native.sha256Into(out, ...parts);
      },
    },
  },
  {
    what: "HKDF with two wrong outputs",
    names: "HKDF",
    primitives: withHkdfWrongFor(2),
  },
  {
    what: "HKDF with three wrong outputs",
    names: "HKDF",
    primitives: withHkdfWrongFor(3),
  },
  {
    what: "HKDF that is wrong for the empty input, which every split() uses,",
    names: "HKDF",
    primitives: withHkdfWrongWhen((input) => input.length === 0),
  },
];

Deno.test({
  name: "chooseBackend() picks the runtime's primitives here",
  permissions: "none",
  fn() {
    const { primitives, report } = chooseBackend();
    assertEquals({ ...report }, {
      aead: "native",
      x25519: "native",
      ed25519: "native",
      refused: null,
    });
    assertEquals([primitives.name, primitives.aead.name], ["native", "native"]);
  },
});

Deno.test({
  name: "chooseBackend() loads the cipher for small records once there are 2,048 within 10 s",
  permissions: "none",
  async fn() {
    const clock = new ManualClock();
    const backend = chooseBackend("auto", clock);
    sealSmall(backend, 2_047);
    clock.advance(10_001);
    sealSmall(backend, 1);
    await backend.settled;
    assertEquals(backend.report.aead, "native", "too slow");
    sealSmall(backend, 2_047);
    clock.advance(10_000);
    await backend.settled;
    assertEquals(backend.report.aead, "native", "too few");
    sealSmall(backend, 1);
    await backend.settled;
    assertEquals({ ...backend.report }, {
      aead: "native+wasm",
      x25519: "native",
      ed25519: "native",
      refused: null,
    });
    assertEquals(sealSmall(backend, 1), sealSmall(chooseBackend("noble"), 1));
  },
});

Deno.test({
  name: "chooseBackend() does not count large records",
  permissions: "none",
  async fn() {
    const backend = chooseBackend("auto", new ManualClock());
    sealSmall(backend, 4_096, SMALL_BYTES + 1);
    await backend.settled;
    assertEquals(backend.report.aead, "native");
  },
});

Deno.test({
  name:
    "chooseBackend() goes on with the native cipher, and says why, where WebAssembly cannot start",
  permissions: "none",
  async fn() {
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = (() => {
      throw new Error("no WebAssembly on this device");
    }) as unknown as typeof instantiate;
    const backend = chooseBackend("auto", new ManualClock());
    try {
      sealSmall(backend, 2_048);
      await backend.settled;
    } finally {
      WebAssembly.instantiate = instantiate;
    }
    assertEquals(backend.report.aead, "native");
    assertMatch(backend.report.refused ?? "", /no WebAssembly on this device/);
    sealSmall(backend, 4_096);
    await backend.settled;
    assertEquals(backend.report.aead, "native", "it is not tried again");
    assertEquals(sealSmall(backend, 1), sealSmall(chooseBackend("noble"), 1));
  },
});

Deno.test({
  name: "chooseBackend() gives the reference when asked for it",
  permissions: "none",
  fn() {
    const { primitives, report } = chooseBackend("noble");
    assertStrictEquals(primitives, noblePrimitives);
    assertEquals(report, { aead: "noble", x25519: "noble", ed25519: "noble", refused: null });
  },
});

Deno.test({
  name: "chooseBackend() falls back to the reference and says why when the self-test cannot run",
  permissions: "none",
  fn() {
    const { from } = Uint8Array;
    Uint8Array.from = () => {
      throw new Error("no such function on this device");
    };
    let backend: Backend;
    try {
      backend = chooseBackend();
    } finally {
      Uint8Array.from = from;
    }
    assertStrictEquals(backend.primitives, noblePrimitives);
    assertEquals(backend.report.aead, "noble");
    assertEquals(backend.report.refused, "no such function on this device");
    assertEquals(chooseBackend().report.refused, null);
  },
});

Deno.test({
  name: "selfTest() accepts the reference, the runtime's primitives and the mixture in use",
  permissions: "none",
  fn() {
    selfTest(noblePrimitives);
    selfTest(nativePrimitives);
    selfTest(native);
  },
});

Deno.test({
  name: "selfTestSmall() accepts the cipher for small records, and none that is wrong at its limit",
  permissions: "none",
  fn() {
    selfTestSmall(smallAead, nativePrimitives);
    const { aead } = withAead({ seal: sealWrongWhen((length) => length === SMALL_BYTES) });
    assertThrows(() => selfTestSmall(aead, nativePrimitives), Error, "ChaCha20-Poly1305 seal");
  },
});

for (const { what, names, primitives } of BROKEN) {
  Deno.test({
    name: `selfTest() refuses ${what} and names ${names}`,
    permissions: "none",
    fn() {
      const error = assertThrows(() => selfTest(primitives), Error);
      assertMatch(error.message, new RegExp(`^Cannot use the native ${names}: it disagrees`));
    },
  });
}

Deno.test({
  name: "selfTest() passes on what a candidate throws",
  permissions: "none",
  fn() {
    const primitives: Primitives = {
      ...native,
      sha256: () => {
        throw new Error("digest is not a function");
      },
    };
    assertThrows(() => selfTest(primitives), Error, "digest is not a function");
  },
});

Deno.test({
  name: "chooseBackend() reports frozen facts",
  permissions: "none",
  fn() {
    const backend = chooseBackend();
    assert(Object.isFrozen(backend) && Object.isFrozen(backend.report));
  },
});

/** Seals `count` records of `length` bytes; returns the last. */
function sealSmall({ primitives }: Backend, count: number, length = 64): Bytes {
  const out = new Uint8Array(length + 16);
  const plaintext = new Uint8Array(length);
  for (let i = 0; i < count; i++) {
    primitives.aead.seal(fixedBytes(32, 1), fixedBytes(12, 2), new Uint8Array(0), [plaintext], out);
  }
  return out;
}

function withAead(changes: Partial<Aead>): Primitives {
  return { ...native, aead: { ...native.aead, ...changes } };
}

function sealWrongWhen(isWrong: (plaintextLength: number) => boolean): Aead["seal"] {
  return (key, nonce, ad, parts, out, at = 0) => {
    native.aead.seal(key, nonce, ad, parts, out, at);
    if (isWrong(totalLength(parts))) out[at] = (out[at] ?? 0) ^ 1;
  };
}

/** Decrypts without authentication: sealing is an exclusive or, so it is its own inverse. */
function openUnchecked(...[key, nonce, ad, sealed, from = 0]: Parameters<Aead["open"]>) {
  const ciphertext = sealed.subarray(from, sealed.length - 16);
  const out = new Uint8Array(ciphertext.length + 16);
  native.aead.seal(key, nonce, ad, [ciphertext], out);
  return out.slice(0, ciphertext.length);
}

function withDh(change: (pair: DhKeyPair) => DhKeyPair): Primitives {
  return { ...native, importDhKeyPair: (key) => change(native.importDhKeyPair(key)) };
}

function withGenerated(change: (pair: DhKeyPair) => DhKeyPair): Primitives {
  return { ...native, generateDhKeyPair: () => change(native.generateDhKeyPair()) };
}

function withHkdfWrongFor(wrong: 2 | 3): Primitives {
  return withHkdfWrongWhen((_, outputs) => outputs === wrong);
}

function withHkdfWrongWhen(isWrong: (input: Bytes, outputs: 2 | 3) => boolean): Primitives {
  return {
    ...native,
    hkdf: (ck, input, outputs) => {
      const okm = native.hkdf(ck, input, outputs);
      return isWrong(input, outputs) ? flipped(okm, okm.length - 1) : okm;
    },
  };
}

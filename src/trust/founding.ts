/**
 * Founding a network: a new authority key, a new secret, and the founder's own certificate.
 */

import type { PeerId } from "../base/peer_id.ts";
import { KEY_BYTES, type Primitives, randomBytes } from "../noise/primitives.ts";
import { CERTIFICATE_LIFETIME_MS, signCertificate } from "./certificate.ts";
import type { StoredNetwork } from "./network_file.ts";
import { networkIdOf } from "./network_id.ts";
import { NETWORK_SECRET_BYTES } from "./secret_ring.ts";

/** A network of which `founder` is the first member and first admin. */
export function foundNetwork(options: {
  readonly name: string;
  readonly founder: { readonly id: PeerId; readonly name: string };
  readonly primitives: Primitives;
  readonly wallMs: number;
}): StoredNetwork {
  const { founder, primitives, wallMs } = options;
  const authoritySeed = randomBytes(KEY_BYTES);
  const signer = primitives.importSigningKeyPair(authoritySeed);
  const id = networkIdOf(signer.publicKey);
  const leaf = signCertificate(
    {
      ...founder,
      network: id,
      role: "admin",
      notAfterMs: wallMs + CERTIFICATE_LIFETIME_MS,
    },
    { name: id, signer },
    wallMs,
  );
  const network = { id, name: options.name, secret: randomBytes(NETWORK_SECRET_BYTES) };
  return { network, chain: [leaf], authoritySeed };
}

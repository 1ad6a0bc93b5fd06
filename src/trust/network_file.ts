/**
 * What a device keeps of its network, as JSON: the network and its own certificate in one file, secret; the
 * roster in another, so that the secret one is rarely written.
 *
 * ```
 * {"version":1,"id":...,"name":...,"secret":...,"authority_seed":...|null,"certificates":[own, issuer's?]}
 * {"version":1,"network":...,"certificates":[...],"revocations":[...]}
 * ```
 */

import {
  type Bytes,
  decodeBase64Url,
  decodeUtf8,
  encodeBase64Url,
  encodeUtf8,
} from "../base/bytes.ts";
import { Fields } from "../base/guards.ts";
import { type Chain, MAX_NAME_LENGTH } from "./certificate.ts";
import type { Network } from "./membership.ts";
import { type NetworkId, parseNetworkId } from "./network_id.ts";
import { parseChain } from "./proof.ts";
import { DEFAULT_ROSTER_LIMITS, type Roster } from "./roster.ts";
import {
  MAX_FORMER_SECRETS,
  NETWORK_SECRET_BYTES,
  originOf,
  type StoredSecrets,
} from "./secret_ring.ts";

/** A network, and our place in it. */
export interface StoredNetwork {
  readonly network: Network;
  readonly chain: Chain;
  /** Of a network whose secret has changed. */
  readonly secrets?: Omit<StoredSecrets, "secret"> | undefined;
  /** Where the network was founded: the seed of its authority's key. */
  readonly authoritySeed: Bytes | undefined;
}

export const MAX_NETWORK_FILE_BYTES = 16_384;
/** Room for a full roster. */
export const MAX_ROSTER_FILE_BYTES = 8_388_608;

const VERSION = 1;
const SEED_BYTES = 32;

export function encodeNetwork({ network, chain, secrets, authoritySeed }: StoredNetwork): Bytes {
  return encodeUtf8(
    JSON.stringify({
      version: VERSION,
      ...writeNetwork(network),
      ...(secrets?.record && {
        former_secrets: secrets.former.map(encodeBase64Url),
        secret_record: secrets.record,
      }),
      authority_seed: authoritySeed ? encodeBase64Url(authoritySeed) : null,
      certificates: chain.flatMap((each) => each ? [each.signed] : []),
    }) + "\n",
  );
}

/** Reads the file. Throws an `Error` when it is damaged; its text tells no secret. */
export function decodeNetwork(bytes: Bytes): StoredNetwork {
  const fields = Fields.of(parse(bytes), "network file");
  fields.integer("version", { min: VERSION, max: VERSION });
  const seed = fields.textOrNull("authority_seed", { maxLength: 64 });
  const authoritySeed = seed === null ? undefined : decodeBase64Url(seed, SEED_BYTES);
  if (seed !== null && !authoritySeed) throw new TypeError("its authority_seed is not 32 bytes");
  return {
    network: readNetwork(fields),
    chain: parseChain(fields.raw("certificates")),
    ...(fields.has("secret_record") && { secrets: readSecrets(fields) }),
    authoritySeed,
  };
}

/** The file is our own: what stands in it was checked when it came. */
function readSecrets(fields: Fields): StoredNetwork["secrets"] {
  const texts = fields.texts("former_secrets", { maxItems: MAX_FORMER_SECRETS, maxLength: 64 });
  const former = texts.map((text) => {
    const secret = decodeBase64Url(text, NETWORK_SECRET_BYTES);
    if (!secret) throw new TypeError("a former secret is malformed");
    return secret;
  });
  const record = fields.object("secret_record").value;
  originOf(record);
  return { former, record };
}

/** A network's own facts, as they stand in files and in the answer to who joins. */
export function writeNetwork({ id, name, secret }: Network) {
  return { id, name, secret: encodeBase64Url(secret) };
}

/** Reads them. Throws `FieldError` or `TypeError`. */
export function readNetwork(fields: Fields): Network {
  const id = parseNetworkId(fields.text("id", { maxLength: 64 }));
  const secret = decodeBase64Url(fields.text("secret", { maxLength: 64 }), NETWORK_SECRET_BYTES);
  if (!id || !secret) throw new TypeError("its id or secret is malformed");
  return { id, name: fields.text("name", { maxLength: MAX_NAME_LENGTH }), secret };
}

export function encodeRoster(network: NetworkId, roster: Roster): Bytes {
  return encodeUtf8(
    JSON.stringify(
      {
        version: VERSION,
        network,
        certificates: roster.certificates().map(({ signed }) => signed),
        revocations: roster.revocations().map(({ signed }) => signed),
      },
      null,
      1,
    ) + "\n",
  );
}

/** Reads a roster file into `roster`, entry by entry, as news of anybody is read. Throws when it is damaged. */
export function decodeRoster(bytes: Bytes, roster: Roster, wallMs: number): void {
  const fields = Fields.of(parse(bytes), "members file");
  fields.integer("version", { min: VERSION, max: VERSION });
  const { maxCertificates, maxRevocations } = DEFAULT_ROSTER_LIMITS;
  const certificates = fields.list("certificates", { maxItems: maxCertificates });
  for (const each of certificates) roster.learnCertificate(each, wallMs);
  const revocations = fields.list("revocations", { maxItems: maxRevocations });
  for (const each of revocations) roster.recallRevocation(each);
}

function parse(bytes: Bytes): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch (error) {
    throw new TypeError("it is not JSON", { cause: error });
  }
}

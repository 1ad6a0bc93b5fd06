/**
 * Keeps our own certificate alive without anybody's attention (PROTOCOL.md section 8): after a third of its life a
 * new one comes from ourselves, where we founded the network, or from the first connected admin that will.
 */

import { CodedError, describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { shortId } from "../base/peer_id.ts";
import type { Node } from "../node/node.ts";
import type { Certificate } from "../trust/certificate.ts";
import type { Membership } from "../trust/membership.ts";
import { parseChain } from "../trust/proof.ts";

/** A member's request for a newer certificate. */
export const CERTIFICATE_RENEW = "CERTIFICATE_RENEW";

export interface RenewalOptions {
  readonly membership: Membership;
  readonly node: Node;
  readonly log: Log;
  /** Tells the others of a certificate that we have made. */
  readonly onMade: (certificate: Certificate) => void;
  /** We hold a new one. */
  readonly onRenewed: () => void;
}

const DEADLINE_MS = 10_000;

export class Renewal {
  readonly #options: RenewalOptions;
  #renewing: Promise<void> | undefined;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** Renews our certificate if that is due and not under way. */
  renewWhereDue(): void {
    if (this.#renewing || !this.#options.membership.isRenewalDue) return;
    this.#renewing = this.#renew().finally(() => this.#renewing = undefined);
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    const { membership, log, onMade, onRenewed } = this.#options;
    if (membership.isFounder) {
      const [renewed] = membership.certify(membership.certificate);
      membership.adopt([renewed]);
      onMade(renewed);
    } else await this.#ask();
    if (membership.isRenewalDue) return;
    onRenewed();
    log("info", "certificate renewed", { until: membership.certificate.notAfterMs });
  }

  async #ask(): Promise<void> {
    const { membership, node, log } = this.#options;
    for (const id of node.connected) {
      if (membership.roster.get(id)?.role !== "admin") continue;
      try {
        const { data } = await node.request(id, CERTIFICATE_RENEW, {}, { deadlineMs: DEADLINE_MS });
        if (membership.adopt(parseChain(data["certificates"]))) return;
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        log("debug", "certificate not renewed", { by: shortId(id), reason: describeError(error) });
      }
    }
  }
}

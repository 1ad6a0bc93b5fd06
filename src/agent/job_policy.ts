/**
 * Who may do what with jobs: members of a closed network, in an open village any authenticated key; unverified old nodes
 * never, for they have no session.
 */

import type { PeerId } from "../base/peer_id.ts";
import type { Membership } from "../trust/membership.ts";
import type { JobPolicy } from "../work/job/job_outlet.ts";

/** Without a network, everybody belongs. */
export function policyOf(membership: Membership | undefined): JobPolicy {
  return {
    belongs: (id) => !membership || membership.isOpen || membership.isMember(id),
    // In an open village everybody brings a network of its own, of which it is the admin.
    isAdmin: (id) =>
      membership !== undefined && !membership.isOpen && membership.isMember(id) &&
      membership.roster.get(id)?.role === "admin",
  };
}

/** What its people call a member; `null` where no certificate says so. */
export function nameIn(membership: Membership | undefined, id: PeerId): string | null {
  return membership?.isMember(id) ? membership.roster.get(id)?.name ?? null : null;
}

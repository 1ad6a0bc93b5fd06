/**
 * Whether what the agent keeps on the disk is whole and private, and still holds: its directory, its identity, its
 * place in the network, its configuration. Pure.
 */

import { formatSpan } from "../quantities.ts";
import type { Finding } from "./finding.ts";

/** A file or directory of the state. */
export type FileFacts =
  | { readonly kind: "missing" }
  | { readonly kind: "unreadable"; readonly reason: string }
  /** `mode` are its permission bits; `null` where the system has none. */
  | { readonly kind: "present"; readonly mode: number | null; readonly isOwn: boolean };

export interface StateFacts {
  readonly directory: string;
  readonly self: FileFacts;
  readonly isWritable: boolean;
  /** By name. */
  readonly files: ReadonlyMap<string, FileFacts>;
}

/** What the identity file holds. */
export type IdentityFacts =
  | { readonly kind: "none" }
  | { readonly kind: "damaged"; readonly reason: string }
  | { readonly kind: "whole"; readonly id: string };

/** What is known of our network. */
export type NetworkFacts =
  | { readonly kind: "none" }
  | { readonly kind: "damaged"; readonly reason: string }
  | {
    readonly kind: "member";
    readonly name: string;
    readonly isRevoked: boolean;
    readonly isOpen: boolean;
    readonly isFounder: boolean;
    readonly expiresMs: number;
  };

/** What the configuration says, or why it cannot be read. */
export type ConfigFacts =
  | {
    readonly kind: "valid";
    readonly source: string;
    /** What can be used and is perhaps not meant. */
    readonly warnings: readonly string[];
  }
  | { readonly kind: "invalid"; readonly reason: string };

/** Bits of group and others. */
const OTHERS = 0o077;
/** It renews itself after a third of its life, so that this late nobody has signed for long. */
const EXPIRY_WARN_MS = 30 * 86_400_000;

export function judgeState({ directory, self, isWritable, files }: StateFacts): Finding {
  const exposed = [...files].filter(([, file]) => isExposed(file)).map(([name]) => name);
  const foreign = [...files].filter(([, file]) => file.kind === "present" && !file.isOwn);
  const check = { check: "files", facts: { directory, exposed } };
  if (self.kind === "missing") {
    return { ...check, verdict: "ok", text: `${directory} is made by the first hamlet up` };
  }
  if (self.kind === "unreadable" || !isWritable) {
    return {
      ...check,
      verdict: "broken",
      text: `${directory} cannot be written${self.kind === "unreadable" ? `: ${self.reason}` : ""}`,
      next: `make it yours: sudo chown -R "$USER" '${directory}'`,
    };
  }
  const unreadable = [...files].find(([, file]) => file.kind === "unreadable");
  if (unreadable || foreign.length > 0) {
    const [name = ""] = unreadable ?? foreign[0] ?? [];
    return {
      ...check,
      verdict: "broken",
      text: `${name} in ${directory} is somebody else's`,
      next: `make it yours: sudo chown -R "$USER" '${directory}'`,
    };
  }
  if (exposed.length > 0) {
    return {
      ...check,
      verdict: "broken",
      text: `others on this machine can read ${exposed.join(", ")} in ${directory}`,
      next: `chmod 600 ${exposed.map((name) => `'${directory}/${name}'`).join(" ")}; ` +
        "who may have copied a key of it is cut off by revoking this device",
    };
  }
  if (isExposed(self)) {
    return {
      ...check,
      verdict: "warn",
      text: `others on this machine can look into ${directory}`,
      next: `chmod 700 '${directory}'`,
    };
  }
  return { ...check, verdict: "ok", text: `${directory}, private` };
}

export function judgeIdentity(facts: IdentityFacts): Finding {
  const check = { check: "identity" };
  switch (facts.kind) {
    case "none":
      return { ...check, verdict: "ok", text: "none yet: the first hamlet up makes one" };
    case "damaged":
      return {
        ...check,
        verdict: "broken",
        text: facts.reason,
        next: "restore it from a backup, or move it away and join anew",
      };
    case "whole":
      return { ...check, verdict: "ok", text: facts.id, facts: { node_id: facts.id } };
  }
}

export function judgeNetwork(facts: NetworkFacts, wallMs: number): Finding {
  const check = { check: "certificate" };
  const join = "ask for an invitation, then: hamlet leave, hamlet join TOKEN";
  switch (facts.kind) {
    case "none":
      return { ...check, verdict: "ok", text: "no network yet: the first hamlet up founds one" };
    case "damaged":
      return {
        ...check,
        verdict: "broken",
        text: facts.reason,
        next: "restore it, or: hamlet leave --force",
      };
    case "member": {
      const { name, isRevoked, isOpen, isFounder, expiresMs } = facts;
      const shown = {
        ...check,
        facts: { network: name, expires_unix_ms: expiresMs, revoked: isRevoked },
      };
      const leftMs = expiresMs - wallMs;
      if (isRevoked) {
        return {
          ...shown,
          verdict: "broken",
          text: `this device was removed from ${name}`,
          next: join,
        };
      }
      if (leftMs <= 0) {
        return {
          ...shown,
          verdict: isOpen ? "warn" : "broken",
          text: `of ${name}, expired ${formatSpan(-leftMs / 1000)} ago`,
          next: isFounder ? "start the agent: it renews its own" : join,
        };
      }
      const text = `of ${name}, good for ${formatSpan(leftMs / 1000)}`;
      return leftMs < EXPIRY_WARN_MS
        ? {
          ...shown,
          verdict: "warn",
          text,
          next: isFounder
            ? "start the agent: it renews its own"
            : "bring it together with an admin, who renews it by itself",
        }
        : { ...shown, verdict: "ok", text };
    }
  }
}

export function judgeConfig(facts: ConfigFacts): Finding {
  const check = { check: "settings", facts };
  if (facts.kind === "invalid") {
    return {
      ...check,
      verdict: "broken",
      text: facts.reason,
      next: "correct it; see: hamlet config",
    };
  }
  const { source, warnings } = facts;
  return warnings.length === 0 ? { ...check, verdict: "ok", text: source } : {
    ...check,
    verdict: "warn",
    text: `${source}; ${warnings.join("; ")}`,
    next: "see: hamlet config",
  };
}

function isExposed(file: FileFacts): boolean {
  return file.kind === "present" && file.mode !== null && (file.mode & OTHERS) !== 0;
}

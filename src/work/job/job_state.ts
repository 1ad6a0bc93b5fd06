/** What a participant tells who takes no part: its ledger in pages, each of which says something by itself. */

import { Fields, type JsonObject } from "../../base/guards.ts";
import { writeConsensus } from "./consensus.ts";
import { readLedger, type SnapshotReader } from "./job_snapshot.ts";
import { Ledger } from "./ledger.ts";
import { MAX_RECORDS } from "./messages.ts";
import type { ParticipantRecord } from "./participant_record.ts";
import { MAX_PARTICIPANTS } from "./spec.ts";
import { Tickets } from "./steward.ts";

/** Pages of the largest ledger. */
export const MAX_PAGES = MAX_PARTICIPANTS / MAX_RECORDS + 1;

export function writeStatePages(ledger: Ledger): readonly JsonObject[] {
  const records = [...ledger.participants.values()];
  const page = (participants: readonly ParticipantRecord[]) => ({
    participants: participants.map(({ signed }) => signed),
    order: null,
    results: [],
    refuted: [],
  });
  const pages: JsonObject[] = [{
    ...page([]),
    order: ledger.order?.signed ?? null,
    results: ledger.results.map(writeConsensus),
    refuted: ledger.refuted.map(writeConsensus),
  }];
  for (let at = 0; at < records.length; at += MAX_RECORDS) {
    pages.push(page(records.slice(at, at + MAX_RECORDS)));
  }
  return pages;
}

/** Reads pages, each checked as if it came from a stranger. Throws `FieldError`. */
export function readStatePages(value: unknown, reader: SnapshotReader): Ledger {
  const ledger = new Ledger(new Tickets(reader.job.id, reader.crypto));
  const pages = Fields.of({ pages: value }, "state").list("pages", { maxItems: MAX_PAGES });
  for (const page of pages) ledger.merge(readLedger(Fields.of(page, "state"), reader));
  return ledger;
}

/** What people see of peers, candidates and the status. */

import { assertEquals } from "@std/assert";
import { renderCandidates } from "../../src/cli/commands/candidates.ts";
import { renderPeers } from "../../src/cli/commands/peers.ts";
import { renderStatus } from "../../src/cli/commands/status.ts";
import { showText } from "../../src/cli/watch.ts";
import type { CandidatesView, PeerView, StatusView } from "../../src/control/views.ts";
import { DEFAULT_CAPABILITIES, writeCapabilities } from "../../src/discovery/capabilities.ts";
import { LAPTOP } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const ID = "k5w2rq7a".padEnd(52, "a");

const PEER: PeerView = {
  node_id: ID,
  short_id: "k5w2rq7a",
  trust: "authenticated",
  name: "desk",
  role: "member",
  connected: true,
  addresses: ["192.168.1.20:9000", "[fe80::1]:9000"],
  last_seen_s: 1.4,
  latency_ms: 0.357,
  first_seen_unix_ms: 0,
  connected_unix_ms: 0,
  capabilities: writeCapabilities(LAPTOP, ID),
};

const STATUS: StatusView = {
  version: "0.1.0",
  node_id: ID,
  short_id: "k5w2rq7a",
  pid: 4711,
  state_dir: "/home/u/.local/state/hamlet",
  uptime_s: 3_725,
  started_unix_ms: 0,
  listen: "0.0.0.0:9000",
  addresses: ["192.168.1.5:9000", "[2001:db8::1]:9000"],
  legacy: "lan",
  open: false,
  network: {
    id: "n".padEnd(52, "a"),
    name: "anna's village",
    role: "admin",
    founder: true,
    open: false,
    members: 4,
    certificate_expires_unix_ms: 0,
    revoked: false,
  },
  discovery: null,
  dials: { targets: 3, in_flight: 1, last_10_s: 2 },
  crypto: { aead: "native", x25519: "noble", ed25519: "native", refused: null },
  peers: { authenticated: 3, connected: 2, unverified: 1 },
  gossip: {
    state: "alive",
    members: { alive: 4, suspect: 0, dead: 1, asleep: 2, left: 0 },
    sessions: { wanted: 5, kept: 3 },
    health_multiplier: 0,
    messages: { sent: 120, received: 100 },
    bytes: { sent: 12_000, received: 9_000 },
    events: { told: 7, duplicates: 2, unbelievable: 0, too_fast: 0 },
    queued: 1,
  },
  connections: { guests: 1, accepted: 9, evicted: 2, dialled: 4 },
  streams: 7,
  limits: {
    max_up_bps: 10_000_000,
    max_down_bps: null,
    max_connections: 100,
    max_file_bytes: 5_000_000_000,
    requests_per_s: 20,
    request_burst: 100,
    max_unverified: 1_024,
    max_unverified_per_address: 16,
  },
  limited: {
    requests_allowed: 120,
    requests_refused: 2,
    requests_dropped: 30,
    addresses_tracked: 5,
    unverified_evicted: 1,
    unverified_evicted_of_address: 2,
    unverified_expired: 4,
    unmet_evicted: 0,
    authenticated_evicted: 0,
    names_refused: 6,
    replays_refused: 7,
  },
  inbox: "/home/u/inbox",
  discoveries: 5,
  sessions_opened: 3,
  envelopes: { received: 100, sent: 90, dropped: 1 },
  rejected: {},
  memory: { rss_mb: 61.5, heap_mb: 7.2 },
  capabilities: writeCapabilities(LAPTOP, ID),
};

Deno.test("renderPeers() shows a row for each peer and counts them", PURE, () => {
  const unknown = writeCapabilities(DEFAULT_CAPABILITIES, "x");
  const text = renderPeers([
    PEER,
    { ...PEER, short_id: "away", connected: false, last_seen_s: 150, latency_ms: null },
    {
      ...PEER,
      short_id: "python-n",
      trust: "unverified",
      name: null,
      role: null,
      connected: false,
      addresses: [],
      last_seen_s: 119.6,
      latency_ms: null,
      capabilities: unknown,
    },
  ]);
  assertEquals(
    text,
    "PEER      NAME  STATE       ADDRESS            SEEN  RTT ms  CORES  RAM GB  CPU %  BATTERY  HEAT    DEVICE   TIER\n" +
      "k5w2rq7a  desk  connected   192.168.1.20:9000    1s   0.357      8    16.0   12.5      77%  warm    laptop   premium\n" +
      "away      desk  away        192.168.1.20:9000    3m       -      8    16.0   12.5      77%  warm    laptop   premium\n" +
      "python-n  -     unverified  -                  120s       -      1     1.0      -        -  normal  unknown  medium\n" +
      "\n3 known, 1 connected\n",
  );
});

Deno.test("renderPeers() shows how long ago in the unit that is short", PURE, () => {
  const cases = [[0, "0s"], [119, "119s"], [120, "2m"], [7_199, "120m"], [7_200, "2h"]] as const;
  for (const [seconds, seen] of cases) {
    const [, row = ""] = renderPeers([{ ...PEER, last_seen_s: seconds }]).split("\n");
    assertEquals(row.split(/\s+/)[4], seen);
  }
});

Deno.test("renderPeers() says what to do where there are none", PURE, () => {
  assertEquals(
    renderPeers([]),
    "No peers yet. To let another device in: hamlet invite\n",
  );
});

Deno.test("renderCandidates() ranks them and says why others are left out", PURE, () => {
  const view: CandidatesView = {
    candidates: [
      { node_id: ID, short_id: "k5w2rq7a", priority: 0.65, capabilities: PEER.capabilities },
      { node_id: "b", short_id: "b", priority: 0, capabilities: {} },
    ],
    left_out: [
      { node_id: "c", short_id: "cccccccc", reason: "too_hot" },
      { node_id: "d", short_id: "dddddddd", reason: "of_another_version" },
    ],
  };
  assertEquals(
    renderCandidates({ ...view, candidates: view.candidates.slice(0, 1) }),
    "#  PEER      PRIORITY  CAPACITY  LOAD  CORES  RAM GB  TIER\n" +
      "1  k5w2rq7a     0.650      0.75  0.25      8    16.0  premium\n" +
      "\nLeft out:\n" +
      "  cccccccc  too_hot: it is too hot\n" +
      "  dddddddd  of_another_version: of_another_version\n",
  );
  assertEquals(
    renderCandidates({ ...view, candidates: [] }).split("\n")[0],
    "No peer is fit for evolution now.",
  );
  assertEquals(
    renderCandidates({ candidates: [], left_out: [] }),
    "No peer is fit for evolution now.\n",
  );
});

Deno.test("renderStatus() says one fact a line", PURE, () => {
  assertEquals(
    renderStatus(STATUS),
    `node          k5w2rq7a  (${ID})\n` +
      "version       0.1.0, up 1 h 02 min, process 4711\n" +
      "listening     0.0.0.0:9000, reachable at 192.168.1.5:9000, [2001:db8::1]:9000\n" +
      "network       anna's village: 4 members, this device is its founder\n" +
      "discovery     3 to dial, 2 dials in 10 s\n" +
      "old nodes     unsigned discovery: lan\n" +
      "cryptography  records native, X25519 noble, Ed25519 native\n" +
      "peers         2 connected, 3 authenticated, 1 unverified\n" +
      "gossip        members 4 alive, 1 dead, 2 asleep; 3 of 5 sessions; health multiplier 0\n" +
      "              120 messages sent (12 kB), 100 received (9 kB); 7 events told, 2 duplicates, 1 queued\n" +
      "connections   9 accepted, 4 dialled, 1 unauthenticated now, 2 evicted, 7 streams\n" +
      "limits        up 10 Mbit/s, down unlimited, 100 connections, files of 5 GB\n" +
      "inbox         /home/u/inbox\n" +
      "discoveries   5\n" +
      "strangers     120 requests taken, 2 refused, 30 ignored (20/s from one address); 3 old nodes made " +
      "room, 4 expired (at most 1024, 16 of one address); 6 false names, 7 replays\n" +
      "messages      100 received, 90 sent, 1 dropped\n" +
      "rejected      nothing\n" +
      "memory        61.5 MB resident, 7.2 MB heap\n" +
      "device        laptop device, 8 cores (12.5 % used), 16.0 GB (40 % used), battery 77 %, heat warm, " +
      "network wifi, tier premium, capacity 0.75\n" +
      "state         /home/u/.local/state/hamlet\n",
  );
});

Deno.test("renderStatus() shows what was refused, by code, and how long it is up", PURE, () => {
  const line = (changes: Partial<StatusView>, name: string) =>
    renderStatus({ ...STATUS, ...changes }).split("\n").find((each) => each.startsWith(name));
  assertEquals(
    line({ rejected: { bad_signature: 3, busy: 1 } }, "rejected"),
    "rejected      bad_signature 3, busy 1",
  );
  assertEquals(line({ inbox: null }, "inbox"), "inbox         off: no files are taken");
  const crypto = { ...STATUS.crypto, refused: "X25519 differs" };
  assertEquals(line({ crypto }, "    "), "              native refused: X25519 differs");
  const gossip = { ...STATUS.gossip, state: "asleep", health_multiplier: 3 } as const;
  assertEquals(
    line({ gossip }, "gossip"),
    "gossip        this device counts as ASLEEP (back with: hamlet wake), members 4 alive, 1 dead, 2 asleep; " +
      "3 of 5 sessions; health multiplier 3 (0 when all is well)",
  );
  const cases = [[0, "0 s"], [59, "59 s"], [60, "1 min 00 s"], [3_600, "1 h 00 min"]] as const;
  for (const [uptime_s, up] of cases) {
    assertEquals(line({ uptime_s }, "version"), `version       0.1.0, up ${up}, process 4711`);
  }
});

Deno.test("showText() shows a text once where nobody watches", PURE, async () => {
  const written: string[] = [];
  let rendered = 0;
  await showText(false, () => Promise.resolve(`text ${++rendered}`), (text) => written.push(text));
  assertEquals(written, ["text 1"]);
});

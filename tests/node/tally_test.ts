/** What conversations count together: frames by path, and what became of handshakes. */

import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import type { LocalNode } from "../../src/node/local_node.ts";
import { ALICE, BOB, localNode } from "../testing/identities.ts";
import { Party, pump } from "../testing/pump.ts";

const PURE = { permissions: "none" } as const;

function frames({ tally }: LocalNode) {
  const { framesJson, framesHandshake, framesSealed, framesMalformed, framesForeign } = tally;
  return [framesJson, framesHandshake, framesSealed, framesMalformed, framesForeign];
}

function handshakes({ tally }: LocalNode) {
  const { handshakesSucceeded, handshakesFailed, handshakesAbandoned } = tally;
  return [handshakesSucceeded, handshakesFailed, handshakesAbandoned];
}

Deno.test("Tally counts both sides of a session that JSON began", PURE, () => {
  const [alice, bob] = [localNode(ALICE), localNode(BOB)];
  const a = new Party({ local: alice });
  const b = new Party({ local: bob, approach: "ask_then_seal" });
  pump(b, a);
  assertEquals(a.conversation.phase, "sealed");
  // A request and two handshake frames came to the listener, a reply and one to the dialer.
  assertEquals([frames(alice).slice(0, 2), frames(bob).slice(0, 2)], [[1, 2], [1, 1]]);
  assertEquals([handshakes(alice), handshakes(bob)], [[1, 0, 0], [1, 0, 0]]);
  const { counts, sum } = alice.tally.handshakeSeconds.reading;
  assertEquals([counts.reduce((all, count) => all + count), sum], [1, 0]);
});

Deno.test(
  "Tally counts the sealed records of a session, and a downgrade under its path",
  PURE,
  () => {
    const [alice, bob] = [localNode(ALICE), localNode(BOB)];
    const a = new Party({ local: alice });
    const b = new Party({ local: bob, approach: "seal" });
    pump(b, a);
    const [, , before = 0] = frames(alice);
    b.conversation.mux?.ping();
    pump(b, a);
    assertEquals(frames(alice)[2], before + 1);
    a.json({});
    assertEquals([a.conversation.phase, frames(alice)[0]], ["closed", 1]);
    assertEquals(handshakes(alice), [1, 0, 0], "the handshake was over");
  },
);

Deno.test("Tally tells malformed frames from foreign protocols", PURE, () => {
  const alice = localNode(ALICE);
  const malformed = new Party({ local: alice });
  malformed.frame(encodeUtf8("hello"));
  malformed.frame(encodeUtf8("again"));
  assertEquals(frames(alice), [0, 0, 0, 2, 0]);
  const foreign = new Party({ local: alice });
  foreign.feed(encodeUtf8("GET / HTTP/1.1\r\n\r\n"));
  assertEquals(frames(alice), [0, 0, 0, 2, 1]);
});

Deno.test(
  "Tally counts a handshake of garbage as failed, and one nobody wanted as abandoned",
  PURE,
  () => {
    const alice = localNode(ALICE);
    const garbage = new Party({ local: alice });
    garbage.frame(Uint8Array.of(0xf8, 0x01, ...new Uint8Array(40)));
    assertEquals(garbage.conversation.phase, "closed");
    assertEquals(handshakes(alice), [0, 1, 0]);
    const leaving = new Party({ local: alice, approach: "seal" });
    leaving.conversation.close("shutdown");
    assertEquals(handshakes(alice), [0, 1, 1]);
    new Party({ local: alice }).conversation.close("idle");
    assertEquals(handshakes(alice), [0, 1, 1], "nobody had begun one");
  },
);

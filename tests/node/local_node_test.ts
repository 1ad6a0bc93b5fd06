import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { ManualClock } from "../../src/base/clock.ts";
import { decodeUtf8 } from "../../src/base/bytes.ts";
import { DEFAULT_CAPABILITIES } from "../../src/discovery/capabilities.ts";
import { encodeIntroduction } from "../../src/node/introduction.ts";
import { ALICE, describe, LAPTOP, localNode } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;

/** A node whose words the test changes, and how often its addresses were asked for. */
function setUp() {
  const clock = new ManualClock();
  const now = { capabilities: LAPTOP, host: "192.168.1.5", asked: 0 };
  const local = localNode(ALICE, {
    clock,
    describe: () => describe(ALICE, now.capabilities),
    addresses: () => {
      now.asked++;
      return [{ host: now.host, port: 9000 }];
    },
  });
  return { clock, local, now };
}

Deno.test("LocalNode.introduction() encodes what introduce() says, once for a burst", PURE, () => {
  const { clock, local, now } = setUp();
  const first = local.introduction(1);
  clock.advance(999);
  assertStrictEquals(local.introduction(1), first);
  assertEquals(now.asked, 1);
  assertEquals(first, encodeIntroduction(local.introduce(1)));
});

Deno.test(
  "LocalNode.introduction() says at once what we can do now, and of which version",
  PURE,
  () => {
    const { local, now } = setUp();
    const first = local.introduction(1);
    now.capabilities = { ...LAPTOP, batteryPercent: 11 };
    assert(decodeUtf8(local.introduction(1)).includes('"battery_percent":11'));
    now.capabilities = DEFAULT_CAPABILITIES;
    assertEquals(local.introduction(1), encodeIntroduction(local.introduce(1)));
    assertEquals(local.introduction(2), encodeIntroduction(local.introduce(2)));
    now.capabilities = LAPTOP;
    assertEquals(local.introduction(1), first);
  },
);

Deno.test("LocalNode.introduction() says where we have moved to within a second", PURE, () => {
  const { clock, local, now } = setUp();
  local.introduction(1);
  now.host = "10.9.8.7";
  clock.advance(1_000);
  assert(decodeUtf8(local.introduction(1)).includes("10.9.8.7:9000"));
});

import { assert, assertEquals } from "@std/assert";
import type { Address } from "../../src/net/address.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { isGenuine, MAX_INCARNATION } from "../../src/gossip/member_record.ts";
import { OwnRecord, REFUTE_MS } from "../../src/gossip/own_record.ts";
import { LAN_PROFILE, type ProbeProfile, WAN_PROFILE } from "../../src/gossip/probe_profile.ts";
import { idOf, PURE, signerOf, toyVerify } from "./people.ts";

/** What may change about a device. */
interface Device {
  profile: ProbeProfile;
  addresses: readonly Address[];
  signatures: number;
}

function ownRecord(): readonly [OwnRecord, Device] {
  const device: Device = {
    profile: LAN_PROFILE,
    addresses: [{ host: "10.0.0.1", port: 9000 }],
    signatures: 0,
  };
  const signer = signerOf(1);
  const record = new OwnRecord({
    id: idOf(1),
    signer: { ...signer, sign: (message) => (device.signatures++, signer.sign(message)) },
    ids: PLAIN_ID_CODEC,
    profile: () => device.profile,
    addresses: () => device.addresses,
  });
  return [record, device];
}

Deno.test("OwnRecord begins with incarnation 0, alive, and signed", PURE, () => {
  const { record } = ownRecord()[0];
  assertEquals([record.id, record.incarnation, record.status], [idOf(1), 0, "alive"]);
  assert(isGenuine(record, toyVerify, PLAIN_ID_CODEC));
});

Deno.test("OwnRecord.raise() speaks above all that was said", PURE, () => {
  const [own] = ownRecord();
  for (const [above, incarnation] of [[0, 1], [0, 2], [41, 42], [7, 43]] as const) {
    assert(own.raise(above, "alive", 0));
    assertEquals(own.record.incarnation, incarnation);
    assert(isGenuine(own.record, toyVerify, PLAIN_ID_CODEC));
  }
});

Deno.test("OwnRecord.raise() stays below 2^32", PURE, () => {
  const [own] = ownRecord();
  assert(own.raise(MAX_INCARNATION - 1, "alive", 0));
  assertEquals(own.record.incarnation, 4_294_967_295);
  const { record } = own;
  for (const above of [0, MAX_INCARNATION]) assert(!own.raise(above, "left", 0));
  assertEquals(own.record, record);
});

Deno.test("OwnRecord.accuse() refutes at once, and then once in 100 ms", PURE, () => {
  assertEquals(REFUTE_MS, 100);
  const [own] = ownRecord();
  own.accuse(0, 5_000);
  assertEquals(own.deadlineMs, 5_000);
  own.raise(0, "alive", 5_000);
  assertEquals(own.deadlineMs, Infinity);
  own.accuse(1, 5_010);
  assertEquals(own.deadlineMs, 5_100);
  own.accuse(1, 5_050);
  assertEquals(own.deadlineMs, 5_100, "more of the same wait no longer");
  own.raise(0, "alive", 5_100);
  own.accuse(2, 9_000);
  assertEquals(own.deadlineMs, 9_000);
});

Deno.test("OwnRecord.accuse() looks at what is said of the present incarnation alone", PURE, () => {
  const [own] = ownRecord();
  own.raise(4, "alive", 0);
  for (const incarnation of [0, 4, 6, MAX_INCARNATION]) own.accuse(incarnation, 1_000);
  assertEquals(own.deadlineMs, Infinity);
});

Deno.test("OwnRecord.accuse() does not deny what we said ourselves", PURE, () => {
  for (const status of ["asleep", "left"] as const) {
    const [own] = ownRecord();
    own.accuse(0, 0);
    own.raise(0, status, 0);
    assertEquals(own.deadlineMs, Infinity);
    own.accuse(1, 1_000);
    assertEquals(own.deadlineMs, Infinity);
  }
});

Deno.test(
  "OwnRecord.isOutdated compares what others would be told, and signs nothing",
  PURE,
  () => {
    const [own, device] = ownRecord();
    const { signatures } = device;
    assert(!own.isOutdated);
    device.addresses = [...device.addresses, { host: "10.0.0.1", port: 0 }];
    assert(!own.isOutdated, "an address that nobody is told");
    device.addresses = [{ host: "10.0.0.2", port: 9000 }];
    assert(own.isOutdated);
    assertEquals(device.signatures, signatures);
    own.raise(0, "alive", 0);
    assert(!own.isOutdated);
    device.profile = WAN_PROFILE;
    assert(own.isOutdated);
    own.raise(0, "alive", 0);
    assertEquals([own.isOutdated, own.record.pace], [false, "wan"]);
  },
);

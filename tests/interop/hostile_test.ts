/**
 * Bad input: what each kind gets back, and that the next honest discovery on a new connection is answered
 * straight after (PROTOCOL.md sections 1 to 3 and 7).
 */

import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { AgentProcess, eventually } from "./agent_process.ts";
import { signedRequest } from "./counterpart.ts";
import { base64Url, createIdentity } from "./counterpart_identity.ts";
import {
  type Bytes,
  bytesOf,
  frame,
  join,
  type JsonMessage,
  LOOPBACK,
  textOf,
  Wire,
} from "./counterpart_wire.ts";

/** Memory that a thousand attacks may still hold: the noise of a collected heap, not a leak. */
const MAX_GROWTH_MB = 16;
/** How often the whole table is repeated while memory is watched. */
const ROUNDS = 25;

const REPLY = "PEER_DISCOVERY_RESPONSE";

const HONEST: JsonMessage = Object.freeze({
  type: "PEER_DISCOVERY",
  sender_id: "honest-old-node",
  sender_port: 9000,
  timestamp: 1_700_000_000.5,
  capabilities: {},
});

interface Case {
  readonly name: string;
  readonly bytes: () => Bytes;
  /** What comes back, in order: `REPLY`, or the code of an ERROR. */
  readonly answers: readonly string[];
  /** Whether the agent closes then; otherwise the same connection serves on. */
  readonly closes?: boolean;
}

/** An honest request with some members replaced. */
function message(more: JsonMessage): Bytes {
  return frame(JSON.stringify({ ...HONEST, ...more }));
}

/** An honest request with the text of one capability replaced. */
function capability(key: string, text: string): Bytes {
  return frame(JSON.stringify({ ...HONEST, capabilities: { [key]: "@" } }).replace('"@"', text));
}

function utf16(text: string, isLittle: boolean): Bytes {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), isLittle);
  return bytes;
}

function signed(more: JsonMessage): Bytes {
  return frame(JSON.stringify(signedRequest(createIdentity(), { protocols: [], ...more })));
}

const text = JSON.stringify(HONEST);
const MALFORMED = frame("hello, who is there?");

/** Each is answered and the connection goes on. */
const ANSWERED: readonly Case[] = [
  ["NaN", () => frame(text.replace("1700000000.5", "NaN")), "malformed_json"],
  ["Infinity", () => frame(text.replace("1700000000.5", "Infinity")), "malformed_json"],
  ["-Infinity", () => frame(text.replace("1700000000.5", "-Infinity")), "malformed_json"],
  ["a time beyond all clocks", () => message({ timestamp: 1e308 }), "invalid_field"],
  ["a time before 1970", () => message({ timestamp: -1 }), "invalid_field"],
  ["1e308 cores", () => capability("cpu_cores", "1e308"), "invalid_field"],
  ["1e999 MB, which is infinite", () => capability("ram_mb", "1e999"), "invalid_field"],
  ["5000 digits", () => capability("cpu_cores", "9".repeat(5_000)), "invalid_field"],
  ["5000 decimals", () => capability("cpu_cores", "1." + "9".repeat(5_000)), REPLY],
  ["a negative core", () => capability("cpu_cores", "-1"), "invalid_field"],
  ["half a core", () => capability("cpu_cores", "1.5"), "invalid_field"],
  ["cores in words", () => capability("cpu_cores", '"x"'), "invalid_field"],
  ["cores null", () => capability("cpu_cores", "null"), "invalid_field"],
  ["battery at 101", () => capability("battery_percent", "101"), "invalid_field"],
  ["capacity above 1", () => capability("evolution_capacity", "1.01"), "invalid_field"],
  ["an unknown heat", () => capability("thermal_state", '"molten"'), "invalid_field"],
  ["availability as a number", () => capability("available_for_evolution", "1"), "invalid_field"],
  ["trust that it gives itself", () => capability("trust_score", "1e308"), REPLY],
  [
    "__proto__ in the message",
    () => frame(text.replace("{", '{"__proto__":{"type":"ERROR"},')),
    REPLY,
  ],
  ["__proto__ in capabilities", () => capability("x", '1,"__proto__":{"cpu_cores":1e308}'), REPLY],
  [
    "constructor and prototype",
    () => message({ constructor: { prototype: { cpu_cores: 1 } }, toString: 1, valueOf: null }),
    REPLY,
  ],
  ["no type", () => frame("{}"), "missing_field"],
  ["a type that is no text", () => message({ type: 1 }), "invalid_field"],
  ["a type of another time", () => message({ type: "GOSSIP" }), "unsupported_type"],
  ["a sealed type in plain", () => message({ type: "PING" }), "unsupported_type"],
  ["a sender that is a number", () => message({ sender_id: 7 }), "invalid_field"],
  ["a sender that is null", () => message({ sender_id: null }), "invalid_field"],
  ["a sender without a name", () => message({ sender_id: "" }), "invalid_field"],
  ["a sender of 60 KiB", () => message({ sender_id: "x".repeat(61_440) }), "invalid_field"],
  ["a sender that clears screens", () => message({ sender_id: "\x1b[2J" }), "invalid_field"],
  ["a sender that forges lines", () => message({ sender_id: "a\nb" }), "invalid_field"],
  ["a lone surrogate", () => frame(text.replace("honest", "\\ud800")), "invalid_field"],
  ["no sender", () => frame('{"type":"PEER_DISCOVERY"}'), REPLY],
  ["a port in words", () => message({ sender_port: "9000" }), "invalid_field"],
  ["port 0", () => message({ sender_port: 0 }), "invalid_field"],
  ["port 65536", () => message({ sender_port: 65_536 }), "invalid_field"],
  ["capabilities null", () => message({ capabilities: null }), "invalid_field"],
  ["capabilities a list", () => message({ capabilities: [] }), "invalid_field"],
  ["capabilities a text", () => message({ capabilities: "many" }), "invalid_field"],
  ["protocols no list", () => message({ protocols: "sealed/1" }), "invalid_field"],
  ["10,000 protocols", () => message({ protocols: Array(10_000).fill("x") }), "invalid_field"],
  ["a nonce of 3 bytes", () => message({ nonce: "AAAA" }), "invalid_field"],
  [
    "20,000 levels of lists",
    () => frame(`{"type":${"[".repeat(20_000)}${"]".repeat(20_000)}}`),
    "malformed_json",
  ],
  [
    "10,000 levels of objects",
    () => frame(`${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`),
    "malformed_json",
  ],
  [
    "a level too many",
    () => message({ x: JSON.parse("[".repeat(9) + "]".repeat(9)) }),
    "malformed_json",
  ],
  [
    "2,000 keys",
    () => message(Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`k${n}`, n]))),
    REPLY,
  ],
  ["JSON cut short", () => frame(text.slice(0, -1)), "malformed_json"],
  ["garbage after JSON, in the frame", () => frame(`${text}garbage`), "malformed_json"],
  ["two messages in one frame", () => frame(text + text), "malformed_json"],
  ["white space only", () => frame(" \t\r\n "), "malformed_json"],
  ["white space around", () => frame(`\r\n\t ${text} \n`), REPLY],
  ["a comment", () => frame(`{/* hi */${text.slice(1)}`), "malformed_json"],
  [
    "invalid UTF-8",
    () => frame(join(bytesOf('{"a":"'), Uint8Array.of(0xc3, 0x28), bytesOf('"}'))),
    "malformed_json",
  ],
  [
    "an overlong slash",
    () => frame(join(bytesOf('{"a":"'), Uint8Array.of(0xc0, 0xaf), bytesOf('"}'))),
    "malformed_json",
  ],
  ["a byte order mark after white space", () => frame(` \ufeff${text}`), "malformed_json"],
  ["UTF-16 without a mark, little end first", () => frame(utf16(text, true)), "malformed_json"],
  ["UTF-16 without a mark, big end first", () => frame(utf16(text, false)), "malformed_frame"],
  ["a byte order mark", () => frame(`\ufeff${text}`), "malformed_frame"],
  ["a list", () => frame("[1,2,3]"), "malformed_frame"],
  ["a text", () => frame('"PEER_DISCOVERY"'), "malformed_frame"],
  ["a number", () => frame("42"), "malformed_frame"],
  ["null", () => frame("null"), "malformed_frame"],
  ["a NUL byte", () => frame(Uint8Array.of(0)), "malformed_frame"],
  ["a pickle", () => frame(Uint8Array.of(0x80, 4, 0x95, 0x2e)), "malformed_frame"],
  ["a whole MiB that is skipped", () => frame(new Uint8Array(1_048_576)), "malformed_frame"],
  ["a stale signature", () => signed({ timestamp: Date.now() / 1000 - 400 }), "stale_timestamp"],
  [
    "a signature from the future",
    () => signed({ timestamp: Date.now() / 1000 + 400 }),
    "stale_timestamp",
  ],
  [
    "somebody else's key",
    () => signed({ public_key: base64Url(createIdentity().pub) }),
    "identity_mismatch",
  ],
  ["a name that is no key", () => signed({ sender_id: "victim" }), "identity_mismatch"],
  [
    "a signature of something else",
    () => message({ ...signedRequest(createIdentity()), timestamp: Date.now() / 1000 + 1 }),
    "bad_signature",
  ],
  [
    "a signature of zeros",
    () => message({ ...signedRequest(createIdentity()), signature: "A".repeat(86) }),
    "bad_signature",
  ],
  [
    "a signature that is no text",
    () => message({ ...signedRequest(createIdentity()), signature: 1 }),
    "invalid_field",
  ],
].map(([name, bytes, answer]) => ({ name, bytes, answers: [answer] }) as Case);

/** More than one answer, none, or a closed door. */
const OTHERS: readonly Case[] = [
  {
    name: "two frames in one segment",
    bytes: () => join(frame(text), frame(text)),
    answers: [REPLY, REPLY],
  },
  {
    name: "an ERROR is not answered",
    bytes: () => message({ type: "ERROR", code: "x" }),
    answers: [],
  },
  { name: "a late reply is not answered", bytes: () => message({ type: REPLY }), answers: [] },
  {
    name: "garbage after a frame",
    bytes: () => join(frame(text), bytesOf("garbage")),
    answers: [REPLY],
    closes: true,
  },
  {
    name: "the 8th malformed frame",
    bytes: () => join(...Array(8).fill(MALFORMED)),
    answers: Array(8).fill("malformed_frame"),
    closes: true,
  },
  {
    name: "the 8th malformed JSON",
    bytes: () => join(...Array(8).fill(frame("{"))),
    answers: Array(8).fill("malformed_json"),
    closes: true,
  },
  ...[0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff].map((byte) => ({
    name: `reserved byte ${byte.toString(16)}`,
    bytes: () => frame(Uint8Array.of(byte, 1, 2)),
    answers: ["reserved_frame"],
    closes: true,
  })),
  {
    name: "UTF-16 with a mark",
    bytes: () => frame(utf16(`\ufeff${text}`, true)),
    answers: ["reserved_frame"],
    closes: true,
  },
  ...([
    ["length 0", () => new Uint8Array(4)],
    ["length 0xFFFFFFFF", () => Uint8Array.of(255, 255, 255, 255, 0x7b)],
    ["length 1,048,577", () => Uint8Array.of(0, 16, 0, 1, 0x20)],
    ["a JSON frame of 65,537 bytes", () => frame(text.padEnd(65_537)).slice(0, 5)],
    ["a sender of 512 KiB", () => message({ sender_id: "x".repeat(524_288) })],
    ["a handshake of 4,097 bytes", () => frame(new Uint8Array(4_097).fill(0xf8)).slice(0, 5)],
    ["a record before a handshake", () => frame(new Uint8Array(64).fill(0xf9))],
    ["a handshake without a key", () => frame(Uint8Array.of(0xf8, 1, 1, 1, 1))],
    [
      "a handshake with the key of zeros",
      () => frame(join(Uint8Array.of(0xf8, 1, 1, 1, 1), new Uint8Array(32))),
    ],
    [
      "a handshake's second message first",
      () => frame(join(Uint8Array.of(0xf8, 2, 1), new Uint8Array(96))),
    ],
    [
      "a handshake's third message first",
      () => frame(join(Uint8Array.of(0xf8, 3), new Uint8Array(96))),
    ],
    ["a refusal out of the blue", () => frame(Uint8Array.of(0xf8, 0, 1, 1, 1))],
    ["an SSH client", () => bytesOf("SSH-2.0-OpenSSH_9.6\r\n")],
    [
      "a TLS 1.3 client",
      () => join(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3), new Uint8Array(500)),
    ],
  ] as const).map(([name, bytes]) => ({ name, bytes, answers: [], closes: true })),
];

/** Sends one case on a connection of its own and checks what comes back. */
async function attack(port: number, { bytes, answers, closes }: Case): Promise<void> {
  using wire = await Wire.connect(port);
  // The agent may close before it has taken everything.
  await wire.write(bytes()).catch((error) => assert(closes, String(error)));
  for (const wanted of answers) {
    const answer = await wire.expectJson();
    if (wanted === REPLY) assertEquals(answer["type"], REPLY);
    else assertError(answer, wanted);
  }
  if (closes) assertEquals((await wire.readAll()).length, 0);
  else await ask(wire);
}

/** An old node takes whatever carries a `sender_id` for a peer. */
function assertError(answer: JsonMessage, code: string): void {
  assertEquals([answer["type"], answer["code"]], ["ERROR", code]);
  assertEquals(typeof answer["message"], "string");
  assertFalse("sender_id" in answer || "node_id" in answer);
  assert(JSON.stringify(answer).length < 400, "an error must be short");
}

async function ask(wire: Wire): Promise<void> {
  await wire.writeFrame(text);
  assertEquals((await wire.expectJson())["type"], REPLY);
}

async function proveAlive(port: number): Promise<void> {
  using wire = await Wire.connect(port);
  await ask(wire);
}

Deno.test("hamlet up survives every bad input", async (t) => {
  await using agent = await AgentProcess.start();
  const { port } = agent;
  const startedMs = performance.now();
  // These dawdle while everything else happens, and must be gone in the end.
  const dawdlers = await Promise.all(
    [[], [0, 0, 0], [0, 0, 0, 9], [0, 0, 0, 9, 0x7b], [0, 0, 0, 9, 0xf8]].map(async (bytes) => {
      const wire = await Wire.connect(port);
      await wire.write(Uint8Array.from(bytes));
      return wire;
    }),
  );
  const gone = dawdlers.map((wire) => wire.readAll(20_000).finally(() => wire.close()));

  for (const each of [...ANSWERED, ...OTHERS]) {
    const outcome = each.closes ? "closed" : "served on";
    await t.step(`${each.name}: ${each.answers.join(", ") || "silence"}, ${outcome}`, async () => {
      await attack(port, each);
      await proveAlive(port);
    });
  }

  await t.step("a JSON frame of exactly 65,536 bytes is read", async () => {
    await attack(port, { name: "", bytes: () => frame(text.padEnd(65_536)), answers: [REPLY] });
  });

  await t.step("one byte at a time", async () => {
    using wire = await Wire.connect(port);
    for (const byte of frame(text)) await wire.write(Uint8Array.of(byte));
    assertEquals((await wire.expectJson())["type"], REPLY);
  });

  await t.step("truncation at every byte", async () => {
    const whole = frame(text);
    for (let length = 0; length < whole.length; length++) {
      using wire = await Wire.connect(port);
      await wire.write(whole.subarray(0, length));
      await wire.closeWrite();
      assertEquals((await wire.readAll()).length, 0, `after ${length} bytes`);
    }
    await proveAlive(port);
  });

  await t.step("140 idle connections, the oldest of which make room", async () => {
    const idle: Wire[] = [];
    try {
      for (let count = 0; count < 100; count++) idle.push(await Wire.connect(port));
      await proveAlive(port);
      for (let count = 0; count < 40; count++) idle.push(await Wire.connect(port));
      await proveAlive(port);
      const { connections } = await agent.status() as { connections: { evicted: number } };
      assert(connections.evicted >= 12, `${connections.evicted} evicted`);
    } finally {
      for (const wire of idle) wire.close();
    }
    await proveAlive(port);
  });

  await t.step("5,000 names from one connection leave at most 16 entries", async () => {
    using wire = await Wire.connect(port);
    for (let sent = 0; sent < 5_000; sent += 100) {
      const requests = Array.from(
        { length: 100 },
        (_, n) => message({ sender_id: `x${sent + n}` }),
      );
      await wire.write(join(...requests));
      for (let read = 0; read < 100; read++) await wire.expectFrame();
    }
    const unverified = (await agent.peers()).filter(({ trust }) => trust === "unverified");
    assertEquals(unverified.length, 16);
    assertEquals((await agent.peers()).length, await trusted(agent) + 16);
  });

  for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
    await t.step(`an HTTP client gets a 400 for its ${method}`, async () => {
      const hasBody = ["POST", "PUT", "PATCH"].includes(method);
      const init: RequestInit = hasBody ? { method, body: "x".repeat(1_000) } : { method };
      const response = await fetch(`http://${LOOPBACK}:${port}/any/path?x=1`, init);
      assertEquals(response.status, 400);
      assertStringIncludes(response.headers.get("content-type") ?? "", "text/plain");
      assertStringIncludes(await response.text(), "hamlet");
      await proveAlive(port);
    });
  }

  await t.step("an HTTP/2 client is told in HTTP/1.1", async () => {
    using wire = await Wire.connect(port);
    await wire.write(bytesOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    assertStringIncludes(textOf(await wire.readAll()), "HTTP/1.1 400 Bad Request\r\n");
  });

  await t.step("a real TLS client fails, and nobody else does", async () => {
    const failed = await Deno.connectTls({ hostname: LOOPBACK, port }).then(async (tls) => {
      try {
        await tls.handshake();
        return false;
      } catch {
        return true;
      } finally {
        tls.close();
      }
    }, () => true);
    assert(failed);
    await proveAlive(port);
  });

  await t.step(
    `memory grows by at most ${MAX_GROWTH_MB} MB over ${ROUNDS} rounds of it all`,
    async () => {
      const cases = [...ANSWERED, ...OTHERS];
      const round = () => Promise.all(cases.map((each) => attack(port, each)));
      // The first rounds fill what is bounded: buffers, compiled code, the collector's reserve.
      for (let count = 0; count < 5; count++) await round();
      const before = await agent.rssMb();
      for (let count = 0; count < ROUNDS; count++) await round();
      const grown = await eventually("memory to settle", async () => {
        const growth = await agent.rssMb() - before;
        return growth <= MAX_GROWTH_MB ? { growth } : undefined;
      });
      assert(grown.growth <= MAX_GROWTH_MB);
      await proveAlive(port);
    },
  );

  await t.step("those who dawdled are gone", async () => {
    for (const each of gone) assertEquals((await each).length, 0);
    assert(await agent.rejected("first_bytes_timeout") >= 2);
    assert(await agent.rejected("frame_timeout") >= 1);
    await proveAlive(port);
  });

  await t.step("sensors still read after the permissions are gone", async (t) => {
    // The device is measured anew 10 s after the start; use of the processor needs two measurements.
    if (performance.now() - startedMs < 5_000 || Deno.build.os !== "linux") {
      return void await t.step({ name: "skipped: it would take a wait", ignore: true, fn() {} });
    }
    await eventually("a second measurement", async () => {
      const { capabilities } = await agent.status() as { capabilities: JsonMessage };
      return typeof capabilities["cpu_percent"] === "number";
    });
  });

  await t.step("nothing went wrong that the agent did not expect", async () => {
    const loud = agent.events.filter(({ level }) => level === "error" || level === "warn");
    assertEquals(loud.map(({ event }) => event), [
      "OPEN VILLAGE: any machine that reaches this port takes part, member or not",
    ]);
    assertEquals(await agent.rejected("internal_error"), 0);
  });
});

async function trusted(agent: AgentProcess): Promise<number> {
  return (await agent.peers()).filter(({ trust }) => trust === "authenticated").length;
}

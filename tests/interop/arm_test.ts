/** What `scripts/arm_trial.ts` stands on; the trial itself is `deno task test:arm`, for it takes an emulator. */

import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { cryptoResults, disagreements } from "../../scripts/lib/arm/crypto.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/arm_trial.ts", import.meta.url));

Deno.test("cryptoResults() of this machine's implementations agree with one another", async () => {
  const { noble, native, wasm } = await cryptoResults();
  assertEquals(disagreements(noble, native), []);
  const small = Object.fromEntries(Object.entries(noble).filter(([name]) => name in wasm));
  assertEquals(disagreements(small, wasm), []);
  const kinds = new Set(Object.keys(noble).map((name) => name.replace(/ \d+$/, "")));
  for (const kind of ["sha256", "hkdf3", "x25519", "ed25519", "seal", "open", "forged"]) {
    assertEquals([kind, kinds.has(kind)], [kind, true]);
  }
  assertEquals(noble["ed25519 verdicts 0"], "true,false");
  assertEquals(noble["forged 1024"], "refused");
  assertEquals(wasm["forged 0"], "refused");
});

Deno.test("disagreements() names what differs and what one side lacks", () => {
  assertEquals(disagreements({ a: "1", b: "2" }, { a: "1", b: "2" }), []);
  assertEquals(disagreements({ a: "1", b: "2", c: "3" }, { a: "1", b: "9", d: "4" }), [
    "b",
    "c",
    "d",
  ]);
});

Deno.test("arm_trial says in one line why it cannot be held, and ends well", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--quiet", SCRIPT],
    env: { PATH: "/nonexistent" },
  }).output();
  assertEquals(code, 0);
  assertMatch(new TextDecoder().decode(stdout), /^skipped: .*(qemu-aarch64|x86-64).*\n$/);
});

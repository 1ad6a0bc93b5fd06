import { assertEquals } from "@std/assert";
import { readLid } from "../../src/host/lid.ts";
import { FakeSource } from "./fake_source.ts";

const PURE = { permissions: "none" } as const;
const PATH = "/proc/acpi/button/lid/LID0/state";

Deno.test("readLid() reads what the kernel's button driver writes", PURE, async () => {
  // drivers/acpi/button.c: seq_printf(seq, "state:      %s\n", …)
  const cases = [
    ["state:      open\n", "open"],
    ["state:      closed\n", "closed"],
    ["state:      unsupported\n", undefined],
    ["", undefined],
    ["state: open closed\n", undefined],
    ["xstate:      open\n", undefined],
  ] as const;
  for (const [text, expected] of cases) {
    assertEquals(await readLid(new FakeSource({ files: { [PATH]: text } })), expected, text);
  }
});

Deno.test("readLid() is undefined on a device without a lid", PURE, async () => {
  assertEquals(await readLid(new FakeSource()), undefined);
});

Deno.test("readLid() takes the first of several lids, and no strange names", PURE, async () => {
  const files = {
    "/proc/acpi/button/lid/LID1/state": "state:      open\n",
    [PATH]: "state:      closed\n",
    "/proc/acpi/button/lid/A..A/state": "state:      open\n",
  };
  assertEquals(await readLid(new FakeSource({ files })), "closed");
});

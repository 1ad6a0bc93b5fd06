import { assertEquals } from "@std/assert";
import { workCodeAddress } from "../../../src/work/worker/work_code.ts";

const PURE = { permissions: "none" } as const;

Deno.test("workCodeAddress() is an address that holds the program", PURE, async () => {
  const scope = { HAMLET_WORK_CODE: "export default 'a%b\u00f6';" };
  const address = workCodeAddress("linux", scope) ?? "";
  assertEquals((await import(address)).default, "a%b\u00f6");
});

Deno.test("workCodeAddress() is none where there is no program, or too much of it", PURE, () => {
  assertEquals(workCodeAddress("linux", {}), undefined);
  assertEquals(workCodeAddress("linux"), undefined);
  assertEquals(workCodeAddress("linux", { HAMLET_WORK_CODE: 1 }), undefined);
  assertEquals(workCodeAddress("windows", { HAMLET_WORK_CODE: "1" }), undefined);
  const longest = 120_000 - "data:text/javascript,".length;
  assertEquals(
    workCodeAddress("linux", { HAMLET_WORK_CODE: "1".repeat(longest) })?.length,
    120_000,
  );
  assertEquals(workCodeAddress("linux", { HAMLET_WORK_CODE: "1".repeat(longest + 1) }), undefined);
});

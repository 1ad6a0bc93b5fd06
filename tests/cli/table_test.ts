import { assertEquals } from "@std/assert";
import { cell, renderTable } from "../../src/cli/table.ts";

const PURE = { permissions: "none" } as const;
const COLUMNS = [{ heading: "NAME" }, { heading: "N", isNumber: true }, { heading: "NOTE" }];

Deno.test("renderTable() aligns text left and numbers right, without trailing space", PURE, () => {
  const rows = [["a", "1", "x"], ["longest name", "1000", "longer note"], ["", "22", ""]];
  assertEquals(
    renderTable(COLUMNS, rows),
    "NAME             N  NOTE\n" +
      "a                1  x\n" +
      "longest name  1000  longer note\n" +
      "                22\n",
  );
});

Deno.test(
  "renderTable() shows headings alone and rows that are too short or too long",
  PURE,
  () => {
    assertEquals(renderTable(COLUMNS, []), "NAME  N  NOTE\n");
    assertEquals(
      renderTable(COLUMNS, [["a"], ["b", "1", "c", "d"]]),
      "NAME  N  NOTE\na\nb     1  c\n",
    );
  },
);

Deno.test("cell() shows what is unknown as a dash", PURE, () => {
  const cases = [
    [null, "-"],
    [undefined, "-"],
    [0, "0 %"],
    [false, "false %"],
    ["", " %"],
    ["x", "x %"],
  ] as const;
  for (const [value, text] of cases) assertEquals(cell(value, " %"), text);
  assertEquals(cell(12.5), "12.5");
});

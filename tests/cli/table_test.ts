import { assertEquals } from "@std/assert";
import { cell, renderFittingTable, renderTable } from "../../src/cli/table.ts";

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

Deno.test(
  "renderFittingTable() leaves out what can go, from the right, until it fits",
  PURE,
  () => {
    const columns = [
      { heading: "NODE" },
      { heading: "INC", isNumber: true, canGo: true },
      { heading: "ADDRESS" },
      { heading: "BY", canGo: true },
    ];
    const rows = [["abcdefgh", "1", "10.0.0.1:9000", "founder"]];
    const heads = (width: number) => {
      const [head = "", row = "", note] = renderFittingTable(columns, rows, width).split("\n");
      assertEquals(row.length <= width || width < 23, true);
      return [head.split(/ +/).join(" "), note];
    };
    // 8 + 3 + 13 + 7 characters, and three gaps of two.
    assertEquals(heads(Infinity), ["NODE INC ADDRESS BY", ""]);
    assertEquals(heads(37), ["NODE INC ADDRESS BY", ""]);
    assertEquals(heads(36), ["NODE INC ADDRESS", "(no room for BY; see: --json)"]);
    assertEquals(heads(28), ["NODE INC ADDRESS", "(no room for BY; see: --json)"]);
    assertEquals(heads(27), ["NODE ADDRESS", "(no room for INC, BY; see: --json)"]);
    assertEquals(heads(5), ["NODE ADDRESS", "(no room for INC, BY; see: --json)"]);
  },
);

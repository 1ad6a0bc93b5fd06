import { assertEquals, assertThrows } from "@std/assert";
import { isWithin, parseHours, parseNamedCommand } from "../../../src/work/worker/work_settings.ts";

const PURE = { permissions: "none" } as const;

Deno.test("parseHours() reads two times of the day", PURE, () => {
  assertEquals(parseHours("22:00-06:00"), { fromMinute: 1_320, toMinute: 360 });
  assertEquals(parseHours("9:30-17:05"), { fromMinute: 570, toMinute: 1_025 });
  assertEquals(parseHours("0:00-24:00"), { fromMinute: 0, toMinute: 1_440 });
  for (
    const wrong of [
      "",
      "22-6",
      "24:00-06:00",
      "22:60-06:00",
      "22:00-24:01",
      "5:00-5:00",
      "a",
      " 1:00-2:00",
    ]
  ) assertEquals(parseHours(wrong), undefined, wrong);
});

Deno.test("isWithin() knows spans that pass midnight", PURE, () => {
  const night = { fromMinute: 1_320, toMinute: 360 };
  const day = { fromMinute: 570, toMinute: 1_025 };
  const minutes = [0, 359, 360, 569, 570, 1_024, 1_025, 1_319, 1_320, 1_439];
  assertEquals(minutes.filter((minute) => isWithin(night, minute)), [0, 359, 1_320, 1_439]);
  assertEquals(minutes.filter((minute) => isWithin(day, minute)), [570, 1_024]);
});

Deno.test("parseNamedCommand() reads a line of words or a list of them", PURE, () => {
  assertEquals(parseNamedCommand("fit=python3 'my fit.py' --x=1"), {
    name: "fit",
    command: ["python3", "my fit.py", "--x=1"],
  });
  assertEquals(parseNamedCommand('fit-2 = ["C:\\\\a b.exe","$x"]'), {
    name: "fit-2",
    command: ["C:\\a b.exe", "$x"],
  });
});

const WRONG: readonly (readonly [text: string, reason: string])[] = [
  ["python3 fitness.py", "no ="],
  ["=a", "a name has"],
  ["Fit=a", "a name has"],
  ["../x=a", "a name has"],
  [`${"n".repeat(65)}=a`, "a name has"],
  ["fit=", "no program"],
  ["fit=[]", "no program"],
  ['fit=""', "no program"],
  ["fit=[1]", "JSON array"],
  ["fit=[", "JSON array"],
  ["fit=a | b", "no shell"],
  ["fit='a", "not closed"],
  [`fit=${"a".repeat(4_097)}`, "at most 4096"],
  ["fit=a\u001b[0m", "printable"],
];

for (const [text, reason] of WRONG) {
  Deno.test(`parseNamedCommand() refuses <${text.slice(0, 30)}>`, PURE, () => {
    assertThrows(() => parseNamedCommand(text), TypeError, reason);
  });
}

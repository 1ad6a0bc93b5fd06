import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ManualClock } from "../../src/base/clock.ts";
import {
  printable,
  type Progress,
  ProgressDisplay,
  progressLine,
  RateEstimator,
} from "../../src/cli/progress.ts";
import type { ProgressEvent } from "../../src/control/send_events.ts";

const PURE = { permissions: "none" } as const;

const PROGRESS: Progress = {
  label: "holiday.mp4",
  done: 43,
  size: 100,
  rate: 12_300_000,
  etaSeconds: 65,
  state: "sending",
  width: 80,
};
const SENDING: ProgressEvent = {
  event: "progress",
  state: "sending",
  sent: 0,
  size: 1_000,
  resumed_from: 0,
};

/** Names that a terminal could stumble over. */
const LABELS = [
  "",
  "a",
  "holiday.mp4",
  "a rather long name of a file that somebody gave it on a rainy day.tar.gz",
  "休暇の写真と動画のアーカイブファイル最終版.zip",
  "👨‍👩‍👧‍👦👍🏽🇨🇭 family 👨‍👩‍👧‍👦👍🏽🇨🇭 family 👨‍👩‍👧‍👦👍🏽🇨🇭.mp4",
  "e\u0301".repeat(40),
  "a" + "\u0300\u0316".repeat(200) + ".txt",
  "\u0301".repeat(50),
  "\x1b[2J\x1b]0;title\x07\r\n\t\b\x7f\x9b31m\u202egnp.exe\u2028\u2066",
  "\ud800 lone \udc00 surrogates \ud83d",
  "한국어 파일 이름이 아주 깁니다 정말로 아주 깁니다.hwp",
  "ελληνικά και кириллица вместе в одном имени файла.odt",
];

/** Columns by Unicode's own properties, joined sequences taken apart: what the clumsiest terminal shows. */
function naiveColumns(line: string): number {
  const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uffe6]/;
  return Array.from(
    line,
    (letter) => wide.test(letter) || /\p{Emoji_Presentation}|\p{Script=Han}/u.test(letter) ? 2 : 1,
  )
    .reduce((sum, columns) => sum + columns, 0);
}

Deno.test("RateEstimator knows nothing until half a second has passed", PURE, () => {
  const estimator = new RateEstimator();
  assertEquals([estimator.bytesPerSecond, estimator.etaSeconds(10)], [undefined, undefined]);
  for (const atMs of [0, 100, 499]) {
    estimator.feed(atMs, atMs);
    assertEquals([estimator.bytesPerSecond, estimator.etaSeconds(1_000)], [undefined, undefined]);
  }
  estimator.feed(500, 500);
  assertEquals(estimator.bytesPerSecond, 1_000);
  assertEquals(estimator.etaSeconds(1_000), 0.5);
});

Deno.test("RateEstimator forgets what is older than three seconds", PURE, () => {
  const estimator = new RateEstimator();
  for (let atMs = 0; atMs <= 10_000; atMs += 250) estimator.feed(atMs * 100, atMs);
  assertEquals(estimator.bytesPerSecond, 100_000);
  const before = 1_000_000;
  for (let ms = 250; ms <= 1_500; ms += 250) estimator.feed(before + ms, 10_000 + ms);
  // Half of the window at 100,000, half at 1,000.
  assertEquals(estimator.bytesPerSecond, (1.5 * 100_000 + 1.5 * 1_000) / 3);
  for (let ms = 1_750; ms <= 3_000; ms += 250) estimator.feed(before + ms, 10_000 + ms);
  assertEquals(estimator.bytesPerSecond, 1_000);
});

Deno.test("RateEstimator agrees with every sample kept, however often it is fed", PURE, () => {
  for (const periodMs of [1, 7, 40, 100, 130, 999]) {
    const estimator = new RateEstimator();
    const all: { atMs: number; done: number }[] = [];
    for (let atMs = 0, done = 0; atMs < 12_000; atMs += periodMs) {
      done += (atMs % 11) * periodMs;
      all.push({ atMs, done });
      estimator.feed(done, atMs);
    }
    const { atMs, done } = all.at(-1) ?? { atMs: 0, done: 0 };
    // The window starts at a sample that was kept: up to 100 ms or one period earlier.
    const rates = all.filter((each) => {
      const span = atMs - each.atMs;
      return span >= 3_000 && span <= 3_000 + Math.max(100, periodMs) + periodMs;
    }).map((each) => (done - each.done) * 1_000 / (atMs - each.atMs));
    const rate = estimator.bytesPerSecond ?? NaN;
    assert(rates.some((naive) => Math.abs(naive - rate) < 1e-6), `every ${periodMs} ms: ${rate}`);
  }
});

Deno.test("RateEstimator never counts what was there before", PURE, () => {
  const estimator = new RateEstimator();
  estimator.feed(0, 0);
  estimator.feed(0, 400);
  // Only now it is known where the transfer goes on.
  estimator.feed(5_000_000, 1_000, 5_000_000);
  assertEquals(estimator.bytesPerSecond, undefined);
  estimator.feed(5_100_000, 2_000, 5_000_000);
  assertEquals(estimator.bytesPerSecond, 100_000);
  assertEquals(estimator.etaSeconds(6_000_000), 9);
});

Deno.test("RateEstimator starts anew where a transfer steps back", PURE, () => {
  const estimator = new RateEstimator();
  for (const [done, atMs] of [[0, 0], [9_000, 1_000], [4_000, 1_200]] as const) {
    estimator.feed(done, atMs);
  }
  assertEquals(estimator.bytesPerSecond, undefined);
  estimator.feed(5_000, 2_200);
  assertEquals(estimator.bytesPerSecond, 1_000);
});

Deno.test("RateEstimator has no ETA while nothing moves, and none below zero", PURE, () => {
  const estimator = new RateEstimator();
  estimator.feed(100, 0);
  estimator.feed(100, 1_000);
  assertEquals([estimator.bytesPerSecond, estimator.etaSeconds(200)], [0, undefined]);
  estimator.feed(300, 2_000);
  assertEquals(estimator.etaSeconds(200), 0);
  assertAlmostEquals(estimator.etaSeconds(400) ?? NaN, 1);
});

Deno.test("progressLine() shows bar, percent, rate and ETA", PURE, () => {
  assertEquals(
    progressLine(PROGRESS),
    "holiday.mp4  [████████▌           ]  43 %  12.3 MB/s  ETA 1 min 05 s",
  );
  assertEquals(
    progressLine({ ...PROGRESS, done: 100, rate: 8_000, etaSeconds: 0 }),
    "holiday.mp4  [████████████████████] 100 %     8 kB/s  ETA 0 s",
  );
});

Deno.test("progressLine() leaves out what is not known yet", PURE, () => {
  const line = { ...PROGRESS, done: 0, rate: undefined, etaSeconds: undefined };
  assertEquals(progressLine(line), "holiday.mp4  [                    ]   0 %");
});

Deno.test("progressLine() says what goes on while nothing is sent", PURE, () => {
  for (const state of ["checking", "waiting", "verifying"] as const) {
    assertEquals(
      progressLine({ ...PROGRESS, done: 100, state }),
      `holiday.mp4  [████████████████████] 100 %  ${state}`,
    );
  }
});

Deno.test(
  "progressLine() fills its bar by eighths of a cell, and only when all is done",
  PURE,
  () => {
    const size = 160;
    for (let done = 0; done <= size; done++) {
      const [, bar = ""] = /\[(.*)\]/.exec(progressLine({ ...PROGRESS, done, size })) ?? [];
      assertEquals(bar.length, 20);
      // Block elements go from one eighth, U+258F, down to the full block, U+2588.
      const eighths = Array.from(bar, (cell) => cell === " " ? 0 : 0x2590 - cell.charCodeAt(0));
      assertEquals(eighths.reduce((sum, each) => sum + each, 0), done);
    }
    const almost = progressLine({ ...PROGRESS, done: 2 ** 50 - 1, size: 2 ** 50 });
    assertEquals(almost.slice(0, 41), "holiday.mp4  [███████████████████▉]  99 %");
  },
);

Deno.test("progressLine() takes an empty file for done and keeps within 0 and 100", PURE, () => {
  const percent = (done: number, size: number) =>
    / (\d+) %/.exec(progressLine({ ...PROGRESS, done, size }))?.[1];
  const cases = [[0, 0, "100"], [200, 100, "100"], [-5, 100, "0"], [29, 100, "29"]] as const;
  for (const [done, size, shown] of cases) assertEquals(percent(done, size), shown);
});

Deno.test("progressLine() drops the bar first, then figures from the right", PURE, () => {
  const cases: readonly (readonly [number, string])[] = [
    [68, "holiday.mp4  [████████▌           ]  43 %  12.3 MB/s  ETA 1 min 05 s"],
    [65, "holi…mp4  [████████▌           ]  43 %  12.3 MB/s  ETA 1 min 05 s"],
    [64, "holiday.mp4  43 %  12.3 MB/s  ETA 1 min 05 s"],
    [44, "holiday.mp4  43 %  12.3 MB/s  ETA 1 min 05 s"],
    [41, "holi…mp4  43 %  12.3 MB/s  ETA 1 min 05 s"],
    [40, "holiday.mp4  43 %  12.3 MB/s"],
    [25, "holi…mp4  43 %  12.3 MB/s"],
    [24, "holiday.mp4  43 %"],
    [14, "holi…mp4  43 %"],
    [13, "holiday.mp4"],
    [8, "holi…mp4"],
    [2, "h…"],
    [1, "…"],
    [0, ""],
    [-1, ""],
  ];
  for (const [width, line] of cases) {
    assertEquals(progressLine({ ...PROGRESS, width }), line, `${width}`);
  }
});

Deno.test("progressLine() never takes more than its width, whatever the label", PURE, () => {
  for (const label of LABELS) {
    for (let width = 0; width <= 120; width++) {
      for (const state of ["sending", "verifying"] as const) {
        const line = progressLine({ ...PROGRESS, label, state, width });
        assert(naiveColumns(line) <= width, `${width}: ${JSON.stringify(line)}`);
        assert(!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(line), JSON.stringify(line));
      }
    }
  }
});

Deno.test("progressLine() shortens a label between whole letters", PURE, () => {
  const shown = (label: string, width: number) => progressLine({ ...PROGRESS, label, width });
  // Two columns each: three fit beside the ellipsis, and one column stays empty.
  assertEquals(shown("休暇の写真最終", 8), "休暇…終");
  // No composed form: the mark counts, and goes where its letter goes.
  assertEquals(shown("q\u0301q\u0301q\u0301q\u0301", 5), "q\u0301…q\u0301");
  // Composed, each is one column.
  assertEquals(shown("e\u0301".repeat(5), 5), "\u00e9".repeat(5));
});

Deno.test("printable() replaces what a terminal obeys or a reader does not see", PURE, () => {
  const cases = [
    ["holiday (2).mp4", "holiday (2).mp4"],
    ["a\x1b[2Jb", "a?[2Jb"],
    ["a\r\n\tb", "a???b"],
    ["\x9b31m", "?31m"],
    ["a\u202egnp.exe", "a?gnp.exe"],
    ["a\u200db", "a?b"],
    ["a\u2028b", "a?b"],
    ["a\ud800b", "a\ufffdb"],
    ["e\u0301", "\u00e9"],
  ] as const;
  for (const [text, shown] of cases) assertEquals(printable(text), shown);
});

/** A display, and what it has written. */
function open(columns?: number) {
  const clock = new ManualClock();
  const written: string[] = [];
  const display = new ProgressDisplay({
    name: "holiday.mp4",
    size: 1_000,
    peer: "k5w2rq7a",
    clock,
    columns: columns === undefined ? undefined : () => columns,
    write: (text) => written.push(text),
  });
  return { clock, display, written, take: () => written.splice(0).join("") };
}

Deno.test("ProgressDisplay redraws one line on a terminal and leaves it clean", PURE, () => {
  const { clock, display, take } = open(80);
  const bar = (cells: string) => `holiday.mp4  [${cells.padEnd(20)}]`;
  assertEquals(take(), `\r${bar("")}   0 %  checking\x1b[K`);
  display.show(SENDING);
  display.show({ ...SENDING, sent: 100 });
  assertEquals(take(), "");
  clock.advance(100);
  assertEquals(take(), `\r${bar("██")}  10 %\x1b[K`);
  clock.advance(900);
  take();
  display.show({ ...SENDING, sent: 500 });
  clock.advance(100);
  // 500 bytes in the second before the last event.
  assertEquals(take(), `\r${bar("██████████")}  50 %    500 B/s  ETA 1 s\x1b[K`);
  display.show({ ...SENDING, state: "verifying", sent: 1_000 });
  clock.advance(100);
  assertEquals(take(), `\r${bar("█".repeat(20))} 100 %  verifying\x1b[K`);
  display.complete();
  display.close();
  assertEquals([take(), clock.pending], ["\r\x1b[K", 0]);
});

Deno.test("ProgressDisplay keeps off a terminal's last column", PURE, () => {
  for (const columns of [1, 2, 20, 40, 69, 80]) {
    const { display, take } = open(columns);
    const line = take().replace("\r", "").replace("\x1b[K", "");
    assert(line.length <= columns - 1, `${columns}: ${line}`);
    display.close();
  }
});

Deno.test("ProgressDisplay shows a transfer that stalls as one", PURE, () => {
  const { clock, display, written } = open(80);
  for (let sent = 0; sent <= 500; sent += 100) {
    display.show({ ...SENDING, sent });
    clock.advance(1_000);
  }
  const last = () => written.at(-1)?.split(" %").at(-1);
  assertEquals(last(), "    100 B/s  ETA 5 s\x1b[K");
  clock.advance(10_000);
  assertEquals(last(), "      0 B/s\x1b[K");
  display.close();
});

Deno.test("ProgressDisplay writes a line at each tenth where there is no terminal", PURE, () => {
  const { clock, display, take } = open();
  assertEquals([take(), clock.pending], ["holiday.mp4: 1 kB to k5w2rq7a\n", 0]);
  display.show({ ...SENDING, state: "checking", sent: 1_000 });
  for (let sent = 0; sent <= 290; sent += 10) {
    display.show({ ...SENDING, sent });
    clock.advance(100);
  }
  // 100 bytes a second: the last tenth came after two seconds.
  assertEquals(
    take(),
    "holiday.mp4: 10 %, 100 B/s, ETA 9 s\nholiday.mp4: 20 %, 100 B/s, ETA 8 s\n",
  );
  display.show({ ...SENDING, sent: 777 });
  assertEquals(take().slice(0, 17), "holiday.mp4: 77 %");
  display.complete();
  display.complete();
  display.close();
  assertEquals(/^holiday\.mp4: 100 %[^\n]*\n$/.test(take()), true);
});

Deno.test("ProgressDisplay writes no codes where there is no terminal", PURE, () => {
  const { display, take } = open();
  display.show({ ...SENDING, sent: 430, resumed_from: 430 });
  display.show({ ...SENDING, state: "verifying", sent: 1_000 });
  display.close();
  assertEquals(
    take(),
    "holiday.mp4: 1 kB to k5w2rq7a\nholiday.mp4: 43 %\nholiday.mp4: 100 %\n",
  );
});

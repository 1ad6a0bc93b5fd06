import { assert, assertEquals, assertThrows } from "@std/assert";
import { seededRandom } from "../../../src/base/random.ts";
import {
  encodeForemanFrame,
  encodeForemanFrames,
  ForemanFrameError,
  ForemanFrameReader,
  MAX_FRAME_PAYLOAD,
} from "../../../src/work/worker/foreman_frame.ts";
import { fuzzSeed, mutateBytes } from "../../testing/mutate.ts";

const PURE = { permissions: "none" } as const;
const GOLDEN = new Uint8Array([0, 0, 0, 7, 1, 0, 0, 1, 2, 0x61, 0x62]);

Deno.test("encodeForemanFrame() writes length, kind, process, payload", PURE, () => {
  assertEquals(encodeForemanFrame("input", 258, new Uint8Array([0x61, 0x62])), GOLDEN);
});

Deno.test("ForemanFrameReader.push() finds frames at every split", PURE, () => {
  const end = encodeForemanFrame("over", 0);
  const bytes = new Uint8Array([...GOLDEN, ...end]);
  for (let at = 0; at <= bytes.length; at++) {
    const reader = new ForemanFrameReader();
    const frames = [...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at))];
    assertEquals(frames.map(({ kind, process, payload }) => [kind, process, [...payload]]), [
      ["input", 258, [0x61, 0x62]],
      ["over", 0, []],
    ]);
  }
});

Deno.test("encodeForemanFrames() cuts what is longer than a frame", PURE, () => {
  const bytes = Uint8Array.from({ length: 2 * MAX_FRAME_PAYLOAD + 1 }, (_, i) => i);
  const frames = encodeForemanFrames("output", 3, bytes);
  assertEquals(frames.map(({ length }) => length), [4_096, 4_096, 10]);
  const reader = new ForemanFrameReader();
  const read = frames.flatMap((frame) => reader.push(frame)).flatMap(({ payload }) => [...payload]);
  assertEquals(read, [...bytes]);
  assertThrows(() => encodeForemanFrame("output", 3, bytes), RangeError);
});

Deno.test("ForemanFrameReader.push() refuses lengths and kinds that are none", PURE, () => {
  for (
    const bytes of [
      [0, 0, 0, 4],
      [0, 0, 0, 0],
      [0, 0, 0x0f, 0xfd],
      [0xff, 0xff, 0xff, 0xff],
      [0, 0, 0, 5, 14, 0, 0, 0, 0],
      [0, 0, 0, 5, 255, 0, 0, 0, 0],
    ]
  ) {
    assertThrows(() => new ForemanFrameReader().push(new Uint8Array(bytes)), ForemanFrameError);
  }
});

Deno.test("ForemanFrameReader.push() reads or refuses whatever it is given", PURE, () => {
  const seed = fuzzSeed();
  const random = seededRandom(seed);
  for (let i = 0; i < 5_000; i++) {
    try {
      new ForemanFrameReader().push(mutateBytes(random, GOLDEN));
    } catch (error) {
      assert(error instanceof ForemanFrameError, `seed ${seed}: ${error}`);
    }
  }
});

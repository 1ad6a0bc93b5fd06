import { assertEquals, assertThrows } from "@std/assert";
import { ByteReader, ByteReaderError } from "../../src/base/byte_reader.ts";

const PURE = { permissions: "none" } as const;
const BYTES = Uint8Array.of(0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef);

Deno.test("ByteReader reads unsigned big-endian numbers", PURE, () => {
  assertEquals(new ByteReader(BYTES).u8(), 0x01);
  assertEquals(new ByteReader(BYTES).u16(), 0x0123);
  assertEquals(new ByteReader(BYTES).u32(), 0x0123_4567);
  assertEquals(new ByteReader(BYTES).u48(), 0x0123_4567_89ab);
  const ones = new Uint8Array(6).fill(0xff);
  assertEquals(new ByteReader(ones).u8(), 255);
  assertEquals(new ByteReader(ones).u16(), 65_535);
  assertEquals(new ByteReader(ones).u32(), 4_294_967_295);
  assertEquals(new ByteReader(ones).u48(), 281_474_976_710_655);
});

Deno.test("ByteReader reads one thing after another", PURE, () => {
  const reader = new ByteReader(BYTES, 1);
  assertEquals([reader.offset, reader.left], [1, 7]);
  assertEquals([reader.u8(), reader.u16(), reader.offset, reader.left], [0x23, 0x4567, 4, 4]);
  assertEquals([reader.u32(), reader.left], [0x89ab_cdef, 0]);
  reader.end();
});

Deno.test("ByteReader.view() and since() share the bytes they are of", PURE, () => {
  const bytes = BYTES.slice();
  const reader = new ByteReader(bytes);
  reader.u8();
  const view = reader.view(3);
  assertEquals([...view], [0x23, 0x45, 0x67]);
  assertEquals([...reader.since(0)], [0x01, 0x23, 0x45, 0x67]);
  assertEquals([...reader.since(2)], [0x45, 0x67]);
  bytes[1] = 0;
  assertEquals(view[0], 0);
  assertEquals(reader.view(0).length, 0);
});

Deno.test("ByteReader throws where the bytes end too soon, and stays where it is", PURE, () => {
  const reads: readonly [number, (reader: ByteReader) => unknown][] = [
    [1, (reader) => reader.u8()],
    [2, (reader) => reader.u16()],
    [4, (reader) => reader.u32()],
    [6, (reader) => reader.u48()],
    [5, (reader) => reader.view(5)],
  ];
  for (const [length, read] of reads) {
    for (let left = 0; left < length; left++) {
      const error = assertThrows(() => read(new ByteReader(BYTES.slice(0, left))), ByteReaderError);
      assertEquals(error.code, "truncated", `${length} of ${left}`);
    }
    read(new ByteReader(BYTES.slice(0, length)));
  }
  const reader = new ByteReader(BYTES.slice(0, 3));
  assertThrows(() => reader.u32(), ByteReaderError, "Cannot read 4 bytes at 0: 3 are left");
  assertEquals(reader.u16(), 0x0123);
});

Deno.test("ByteReader.end() throws when bytes follow", PURE, () => {
  const reader = new ByteReader(BYTES);
  reader.view(7);
  const error = assertThrows(() => reader.end(), ByteReaderError, "1 bytes follow the end");
  assertEquals(error.code, "malformed");
});

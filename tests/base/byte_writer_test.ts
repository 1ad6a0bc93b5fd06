import { assertEquals } from "@std/assert";
import { ByteReader } from "../../src/base/byte_reader.ts";
import { ByteWriter } from "../../src/base/byte_writer.ts";

const PURE = { permissions: "none" } as const;

Deno.test("ByteWriter writes big-endian numbers", PURE, () => {
  const bytes = new ByteWriter().u8(0x01).u16(0x2345).u32(0x6789_abcd).u48(0xef01_2345_6789)
    .bytes(Uint8Array.of(7, 8)).finish();
  assertEquals(bytes.toHex(), "01" + "2345" + "6789abcd" + "ef0123456789" + "0708");
});

Deno.test("ByteWriter writes the smallest and the largest number of each width", PURE, () => {
  for (
    const [bits, write] of [
      [8, (writer: ByteWriter, value: number) => writer.u8(value)],
      [16, (writer: ByteWriter, value: number) => writer.u16(value)],
      [32, (writer: ByteWriter, value: number) => writer.u32(value)],
      [48, (writer: ByteWriter, value: number) => writer.u48(value)],
    ] as const
  ) {
    for (const value of [0, 1, 2 ** (bits - 1), 2 ** bits - 1]) {
      const hex = write(new ByteWriter(), value).finish().toHex();
      assertEquals(hex, value.toString(16).padStart(bits / 4, "0"), `${value} in ${bits} bits`);
    }
  }
});

Deno.test("ByteWriter.u48() is what ByteReader.u48() reads", PURE, () => {
  for (const value of [0, 0xffff_ffff, 0x1_0000_0000, 0x8000_0000_0001, 2 ** 48 - 1]) {
    assertEquals(new ByteReader(new ByteWriter().u48(value).finish()).u48(), value, `${value}`);
  }
});

Deno.test("ByteWriter grows past its capacity, whatever that is", PURE, () => {
  for (const capacity of [0, 1, 3, 64]) {
    const writer = new ByteWriter(capacity);
    for (let n = 0; n < 100; n++) writer.u8(n);
    writer.bytes(new Uint8Array(1_000).fill(9));
    assertEquals(writer.length, 1_100);
    const bytes = writer.finish();
    assertEquals([bytes.length, bytes[0], bytes[99], bytes[100], bytes[1_099]], [
      1_100,
      0,
      99,
      9,
      9,
    ]);
  }
});

Deno.test("ByteWriter.finish() keeps no more memory than was written", PURE, () => {
  assertEquals(new ByteWriter(1_000).u16(1).finish().buffer.byteLength, 2);
  assertEquals(new ByteWriter(2).u16(1).finish().buffer.byteLength, 2);
});

Deno.test("ByteWriter.patch() writes over one byte", PURE, () => {
  const writer = new ByteWriter().u8(0).u16(0xffff);
  writer.patch(0, 2);
  assertEquals(writer.finish().toHex(), "02ffff");
});

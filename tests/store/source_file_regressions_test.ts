import { assertEquals } from "@std/assert";
import { seededRandom } from "../../src/base/random.ts";
import { SourceFile } from "../../src/store/source_file.ts";
import { randomBytesOf } from "../testing/transfers.ts";
import { FILES, withDirectory } from "../store/temp.ts";
Deno.test("SourceFile.read() gives each of two readers at once its own bytes", FILES, async () => {
  await withDirectory(async (directory) => {
    const bytes = randomBytesOf(seededRandom(2), 4_000_000);
    await Deno.writeFile(`${directory}/f`, bytes);
    const source = await SourceFile.open(`${directory}/f`);
    const offsets = [0, 1_000_000, 2_000_000, 3_000_000];
    let wrong = 0;
    for (let round = 0; round < 10; round++) {
      await Promise.all(offsets.map(async (offset) => {
        const b = new Uint8Array(262_144);
        await source.read(offset, b);
        if (b[0] !== bytes[offset] || b[262143] !== bytes[offset + 262143]) wrong++;
      }));
    }
    source.close();
    assertEquals(wrong, 0);
  });
});

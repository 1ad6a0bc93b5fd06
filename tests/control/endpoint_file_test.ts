import { assertEquals, assertRejects } from "@std/assert";
import { ControlClient, ControlClientError } from "../../src/control/client.ts";
import {
  type Endpoint,
  readEndpoint,
  removeEndpoint,
  writeEndpoint,
} from "../../src/control/endpoint_file.ts";
import { FILES, modeOf, namesIn, withDirectory } from "../store/temp.ts";

const ENDPOINT: Endpoint = Object.freeze({
  url: "http://127.0.0.1:40123",
  token: "secret",
  pid: 4711,
  listenPort: 9000,
});
const NOTE = { version: 1, url: ENDPOINT.url, token: "secret", pid: 4711, listen_port: 9000 };

Deno.test("writeEndpoint() leaves a note that only its owner reads", FILES, async () => {
  await withDirectory(async (stateDir) => {
    await writeEndpoint(stateDir, ENDPOINT);
    const path = `${stateDir}/control.json`;
    assertEquals(await namesIn(stateDir), ["control.json"]);
    assertEquals(JSON.parse(await Deno.readTextFile(path)), NOTE);
    assertEquals(await modeOf(path) ?? 0o600, 0o600);
    assertEquals(await readEndpoint(stateDir), ENDPOINT);
  });
});

Deno.test("writeEndpoint() replaces the note of an agent that was killed", FILES, async () => {
  await withDirectory(async (stateDir) => {
    const path = `${stateDir}/control.json`;
    await Deno.writeTextFile(path, "left over", { mode: 0o644 });
    await writeEndpoint(stateDir, ENDPOINT);
    assertEquals(await readEndpoint(stateDir), ENDPOINT);
    assertEquals(await modeOf(path) ?? 0o600, 0o600);
  });
});

Deno.test("removeEndpoint() takes the note away, twice if need be", FILES, async () => {
  await withDirectory(async (stateDir) => {
    await writeEndpoint(stateDir, ENDPOINT);
    await removeEndpoint(stateDir);
    await removeEndpoint(stateDir);
    assertEquals(await readEndpoint(stateDir), undefined);
  });
});

Deno.test("ControlClient.open() takes a damaged note for none", FILES, async () => {
  const damaged: readonly unknown[] = [
    [],
    { ...NOTE, version: 2 },
    { ...NOTE, url: 1 },
    { ...NOTE, url: "" },
    { ...NOTE, token: "a\nb" },
    { ...NOTE, token: "x".repeat(257) },
    { ...NOTE, pid: -1 },
    { ...NOTE, listen_port: 0 },
    { ...NOTE, listen_port: 65_536 },
    { ...NOTE, padding: "x".repeat(4_096) },
  ];
  const texts = ["", "{", "\0", ...damaged.map((note) => JSON.stringify(note))];
  for (const text of texts) {
    await withDirectory(async (stateDir) => {
      await Deno.writeTextFile(`${stateDir}/control.json`, text);
      const error = await assertRejects(() => ControlClient.open(stateDir), ControlClientError);
      assertEquals(error.code, "not_running", text);
    });
  }
});

Deno.test("ControlClient.open() finds what was written", FILES, async () => {
  await withDirectory(async (stateDir) => {
    await writeEndpoint(stateDir, ENDPOINT);
    assertEquals((await ControlClient.open(stateDir)).endpoint, ENDPOINT);
    await assertRejects(() => ControlClient.open(`${stateDir}/elsewhere`), ControlClientError);
  });
});

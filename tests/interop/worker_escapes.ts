/**
 * Attempts of a job's module to reach beyond its process: each a function body that returns where it has got through
 * and throws where it was refused. `PORT`, `CANARY` and `PID` are replaced by a listener of the test, a file and a
 * process that exist.
 */

export interface Escape {
  readonly name: string;
  readonly body: string;
}

const CONNECTED = `
  const { once } = await import("node:events");
`;

export const ESCAPES: readonly Escape[] = Object.entries({
  "fetch": `await fetch("http://127.0.0.1:PORT/")`,
  "Deno.connect": `await Deno.connect({ port: PORT })`,
  "Deno.connect by name": `await Deno.connect({ hostname: "localhost", port: PORT })`,
  "Deno.connectTls": `await Deno.connectTls({ hostname: "127.0.0.1", port: PORT })`,
  "Deno.listen": `Deno.listen({ port: 0 })`,
  "Deno.serve": `Deno.serve({ port: 0 }, () => new Response())`,
  "Deno.resolveDns": `await Deno.resolveDns("localhost", "A")`,
  "a Unix socket": `await Deno.connect({ transport: "unix", path: "CANARY" })`,
  "WebSocket": `await new Promise((resolve, reject) => {
    const socket = new WebSocket("ws://127.0.0.1:PORT/");
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("refused"));
  })`,
  "EventSource": `await new Promise((resolve, reject) => {
    const source = new EventSource("http://127.0.0.1:PORT/");
    source.onopen = resolve;
    source.onerror = () => { source.close(); reject(new Error("refused")); };
  })`,
  "node:net": `${CONNECTED}
    await once((await import("node:net")).connect(PORT, "127.0.0.1"), "connect")`,
  "node:net, listening": `${CONNECTED}
    await once((await import("node:net")).createServer().listen(0), "listening")`,
  "node:http": `${CONNECTED}
    await once((await import("node:http")).get("http://127.0.0.1:PORT/"), "response")`,
  "node:tls": `${CONNECTED}
    await once((await import("node:tls")).connect(PORT, "127.0.0.1"), "secureConnect")`,
  "node:dgram": `await new Promise((resolve, reject) => {
    import("node:dgram").then(({ createSocket }) => {
      const socket = createSocket("udp4");
      socket.on("error", reject);
      socket.on("message", resolve);
      // Refused or not, it may say nothing: then it must not have heard itself either.
      socket.bind(0, "127.0.0.1", () => socket.send("a", socket.address().port, "127.0.0.1"));
      setTimeout(() => reject(new Error("nothing was heard")), 300);
    }).catch(reject);
  })`,
  "node:dns": `await (await import("node:dns/promises")).lookup("localhost")`,

  "Deno.readTextFile": `await Deno.readTextFile("CANARY")`,
  "Deno.open of the kernel's": `Deno.openSync("/proc/self/environ")`,
  "Deno.stat": `Deno.statSync("CANARY")`,
  "Deno.readDir": `[...Deno.readDirSync("/")]`,
  "Deno.writeTextFile": `await Deno.writeTextFile("CANARY.written", "x")`,
  "Deno.makeTempFile": `Deno.makeTempFileSync()`,
  "Deno.symlink": `Deno.symlinkSync("CANARY", "CANARY.written")`,
  "Deno.chdir": `Deno.chdir("/tmp")`,
  "node:fs": `(await import("node:fs")).readFileSync("CANARY")`,
  "node:fs, writing": `(await import("node:fs")).writeFileSync("CANARY.written", "x")`,
  "node:fs/promises": `await (await import("node:fs/promises")).readFile("CANARY")`,
  "process.getBuiltinModule": `process.getBuiltinModule("fs").readFileSync("CANARY")`,
  "require": `const { createRequire } = await import("node:module");
    createRequire("file:///tmp/")("CANARY")`,
  "node:sqlite": `const { DatabaseSync } = await import("node:sqlite");
    new DatabaseSync("CANARY.written").exec("CREATE TABLE t (a)")`,
  "node:sqlite, attaching": `const { DatabaseSync } = await import("node:sqlite");
    new DatabaseSync(":memory:").exec("ATTACH 'CANARY.written' AS b; CREATE TABLE b.t (a)")`,
  "localStorage": `localStorage.setItem("a", "b")`,
  "sessionStorage": `sessionStorage.setItem("a", "b")`,
  "caches": `await (await caches.open("a")).put("http://a/", new Response("b"))`,
  "Deno.openKv": `await Deno.openKv()`,
  "a heap snapshot": `(await import("node:v8")).writeHeapSnapshot("CANARY.written")`,

  "import of a file": `await import("file://CANARY")`,
  "import of a file as JSON": `await import("file://CANARY", { with: { type: "json" } })`,
  "import of a file by a module in a URL": `await import(
    "data:text/javascript,import x from 'file://CANARY' with { type: 'json' }; export default x")`,
  "import over the network": `await import("http://127.0.0.1:PORT/x.js")`,
  "import from a host that runtimes trust": `await import("https://deno.land/std/version.ts")`,
  "import from npm": `await import("npm:chalk@5.3.0")`,
  "import from JSR": `await import("jsr:@std/assert@1")`,
  "import by a bare name": `await import("chalk")`,

  "Deno.env": `Deno.env.get("HOME")`,
  "all of Deno.env": `Deno.env.toObject()`,
  "process.env": `process.env.HOME`,
  "setting a variable": `Deno.env.set("A", "b")`,

  "Deno.Command": `await new Deno.Command("/bin/true").output()`,
  "Deno.Command of ourselves": `await new Deno.Command(Deno.execPath(), { args: ["-V"] }).output()`,
  "node:child_process": `(await import("node:child_process")).execSync("/bin/true")`,
  "node:child_process, forking": `${CONNECTED}
    await once((await import("node:child_process")).fork("CANARY"), "spawn")`,
  "a signal to another process": `Deno.kill(PID, "SIGTERM")`,
  "a signal to its parent": `process.kill(process.ppid, "SIGTERM")`,

  "Deno.dlopen": `Deno.dlopen("libc.so.6", {})`,
  "process.dlopen": `process.dlopen({ exports: {} }, "CANARY.node")`,

  "Deno.hostname": `Deno.hostname()`,
  "Deno.networkInterfaces": `Deno.networkInterfaces()`,
  "Deno.osRelease": `Deno.osRelease()`,
  "node:os": `(await import("node:os")).userInfo()`,
  "its priority": `(await import("node:os")).setPriority(0, -20)`,
  "the inspector": `(await import("node:inspector")).open(0)`,

  "Deno.permissions.request": `
    for (const name of ["read", "write", "net", "env", "run", "sys", "ffi", "import"]) {
      const { state } = await Deno.permissions.request({ name });
      if (state === "granted") return;
    }
    throw new Error("denied")`,
  "Worker": `new Worker("data:text/javascript,1", { type: "module" })`,
  "a thread that reads": `const { Worker } = await import("node:worker_threads");
    const code = "require('node:fs').readFileSync('CANARY')";
    const worker = new Worker(code, { eval: true });
    await new Promise((resolve, reject) => { worker.on("exit", resolve); worker.on("error", reject); })`,
  "a thread of a thread that reads": `const { Worker } = await import("node:worker_threads");
    const code = "const { Worker } = require('node:worker_threads');" +
      "const inner = new Worker(\\"require('node:fs').readFileSync('CANARY')\\", { eval: true });" +
      "inner.on('error', (error) => { throw error; });";
    const worker = new Worker(code, { eval: true });
    await new Promise((resolve, reject) => { worker.on("exit", resolve); worker.on("error", reject); })`,
  "a thread that connects": `const { Worker } = await import("node:worker_threads");
    const code = "require('node:net').connect(PORT, '127.0.0.1')" +
      ".on('error', (error) => { throw error; }).on('connect', () => process.exit(0));";
    const worker = new Worker(code, { eval: true });
    await new Promise((resolve, reject) => { worker.on("exit", resolve); worker.on("error", reject); })`,
  "a thread that keeps files": `const { Worker } = await import("node:worker_threads");
    const code = "caches.open('a').then((cache) => cache.put('http://a/', new Response('b')))" +
      ".catch((error) => { setImmediate(() => { throw error; }); });";
    const worker = new Worker(code, { eval: true });
    await new Promise((resolve, reject) => { worker.on("exit", resolve); worker.on("error", reject); })`,
  "BroadcastChannel": `new BroadcastChannel("a").postMessage(1)`,
  "a question to the terminal": `prompt("?")`,
}).map(([name, body]) => ({ name, body }));

/** A module whose evaluation of `[i]` makes attempt `i`: 1 where it got through, an error where it did not. */
export function escapeModule(
  places: { readonly port: number; readonly canary: string; readonly pid: number },
): string {
  const attempts = ESCAPES.map(({ body }) =>
    `async () => { ${
      body.replaceAll("PORT", String(places.port)).replaceAll("CANARY", places.canary)
        .replaceAll("PID", String(places.pid))
    } }`
  );
  return `const attempts = [${attempts.join(",\n")}];
    export async function evaluate([index]) { await attempts[index](); return 1; }`;
}

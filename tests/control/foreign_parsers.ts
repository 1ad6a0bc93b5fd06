/**
 * Parsers of the Prometheus text format that are not ours: that of its Python client (Debian:
 * python3-prometheus-client) and promtool (Debian: prometheus).
 */

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

const PARSE = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
print(json.dumps([
    {"name": f.name, "type": f.type,
     "samples": [{"name": s.name, "labels": s.labels, "value": s.value} for s in f.samples]}
    for f in parse(sys.stdin.read())]))
`;

/** Debian's interpreter first: another one before it on PATH may not see Debian's packages. */
const INTERPRETERS = ["/usr/bin/python3", "python3"];

let found: string | undefined;

/** Whether the parser is installed; says what is missing where it is not. */
export async function pythonParserIsThere(): Promise<boolean> {
  for (const interpreter of INTERPRETERS) {
    try {
      const { success } = await new Deno.Command(interpreter, {
        args: ["-c", "import prometheus_client.parser"],
        stdout: "null",
        stderr: "null",
      }).output();
      if (success) found = interpreter;
      if (success) return true;
    } catch {
      // No such interpreter: the next one.
    }
  }
  console.log("not shown: metrics under an independent parser (python3-prometheus-client)");
  return false;
}

/** What the parser makes of `text`. Rejects when it does not accept it. */
export async function parsedByPython(text: string): Promise<readonly ParsedFamily[]> {
  const { success, stdout, stderr } = await feed(found ?? "python3", ["-c", PARSE], text);
  if (!success) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Whether promtool is installed. It comes with the whole server, so CI does not ask for it. */
export async function promtoolIsThere(): Promise<boolean> {
  try {
    const { success } = await feed("promtool", ["--version"], "");
    if (success) return true;
  } catch {
    // Not installed.
  }
  console.log("not shown: metrics under promtool (prometheus)");
  return false;
}

/** What promtool finds wrong with `text`, its format and its names; empty is well. */
export async function promtoolComplaints(text: string): Promise<string> {
  const { success, stdout, stderr } = await feed("promtool", ["check", "metrics"], text);
  return success ? stdout + stderr : `failed: ${stdout}${stderr}`;
}

async function feed(command: string, args: readonly string[], text: string) {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, stdout: decode(stdout), stderr: decode(stderr) };
}

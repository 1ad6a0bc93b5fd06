/**
 * A worker that waits: a program that an owner configures, told by its argument how many milliseconds an evaluation
 * takes. So unequal machines can be had on one that has not as many processors.
 *
 * deno run scripts/lib/evolve/waiting_worker.ts 40
 */

const delayMs = Number(Deno.args[0]);
const encoder = new TextEncoder();

let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) await answer(JSON.parse(line));
}

async function answer(request: {
  readonly type: string;
  readonly id?: number;
  readonly genomes?: readonly (readonly number[])[];
}): Promise<void> {
  switch (request.type) {
    case "init":
      return say({ type: "ready" });
    case "checkpoint":
      return say({ type: "checkpoint", state: null });
    case "stop":
      return Deno.exit(0);
    case "evaluate": {
      const fitness: number[] = [];
      for (const genome of request.genomes ?? []) {
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        fitness.push(genome.reduce((sum, x) => sum + x * x, 0));
      }
      say({ type: "result", id: request.id, fitness });
    }
  }
}

function say(message: object): void {
  Deno.stdout.writeSync(encoder.encode(JSON.stringify(message) + "\n"));
}

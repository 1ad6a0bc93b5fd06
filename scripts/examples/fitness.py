#!/usr/bin/env python3
"""A command worker: evaluates genomes for hamlet, one JSON object a line (PROTOCOL.md, "Workers").

Start an agent with it, then run a job that names it:

    hamlet up --work on --worker rosenbrock='python3 scripts/examples/fitness.py'
    hamlet evolve --worker rosenbrock --dims 10 --bounds -5,10 --target 1e-8

It runs with the rights of whoever started the agent. Standard output is for answers; print to standard
error. Python 3.8 or later, no packages.
"""

import json
import sys


def fitness(genome, options):
    """Rosenbrock's function (The Computer Journal, 1960): 0 where every number is 1."""
    steepness = options.get("steepness", 100.0)
    return sum(
        steepness * (y - x * x) ** 2 + (1 - x) ** 2 for x, y in zip(genome, genome[1:])
    )


def evaluate(genome, options):
    """A number; or what went wrong with this one genome, which costs the others nothing."""
    try:
        return fitness(genome, options)
    except (ArithmeticError, ValueError) as error:
        return {"error": str(error)}


def main():
    options, done = {}, 0
    for line in sys.stdin:
        request = json.loads(line)
        kind = request["type"]
        if kind == "init":
            options = request["options"]
            # What an earlier process wanted to remember, if there was one.
            done = (request.get("state") or {}).get("done", 0)
            answer = {"type": "ready", "name": "rosenbrock", "batch": 256}
        elif kind == "evaluate":
            # A whole batch at once: a program that can do so gains by it.
            values = [evaluate(genome, options) for genome in request["genomes"]]
            done += len(values)
            # JSON has no NaN or Infinity: null says that there is no fitness.
            values = [None if v != v or v in (float("inf"), float("-inf")) else v for v in values]
            answer = {"type": "result", "id": request["id"], "fitness": values}
        elif kind == "checkpoint":
            answer = {"type": "checkpoint", "state": {"done": done}}
        elif kind == "stop":
            return
        else:
            continue
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

/**
 * Reads the kernel's files through a shell, which waits beside the agent for the names of those it may read.
 *
 * Opening anything below `/proc` and `/sys` takes every permission at once in this runtime, even to read the
 * load. A shell that is started while programs may still be started needs none: it answers for a fixed list
 * of files and directories, whatever it is asked, so the agent can give up the rest and still be measured. It
 * costs some 0.4 MB of memory and 0.2 ms a file, and ends when its standard input does.
 *
 * Questions are lines, `r PATH` for a file and `l PATH` for a directory; an answer is the lines, each after a
 * blank, and then `.`, or `!` for what is absent or not on the list.
 */

/** What may be read: patterns of the shell, in which `*` also stands for slashes. */
const READABLE: readonly string[] = Object.freeze([
  "/proc/acpi/button/lid",
  "/proc/acpi/button/lid/*",
  "/proc/device-tree/chassis-type",
  "/proc/device-tree/model",
  "/proc/meminfo",
  "/proc/net/ipv6_route",
  "/proc/net/route",
  "/proc/self/cgroup",
  "/proc/stat",
  "/sys/class/dmi/id/chassis_type",
  "/sys/class/dmi/id/product_name",
  "/sys/class/dmi/id/sys_vendor",
  "/sys/class/hwmon*",
  "/sys/class/net*",
  "/sys/class/power_supply*",
  "/sys/class/thermal*",
  "/sys/devices/platform/soc/soc:firmware/get_throttled",
  "/sys/fs/cgroup/*",
]);

/** No fork: the shell's own commands only. A newline in a variable is written as such, which every shell takes. */
const SCRIPT = `
trap '' HUP INT
while IFS= read -r ask; do
  path=\${ask#??}
  case $path in
    *..*) path= ;;
    ${READABLE.map((pattern) => pattern.replaceAll(":", "\\:")).join("|")}) ;;
    *) path= ;;
  esac
  text= known=
  case \${path:+$ask} in
    "r "*) if [ -f "$path" ] && [ -r "$path" ]; then
      while IFS= read -r line || [ -n "$line" ]; do text="$text $line
"; done <"$path" && known=1
    fi ;;
    "l "*) if [ -d "$path" ]; then
      for name in "$path"/*; do [ -e "$name" ] && text="$text \${name##*/}
"; done
      known=1
    fi ;;
  esac
  if [ "$known" ]; then printf '%s.\\n' "$text"; else printf '!\\n'; fi
done 2>/dev/null`;

/** The shells of Linux and of Android. */
const SHELLS: readonly string[] = Object.freeze(["/bin/sh", "/system/bin/sh"]);
/** A longer answer is none. */
const MAX_ANSWER_CHARS = 256 * 1024;
/** More unanswered questions than this, and the shell hangs in a sensor: nothing more is asked. */
const MAX_WAITING = 64;
/** A sensor that has not answered by then has no answer for this reading. */
const DEFAULT_TIMEOUT_MS = 3_000;

export interface KernelReaderOptions {
  /** The shell to use; else the system's. */
  readonly shell?: string;
  readonly timeoutMs?: number;
}

type Answer = readonly string[] | undefined;

export class KernelReader {
  /** Resolves once the shell has ended. */
  readonly #ended: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #questions: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  readonly #timeoutMs: number;
  #isOver = false;

  private constructor(child: Deno.ChildProcess, timeoutMs: number) {
    this.#child = child;
    this.#timeoutMs = timeoutMs;
    this.#questions = child.stdin.getWriter();
    this.#ended = this.#follow();
  }

  /** Starts the shell; `undefined` where there is none, or where no program may be started. */
  static start(options: KernelReaderOptions = {}): KernelReader | undefined {
    for (const shell of options.shell === undefined ? SHELLS : [options.shell]) {
      try {
        const child = new Deno.Command(shell, {
          args: ["-c", SCRIPT, "hamlet-sensors"],
          clearEnv: true,
          env: { LC_ALL: "C" },
          cwd: "/",
          stdin: "piped",
          stdout: "piped",
          stderr: "null",
        }).spawn();
        return new KernelReader(child, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      } catch {
        // Absent or not permitted: perhaps the next.
      }
    }
    return undefined;
  }

  /** The lines of a file; `undefined` for one that is absent, or that may not be read. Never rejects. */
  async readText(path: string): Promise<string | undefined> {
    const lines = await this.#ask("r", path);
    return lines && lines.map((line) => `${line}\n`).join("");
  }

  /** The names in a directory; `undefined` as above. Never rejects. */
  async list(directory: string): Promise<readonly string[] | undefined> {
    return await this.#ask("l", directory);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#questions.close().catch(() => {}); // Its reader has ended already.
    await this.#ended;
  }

  async #ask(verb: "r" | "l", path: string): Promise<Answer> {
    if (this.#isOver || path.includes("\n") || this.#waiting.length >= MAX_WAITING) {
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.push(resolve);
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const giveUp = () => resolve(undefined);
    deadline.addEventListener("abort", giveUp, { once: true });
    this.#questions.write(new TextEncoder().encode(`${verb} ${path}\n`)).catch(giveUp);
    const answer = await promise;
    deadline.removeEventListener("abort", giveUp);
    return answer;
  }

  async #follow(): Promise<void> {
    try {
      await this.#readAnswers();
    } catch {
      // The pipe broke with the shell.
    }
    this.#isOver = true;
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
    await this.#child.stdout.cancel().catch(() => {}); // Nothing more is wanted from it.
    await this.#child.status;
  }

  async #readAnswers(): Promise<void> {
    let rest = "";
    let lines: string[] = [];
    let length = 0;
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const pieces = (rest + text).split("\n");
      rest = pieces.pop() ?? "";
      if (rest.length > MAX_ANSWER_CHARS) throw new RangeError("a line without an end");
      for (const line of pieces) {
        if (line.startsWith(" ")) {
          length += line.length;
          if (length <= MAX_ANSWER_CHARS) lines.push(line.slice(1));
        } else {
          const isWhole = line === "." && length <= MAX_ANSWER_CHARS;
          this.#waiting.shift()?.(isWhole ? lines : undefined);
          [lines, length] = [[], 0];
        }
      }
    }
  }
}

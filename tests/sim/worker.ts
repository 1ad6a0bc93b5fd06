/** A worker of `pool.ts`: plays the one run that it is sent. */

import { playTask, type Task, type Word } from "./pool.ts";

/** What the compiler, which takes this for a window, does not know of a worker. */
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<Task>) => void) | null;
  postMessage(word: Word): void;
};

scope.onmessage = ({ data }) => void playTask(data, (word) => scope.postMessage(word));

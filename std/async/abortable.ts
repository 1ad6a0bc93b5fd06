/**
 * The promise, or a rejection with `signal.reason` as soon as `signal` aborts. The work behind the
 * promise goes on; only the wait ends.
 */
export function abortable<T>(p: Promise<T>, signal: AbortSignal): Promise<T>;
/**
 * The items of `p`, until `signal` aborts: then the source is asked to return and `signal.reason`
 * is thrown. A generator that is still waiting for its next item returns only after that wait.
 */
export function abortable<T>(p: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T>;
export function abortable<T>(
  p: Promise<T> | AsyncIterable<T>,
  signal: AbortSignal,
): Promise<T> | AsyncGenerator<T> {
  return p instanceof Promise ? abortablePromise(p, signal) : abortableIterable(p, signal);
}

async function abortablePromise<T>(p: Promise<T>, signal: AbortSignal): Promise<T> {
  using abortion = watch(signal);
  return await Promise.race([abortion.promise, p]);
}

async function* abortableIterable<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  signal.throwIfAborted();
  using abortion = watch(signal);
  const iterator = source[Symbol.asyncIterator]();
  try {
    while (true) {
      const { done, value } = await Promise.race([abortion.promise, iterator.next()]);
      if (done) return (await iterator.return?.(value))?.value;
      yield value;
    }
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
}

/** A promise that rejects when `signal` aborts, or has; disposing stops listening. */
function watch(signal: AbortSignal): Disposable & { readonly promise: Promise<never> } {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return { promise, [Symbol.dispose]: () => signal.removeEventListener("abort", abort) };
}

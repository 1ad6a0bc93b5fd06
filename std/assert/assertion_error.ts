/** What every failed assertion throws; `options.cause` is kept as on any `Error`. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

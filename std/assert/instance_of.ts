import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";

/** Any class that can be called with `new`. */
// deno-lint-ignore no-explicit-any -- the published signature; a constructor takes anything
export type AnyConstructor = new (...args: any[]) => any;

/** What `new` on the class gives. */
export type GetConstructorType<T extends AnyConstructor> = InstanceType<T>;

/** Fails unless `actual instanceof expectedType`; afterwards the compiler knows the instance type. */
export function assertInstanceOf<
  // deno-lint-ignore no-explicit-any -- the published signature; a constructor takes anything
  T extends abstract new (...args: any[]) => any,
>(actual: unknown, expectedType: T, msg = ""): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}"` +
      `${contrast(typeName(actual), expectedType.name)}${suffix(msg)}`,
  );
}

/** Empty when both names agree: two classes may share a name, and repeating it explains nothing. */
function contrast(actualName: string, expectedName: string): string {
  if (actualName === expectedName) return "";
  if (actualName === "function") return " but was not an instanced object";
  return ` but was "${actualName}"`;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  return value.constructor?.name ?? "Object";
}

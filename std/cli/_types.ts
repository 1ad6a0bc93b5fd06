/**
 * How the options of `parseArgs` become the type of its result.
 *
 * Each declared flag turns into an object type of one property, dotted names into nested ones; the
 * intersection of them all, with the defaults and then the aliases applied, is the result.
 *
 * @module
 */

export type BooleanType = boolean | string | undefined;
export type StringType = string | undefined;
export type Collectable = string | undefined;
export type Negatable = string | undefined;

export type Aliases<TArgNames = string, TAliasNames extends string = string> = Partial<
  Record<Extract<TArgNames, string>, TAliasNames | ReadonlyArray<TAliasNames>>
>;

/** The named part of the result; open to any other flag as `unknown`, or `any` if none is named. */
export type Values<
  TBooleans extends BooleanType,
  TStrings extends StringType,
  TCollectable extends Collectable,
  TNegatable extends Negatable,
  TDefault extends Record<string, unknown> | undefined,
  TAliases extends Aliases | undefined,
> = NothingDeclared<TBooleans, TStrings, TCollectable> extends true
  // deno-lint-ignore no-explicit-any -- the published signature: undeclared flags are `any`
  ? Record<string, any>
  :
    & Branch
    & WithAliases<
      WithDefaults<
        DeclaredFlags<TBooleans, TStrings, TCollectable, TNegatable>,
        Nested<TDefault>
      >,
      TAliases
    >;

/** What the `default` option suggests: every declared name, dotted as well as nested. */
export type Defaults<TBooleans extends BooleanType, TStrings extends StringType> = Flatten<
  & Branch
  & { [Name in Extract<TBooleans | TStrings, string>]?: unknown }
  & Intersection<Property<Extract<TBooleans | TStrings, string>, unknown, "optional">>
>;

/** Merges intersections, at every level, into one readable object type. */
export type Flatten<T> = T extends Branch ? { [Key in keyof T]: Flatten<T[Key]> } : T;

/** An object type that nested flags may extend; `Date`, arrays and class instances are none. */
type Branch = Record<string, unknown>;

type Presence = "required" | "optional";

type NothingDeclared<TBooleans, TStrings, TCollectable> = undefined extends TStrings
  ? undefined extends TCollectable
    ? undefined extends TBooleans ? true : false extends TBooleans ? true : false
  : false
  : false;

type DeclaredFlags<TBooleans, TStrings, TCollectable, TNegatable> =
  & Intersection<BooleanFlag<Extract<TBooleans, string>, TCollectable>>
  & Intersection<StringFlag<Extract<TStrings, string>, TCollectable, TNegatable>>
  & Intersection<
    UntypedList<
      Exclude<Extract<TCollectable, string>, TBooleans | TStrings>,
      TNegatable
    >
  >;

/** Booleans are always there: `false` when not given. */
type BooleanFlag<Name extends string, TCollectable> = Name extends TCollectable
  ? Property<Name, boolean[], "required">
  : Name extends string ? Property<Name, boolean, "required">
  : never;

type StringFlag<Name extends string, TCollectable, TNegatable> = Name extends TCollectable
  ? Property<Name, string[] | Negation<Name, TNegatable>, "required">
  : Name extends string ? Property<Name, string | Negation<Name, TNegatable>, "optional">
  : never;

type UntypedList<Name extends string, TNegatable> = Name extends string
  ? Property<Name, unknown[] | Negation<Name, TNegatable>, "required">
  : never;

/** `--no-name` sets `false`. */
type Negation<Name, TNegatable> = Name extends TNegatable ? false : never;

/** `"a.b"` with `V` gives `{ a: { b: V } }`; a union of names gives a union of objects. */
type Property<Name extends string, V, P extends Presence> = Name extends
  `${infer Head}.${infer Rest}` ? Single<Head, Property<Rest, V, P>, P> : Single<Name, V, P>;

type Single<Name extends string, V, P extends Presence> = P extends "required"
  ? { [Key in Name]: V }
  : { [Key in Name]?: V };

/** `A | B` gives `A & B`; no member at all gives the neutral `{}`. */
type Intersection<Union> = [Union] extends [never] ? Record<never, never>
  : (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void ? All
  : never;

/** Dotted names at the top of `default` become nested, as they do in the result. */
type Nested<TDefault> = TDefault extends Branch ? string extends keyof TDefault ? TDefault
  : Intersection<
    {
      [Key in keyof TDefault]: Key extends string ? Property<Key, TDefault[Key], "required">
        : never;
    }[
      keyof TDefault
    ]
  >
  : TDefault;

/** A flag with a default is always there and may hold it; an undeclared one stays `unknown`. */
type WithDefaults<TFlags, TDefault> = TDefault extends undefined ? TFlags
  :
    & Omit<TFlags, keyof TDefault>
    & {
      [Key in keyof TDefault]: Key extends keyof TFlags ? WithDefault<TFlags[Key], TDefault[Key]>
        : unknown;
    };

type WithDefault<TFlag, TDefault> = [TDefault, NonNullable<TFlag>] extends [Branch, Branch]
  ? WithDefaults<NonNullable<TFlag>, TDefault>
  : TDefault | NonNullable<TFlag>;

/** Every alias repeats the property of its flag, `?` included. */
type WithAliases<TFlags, TAliases> = {
  [Name in keyof TFlags as Name | AliasOf<Name, TAliases>]: TFlags[Name];
};

/** Only names known as literals count: a plain `string` would swallow the other properties. */
type AliasOf<Name, TAliases> = Name extends keyof TAliases ? string extends TAliases[Name] ? never
  : TAliases[Name] extends string ? TAliases[Name]
  : TAliases[Name] extends string[] ? TAliases[Name][number]
  : never
  : never;

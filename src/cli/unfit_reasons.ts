/** Why a peer is not fit for work (`mesh/selection.ts`), in words. */
export const UNFIT_REASONS: Readonly<Record<string, string>> = Object.freeze({
  unverified: "it is an old node that proves no identity",
  not_connected: "there is no session with it",
  cannot_evolve: "it says that it cannot evolve",
  not_available: "it is busy or short of resources",
  loaded: "it has enough work",
  too_hot: "it is too hot",
  battery_low: "its battery is low",
});

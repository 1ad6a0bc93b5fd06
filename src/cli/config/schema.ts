/**
 * The JSON Schema (draft 7, which editors know) of `hamlet.json`, made from the table of settings; the copy in
 * the repository is `hamlet.schema.json`, printed by `hamlet config --schema`.
 *
 * It never refuses what the agent takes. The other way round it knows the types, words, bounds and spellings, but
 * not every sum: `"max-up": "7k"` is too slow only for the agent.
 */

import type { JsonSchema } from "./form.ts";
import { jsonOfText, type Setting } from "./setting.ts";
import { SETTING_NAMES, SETTINGS } from "./settings.ts";

/** The schema as it stands in the repository. */
export function configSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "hamlet.json",
    description: "Settings of a hamlet agent; see: hamlet help config",
    type: "object",
    additionalProperties: false,
    properties: {
      $schema: { type: "string", description: "Where this schema is, for editors" },
      ...Object.fromEntries(SETTING_NAMES.map((name) => [name, schemaOf(SETTINGS[name])])),
    },
  };
}

function schemaOf({ kind, form, help, fallback, otherwise, maxItems }: Setting<unknown>) {
  const description = fallback === undefined ? `${help} (default: ${otherwise})` : help;
  if (kind === "list") {
    const list = { type: "array", items: form.schema, maxItems };
    return { description, anyOf: [list, form.schema] };
  }
  const preset = fallback === undefined ? {} : { default: jsonOfText(form, fallback) };
  return { description, ...form.schema, ...preset };
}

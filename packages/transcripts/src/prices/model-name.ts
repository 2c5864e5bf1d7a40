/** What providers and gateways put around a model's name. */
const AFFIXES: readonly RegExp[] = [
  // "us.anthropic.claude-…", "anthropic/claude-…", "openrouter/anthropic/claude-…"
  /^.*\//,
  /^(?:[a-z]{2,6}\.)?(?:anthropic|openai|google|meta|amazon)\./,
  /\[1m\]$/,
  /-v\d+:\d+$/,
  /@\d{8}$/,
  /-\d{8}$/,
];

/** The name under which a model is priced: without provider, date, version of a gateway and size of the window. */
export function modelName(model: string): string {
  return AFFIXES.reduce((name, affix) => name.replace(affix, ""), model.trim().toLowerCase());
}

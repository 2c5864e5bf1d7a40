import { mayHoldSecrets, type SecretFinder } from "./find-secrets.ts";
import { decodeEscapes, JSON_LEVELS_MAX } from "./json-strings.ts";
import type { KeywordIndex } from "./keywords.ts";
import { hidesCharacters } from "./views.ts";

/** Space around the colon of a member, other than JSON is usually written with: in the search it is one space. */
const UNUSUAL_SPACE = /"[ \t\r\n]+:|:(?:[ \t]{2,}|[ \t]*[\r\n])/;
/** The member before or behind it may name it. */
const VALUE_MEMBER = /["']val(?:ue)?\\*["']/i;
/** Text of agents stands in such members: only those next to a member that names a secret. */
const TEXT_MEMBER = /["'](?:content|data|text)\\*["']/i;
const NAME_MEMBER =
  /["'](?:name|key|label|variable)\\*["'][ \t]*:[ \t]*\\*["'][\w.-]{0,80}(?:pass|pwd|secret|token|key|credential)/i;
/** To decode the escapes of a longer line costs as much as the search string by string, and cannot be interrupted. */
const DECODED_CHARACTERS_MAX = 65_536;

/**
 * Whether a line may hold a secret. Most lines end with one pass over them: they hold no keyword, and nothing that could hide one. Others
 * are searched as they are and with their escapes decoded level by level: one of these contains each string that a search string by
 * string would look at, and takes a sixth of its time. `checkTime` may throw.
 */
export function createPrefilter(scan: KeywordIndex<SecretFinder>["scan"]) {
  const ownersIn = (text: string) => scan(text).owners;

  return function mayHold(line: string, checkTime: () => void): boolean {
    const { owners, isAscii } = scan(line);
    const isHidden = hidesCharacters(line, isAscii);
    const plausible = owners.filter(({ anywhere }) => anywhere === undefined || anywhere.test(line));
    if (plausible.length === 0 && !isHidden) return false;
    if (VALUE_MEMBER.test(line) || (TEXT_MEMBER.test(line) && NAME_MEMBER.test(line))) return true;
    const candidates = isHidden ? ownersIn : () => plausible;
    let text = line;
    for (let level = 0; level <= JSON_LEVELS_MAX; level++) {
      if (UNUSUAL_SPACE.test(text) || mayHoldSecrets(text, candidates, checkTime)) return true;
      if (!text.includes("\\")) return false;
      if (text.length > DECODED_CHARACTERS_MAX) return true;
      text = decodeEscapes(text);
    }
    return false;
  };
}

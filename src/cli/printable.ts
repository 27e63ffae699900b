// Text of strangers, made safe to show: a process names itself, and a name can hold what a terminal obeys.

/**
 * Control characters (C0 and C1, which begin escape sequences), those that turn the direction of text or hide in it, line
 * separators, and halves of characters.
 */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with everything that would not show as itself written as an escape: `\n`, `\x1b`, `\u{202e}`. */
export function printable(text: string): string {
  return text.replace(UNSHOWABLE, escapeCharacter);
}

/** The same for text of several lines: ends of lines and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(UNSHOWABLE, (character) => (/[\n\t]/.test(character) ? character : escapeCharacter(character)));
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return NAMED[character] ?? (code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`);
}

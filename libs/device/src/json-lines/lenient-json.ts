/** JSON as people type it into a console: strings may stand in single quotes. */

/** Reads an object; null for what is none. */
export function readLenientObject(line: string): Readonly<Record<string, unknown>> | null {
  const value = parsed(line) ?? (line.includes("'") ? parsed(doubleQuoted(line)) : null)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: the caller hears null.
    return null
  }
}

/** The same text with every string in double quotes. */
function doubleQuoted(text: string): string {
  let quote = ''
  let out = ''
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (quote !== '' && character === '\\') {
      at += 1
      // A single quote needs no escape between double ones, and JSON allows none.
      out += text[at] === "'" ? "'" : `\\${text[at] ?? ''}`
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character
      out += '"'
    } else if (character === quote) {
      quote = ''
      out += '"'
    } else {
      out += quote === "'" && character === '"' ? '\\"' : character
    }
  }
  return out
}

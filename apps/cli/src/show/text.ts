/** Text from elsewhere (titles, labels, log lines) may hold control characters, which could drive the terminal. */

/** Every control or formatting character becomes the replacement character; tabs become a space. */
export function printable(text: string): string {
  return text.replace(/\t/g, ' ').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}

/** Cut to `width` characters, the cut shown. */
export function shorten(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}

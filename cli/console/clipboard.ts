/** Longest text that terminals take into the clipboard. */
const MAX_BASE64 = 74_994

/** OSC 52: what makes a terminal put a text into the clipboard, over SSH too; undefined for one that is too long. */
export const clipboardSequence = (text: string): string | undefined => {
  const base64 = Buffer.from(text).toString('base64')
  return base64.length > MAX_BASE64 ? undefined : `\x1b]52;c;${base64}\x07`
}

import { Composer, type CST, type Document, type LineCounter, Parser } from 'yaml'

/** Deepest manifest that is read. Far deeper ones end the stack inside the YAML library, and with it the whole program. */
export const MAX_DEPTH = 100

/** Reads all documents of a text; the offset of the first thing that is nested too deep instead, if there is one. */
export const documentsOf = (text: string, lines: LineCounter): readonly Document[] | { readonly tooDeepAt: number } => {
  const tokens = [...new Parser(lines.addNewLine).parse(text)]
  for (const token of tokens) {
    const tooDeepAt = tooDeepIn(token)
    if (tooDeepAt !== undefined) return { tooDeepAt }
  }
  const composer = new Composer({ merge: true, prettyErrors: false, stringKeys: true, logLevel: 'error' })
  return [...composer.compose(tokens)]
}

/** Walks the syntax without recursion. */
const tooDeepIn = (token: CST.Token): number | undefined => {
  const left: [token: CST.Token, depth: number][] = [[token, 0]]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [each, depth] = next
    if (depth > MAX_DEPTH) return each.offset
    if (each.type === 'document' && each.value !== undefined) left.push([each.value, depth + 1])
    if (!('items' in each)) continue
    for (const item of each.items)
      for (const part of [item.key, item.value]) if (part != null) left.push([part, depth + 1])
  }
  return undefined
}

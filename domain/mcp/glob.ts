/** Whether a name matches, from its first character to its last. */
export type NameMatcher = (name: string) => boolean

/** What one place of a name may be. */
type Token =
  | { readonly type: 'any' }
  | { readonly type: 'one' }
  | { readonly type: 'char'; readonly char: string }
  | {
      readonly type: 'set'
      readonly negated: boolean
      readonly ranges: readonly (readonly [first: string, last: string])[]
    }

/** Most alternatives that `{a,b}` may give one glob, as each of them is compared. */
const MAX_ALTERNATIVES = 64

class GlobFlaw extends Error {}

/**
 * Compiles a glob over names: `*` any characters, `?` one, `[abc]`, `[a-z]` and `[!abc]` one of or none of these, `{a,b}` either,
 * `\` before a character takes it as it is. No character of a name is special: `*` matches slashes and dots, too. Matching takes at
 * most the product of both lengths, whatever they are: names are the servers' own texts.
 *
 * What `globFlaw` objects to is taken as a plain name.
 */
export const compileGlob = (glob: string): NameMatcher => {
  const alternatives = parsed(glob)
  if (alternatives instanceof GlobFlaw) return (name) => name === glob
  return (name) => {
    const characters = [...name]
    return alternatives.some((tokens) => matches(tokens, characters))
  }
}

/** What is wrong with a glob, to go on after "it"; undefined if nothing is. */
export const globFlaw = (glob: string): string | undefined => {
  const alternatives = parsed(glob)
  return alternatives instanceof GlobFlaw ? alternatives.message : undefined
}

/** The name that a glob without wildcards is; undefined for one that may match several. */
export const plainName = (glob: string): string | undefined => {
  const alternatives = parsed(glob)
  if (alternatives instanceof GlobFlaw) return glob
  const [tokens, another] = alternatives
  if (tokens === undefined || another !== undefined) return undefined
  const characters = tokens.flatMap((token) => (token.type === 'char' ? [token.char] : []))
  return characters.length === tokens.length ? characters.join('') : undefined
}

/**
 * Of a glob whose only wildcard is one `*`: a function that tells what it stands for in a name, or undefined if the name does not match.
 * Undefined for any other glob.
 */
export const starOf = (glob: string): ((name: string) => string | undefined) | undefined => {
  const alternatives = parsed(glob)
  if (alternatives instanceof GlobFlaw || alternatives.length !== 1) return undefined
  const [tokens = []] = alternatives
  const at = tokens.findIndex(({ type }) => type === 'any')
  const text = (part: readonly Token[]) => part.map((token) => (token.type === 'char' ? token.char : '')).join('')
  if (at < 0 || tokens.some(({ type }, i) => i !== at && type !== 'char')) return undefined
  const before = text(tokens.slice(0, at))
  const after = text(tokens.slice(at + 1))
  return (name) =>
    name.length >= before.length + after.length && name.startsWith(before) && name.endsWith(after)
      ? name.slice(before.length, name.length - after.length)
      : undefined
}

const parsed = (glob: string): readonly (readonly Token[])[] | GlobFlaw => {
  try {
    return expanded([...glob]).map(tokensOf)
  } catch (error) {
    if (error instanceof GlobFlaw) return error
    throw error
  }
}

/** `a{b,c}d` as `abd` and `acd`, inner braces included. */
const expanded = (glob: readonly string[]): readonly (readonly string[])[] => {
  const open = glob.findIndex((char, i) => char === '{' && !isQuoted(glob, i))
  if (open < 0) {
    if (glob.some((char, i) => char === '}' && !isQuoted(glob, i))) throw new GlobFlaw('has a "}" without its "{"')
    return [glob]
  }
  const parts: (readonly string[])[] = []
  let depth = 0
  let from = open + 1
  for (let i = open; i < glob.length; i += 1) {
    if (isQuoted(glob, i)) continue
    if (glob[i] === '{') depth += 1
    else if (glob[i] === '}') depth -= 1
    if ((glob[i] === ',' && depth === 1) || depth === 0) {
      parts.push(glob.slice(from, i))
      from = i + 1
    }
    if (depth === 0) return joined(glob.slice(0, open), parts.flatMap(expanded), expanded(glob.slice(from)))
  }
  throw new GlobFlaw('has a "{" without its "}"')
}

const joined = (
  before: readonly string[],
  parts: readonly (readonly string[])[],
  rests: readonly (readonly string[])[],
): readonly (readonly string[])[] => {
  if (parts.length * rests.length > MAX_ALTERNATIVES)
    throw new GlobFlaw(`stands for more than ${MAX_ALTERNATIVES} alternatives`)
  return parts.flatMap((part) => rests.map((rest) => [...before, ...part, ...rest]))
}

/** Whether a backslash stands before it, or it stands between `[` and `]`. */
const isQuoted = (glob: readonly string[], at: number): boolean => {
  let inSet = false
  for (let i = 0; i < at; i += 1) {
    if (glob[i] === '\\') {
      if (i + 1 === at) return true
      i += 1
    } else if (glob[i] === '[') inSet = true
    else if (glob[i] === ']') inSet = false
  }
  return inSet
}

const tokensOf = (glob: readonly string[]): readonly Token[] => {
  const tokens: Token[] = []
  for (let i = 0; i < glob.length; i += 1) {
    const char = glob[i] ?? ''
    if (char === '*') tokens.push({ type: 'any' })
    else if (char === '?') tokens.push({ type: 'one' })
    else if (char === '[') {
      const { token, end } = setOf(glob, i + 1)
      tokens.push(token)
      i = end
    } else if (char === ']') throw new GlobFlaw('has a "]" without its "["')
    else if (char === '\\') {
      i += 1
      tokens.push({ type: 'char', char: escaped(glob, i) })
    } else tokens.push({ type: 'char', char })
  }
  return tokens
}

const escaped = (glob: readonly string[], at: number): string => {
  const char = glob[at]
  if (char === undefined) throw new GlobFlaw('ends in a "\\" with nothing behind it')
  return char
}

const setOf = (glob: readonly string[], from: number): { readonly token: Token; readonly end: number } => {
  const negated = glob[from] === '!' || glob[from] === '^'
  const ranges: (readonly [string, string])[] = []
  let i = negated ? from + 1 : from
  const next = (): string => {
    if (glob[i] === '\\') i += 1
    const char = escaped(glob, i)
    i += 1
    return char
  }
  while (i < glob.length && glob[i] !== ']') {
    const first = next()
    const isRange = glob[i] === '-' && glob[i + 1] !== undefined && glob[i + 1] !== ']'
    if (isRange) i += 1
    const last = isRange ? next() : first
    if (last < first) throw new GlobFlaw(`has the range "${first}-${last}", which is the wrong way round`)
    ranges.push([first, last])
  }
  if (glob[i] !== ']') throw new GlobFlaw('has a "[" without its "]"')
  if (ranges.length === 0) throw new GlobFlaw('has an empty "[]"')
  return { token: { type: 'set', negated, ranges }, end: i }
}

const fits = (token: Token, char: string): boolean => {
  if (token.type === 'char') return token.char === char
  if (token.type === 'set') return token.ranges.some(([first, last]) => first <= char && char <= last) !== token.negated
  return true
}

/** Goes back to the last `*` only: one before it could not help, as the last may take anything, too. */
const matches = (tokens: readonly Token[], name: readonly string[]): boolean => {
  let token = 0
  let at = 0
  let star = -1
  let starAt = 0
  while (at < name.length) {
    const wanted = tokens[token]
    if (wanted?.type === 'any') {
      star = token
      starAt = at
      token += 1
    } else if (wanted !== undefined && fits(wanted, name[at] ?? '')) {
      token += 1
      at += 1
    } else if (star >= 0) {
      token = star + 1
      starAt += 1
      at = starAt
    } else return false
  }
  return tokens.slice(token).every(({ type }) => type === 'any')
}

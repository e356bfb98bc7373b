import { compileGlob, type NameMatcher, starOf } from './glob.ts'
import type { ToolRules } from './link.ts'

/** What a project makes of the tools of one server. */
export interface ToolPolicy {
  /** What a tool is to be called; undefined for one that is not offered. */
  wanted(tool: string): string | undefined
  /** What is said of a tool in place of its own description; undefined leaves that. */
  description(tool: string): string | undefined
}

/** Stands in a new name for what the one `*` of a glob has matched. */
export const STAR = '*'

/** Most tools of a server whose answers are kept: names also come from clients, which may make up any. */
const MAX_KEPT = 2_000
/** Longest name that is compared and kept, in characters; a longer one is not offered where there are rules. MCP allows 128. */
const MAX_NAME = 1_024

const everything: ToolPolicy = { wanted: (tool) => tool, description: () => undefined }
const compiled = new WeakMap<ToolRules, ToolPolicy>()

/**
 * Compiles the rules of one server, once an object. `deny` beats `allow`; no `allow` means all, an empty one none. `rename` and
 * `describe` take exact names first, then globs in their order. Several tools that a glob gives one name are told apart by the namespace.
 */
export const toolPolicy = (rules: ToolRules | undefined): ToolPolicy => {
  if (rules === undefined) return everything
  let policy = compiled.get(rules)
  if (policy === undefined) {
    policy = compile(rules)
    compiled.set(rules, policy)
  }
  return policy
}

const compile = ({ allow, deny = [], rename = {}, describe = {} }: ToolRules): ToolPolicy => {
  const isAllowed = allow === undefined ? () => true : anyOf(allow)
  const isDenied = anyOf(deny)
  const renamed = firstOf(rename, newName)
  const described = firstOf(describe, (_glob, text) => () => text)
  return {
    wanted: kept((tool) => (isDenied(tool) || !isAllowed(tool) ? undefined : (renamed(tool) ?? tool))),
    description: kept(described),
  }
}

const anyOf = (globs: readonly string[]): NameMatcher => {
  const matchers = globs.map(compileGlob)
  return (name) => matchers.some((isMatch) => isMatch(name))
}

type ForName = (name: string) => string | undefined

const firstOf = (
  entries: Readonly<Record<string, string>>,
  made: (glob: string, value: string) => ForName,
): ForName => {
  const exact = new Map(Object.entries(entries))
  const globs = [...exact].map(([glob, value]) => ({ isMatch: compileGlob(glob), value: made(glob, value) }))
  return (name) => exact.get(name) ?? globs.find(({ isMatch }) => isMatch(name))?.value(name)
}

const newName = (glob: string, name: string): ForName => {
  const star = name.includes(STAR) ? starOf(glob) : undefined
  return star === undefined ? () => name : (tool) => name.replace(STAR, () => star(tool) ?? '')
}

const kept = (make: ForName): ForName => {
  const known = new Map<string, string | undefined>()
  return (name) => {
    if (name.length > MAX_NAME) return undefined
    if (known.has(name)) return known.get(name)
    if (known.size >= MAX_KEPT) known.clear()
    const value = make(name)
    known.set(name, value)
    return value
  }
}

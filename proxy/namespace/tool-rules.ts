import picomatch from 'picomatch'
import type { ToolRules } from '../../domain/mcp/link.ts'

/** Which tools of one server are offered, and what they want to be called; undefined for one that is not offered. */
export type WantedName = (tool: string) => string | undefined

// A tool may be called `a/b` or `.a`: for its name, neither is anything special. `nonegate`: a leading "!" is a character.
const options = { dot: true, bash: true, nonegate: true, noextglob: true } as const

/**
 * Compiles the rules of one server. `deny` beats `allow`; no `allow` means all, an empty one none. `rename` takes exact names first, then globs in
 * their order; a glob that matches several tools gives them the same wanted name, which the namespace then tells apart.
 */
export const compileToolRules = (rules: ToolRules | undefined): WantedName => {
  if (rules === undefined) return (tool) => tool
  const allowed = rules.allow === undefined ? () => true : matcher(rules.allow)
  const denied = matcher(rules.deny ?? [])
  const exact = new Map(Object.entries(rules.rename ?? {}))
  const globs = [...exact].map(([glob, name]) => ({ matches: matcher([glob]), name }))
  return (tool) => {
    if (denied(tool) || !allowed(tool)) return undefined
    return exact.get(tool) ?? globs.find(({ matches }) => matches(tool))?.name ?? tool
  }
}

const matcher = (globs: readonly string[]): ((name: string) => boolean) =>
  globs.length === 0 ? () => false : picomatch([...globs], options)

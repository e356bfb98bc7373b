import { MAX_EXPOSED_NAME, SERVER_SEPARATOR } from '../mcp/exposed-name.ts'
import { globFlaw, plainName, starOf } from '../mcp/glob.ts'
import type { Namespacing, ToolRules } from '../mcp/link.ts'
import { STAR } from '../mcp/tool-rules.ts'

/** What is wrong with the rules of one attached server; `path` leads there from its `tools`. */
interface RuleFlaw {
  readonly path: readonly (string | number)[]
  readonly message: string
}

type Given<T> = { readonly [Key in keyof T]: T[Key] | undefined }

/** What can be known to be wrong with rules without knowing the server's tools. */
export const ruleFlaws = (
  server: string,
  { allow = [], deny = [], rename = {}, describe = {} }: Given<ToolRules>,
  namespacing: Namespacing,
): readonly RuleFlaw[] => [
  ...allow.flatMap((glob, i) => brokenGlob(glob, ['allow', i])),
  ...deny.flatMap((glob, i) => brokenGlob(glob, ['deny', i])),
  ...Object.keys(describe).flatMap((glob) => brokenGlob(glob, ['describe', glob])),
  ...Object.entries(rename).flatMap(([glob, name]) => [
    ...brokenGlob(glob, ['rename', glob]),
    ...wrongName(server, glob, name, namespacing),
  ]),
  ...twice(rename),
]

const brokenGlob = (glob: string, path: RuleFlaw['path']): readonly RuleFlaw[] => {
  const flaw = globFlaw(glob)
  return flaw === undefined ? [] : [{ path, message: `"${glob}" ${flaw}; a "\\" before a character takes it as it is` }]
}

const wrongName = (server: string, glob: string, name: string, namespacing: Namespacing): readonly RuleFlaw[] => {
  const path = ['rename', glob]
  if (name.includes(STAR))
    return starOf(glob) === undefined
      ? [
          {
            path,
            message: `has a "*", which only a pattern with one "*" and no other wildcard can fill: "${glob}" is none`,
          },
        ]
      : []
  const length = server.length + SERVER_SEPARATOR.length + name.length
  return namespacing === 'always' && length > MAX_EXPOSED_NAME
    ? [
        {
          path,
          message: `is ${length} characters with "${server}${SERVER_SEPARATOR}" before it, ${MAX_EXPOSED_NAME} at most`,
        },
      ]
    : []
}

/** Of globs nobody knows yet whether they match several tools, or the same. */
const twice = (rename: Readonly<Record<string, string>>): readonly RuleFlaw[] => {
  const first = new Map<string, string>()
  return Object.entries(rename).flatMap(([glob, name]) => {
    if (plainName(glob) === undefined) return []
    const other = first.get(name)
    if (other === undefined) first.set(name, glob)
    return other === undefined
      ? []
      : [{ path: ['rename', glob], message: `is "${name}", to which ${other} is renamed already` }]
  })
}

import { membersOf, valueAt } from './document/document.ts'

/** An entry that leads to a project. */
export interface Ours {
  readonly project: string
  readonly transport: 'stdio' | 'http'
}

/** The project that an entry leads to; undefined for what is no entry of mcpctl, in whatever client. */
export const recognise = (entry: unknown): Ours | undefined => {
  const words = [valueAt(entry, ['command']), valueAt(entry, ['args'])]
    .flat()
    .filter((each) => typeof each === 'string')
  const verb = words.findIndex((word, i) => word === 'mcp' && /(?:^|[\\/])mcpctl[^\\/]*$/.test(words[i - 1] ?? ''))
  const flag = words.findIndex((word, i) => i > verb && (word === '-p' || word === '--project'))
  const project = verb < 0 || flag < 0 ? undefined : words[flag + 1]
  if (project !== undefined) return { project, transport: 'stdio' }
  for (const [field, value] of membersOf(entry)) {
    const path = /url$/i.test(field) && typeof value === 'string' && URL.canParse(value) ? new URL(value).pathname : ''
    const name = /\/projects\/([a-z0-9-]+)\/mcp$/.exec(path)?.[1]
    if (name !== undefined) return { project: name, transport: 'http' }
  }
  return undefined
}

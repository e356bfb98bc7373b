import type { Deps } from '../deps.ts'
import { usageError } from '../errors.ts'
import { findKind, parseTarget, type Target } from '../targets.ts'

/** Which server: `server/NAME`, `server NAME` or `NAME`. */
export const serverArgument = {
  describe: 'server/NAME, or NAME',
  required: true,
  many: true,
  complete: { kind: 'server' },
} as const

/** @throws CliError `usage` for anything but one server: nothing else has copies that roll */
export const serverTarget = async (deps: Deps, words: readonly string[]): Promise<Target> => {
  const registry = await deps.registry()
  const [word = ''] = words
  const target =
    words.length === 1 && !word.includes('/')
      ? { kind: findKind(registry, 'server'), name: word }
      : parseTarget(registry, words)
  if (target.kind.kind !== 'server')
    throw usageError(`only servers have copies that roll over, not ${target.kind.plural}`, 'Name it: server/NAME')
  return target
}

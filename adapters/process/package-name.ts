import semver from 'semver'
import { startFailed } from '../../domain/instance/runtime.ts'

const MAX_NAME = 214
const MAX_VERSION = 256
const part = '[a-z0-9~-][a-z0-9._~-]*'
const pattern = new RegExp(`^(?:@${part}/)?${part}$`)
const reserved = new Set(['node_modules', 'favicon.ico'])

/** Refuses what npm would take for a path, a URL, a git repository or an option. @throws startFailed */
export const checkPackage = (name: string, version: string | undefined): void => {
  const shown = JSON.stringify(name.slice(0, MAX_NAME))
  const badName = name.length > MAX_NAME || name.startsWith('-') || !pattern.test(name) || reserved.has(name)
  if (badName)
    throw startFailed(
      `${shown} is not the name of an npm package.`,
      'A name is `package` or `@scope/package`, in small letters; the version is a field of its own.',
    )
  if (version === undefined) return
  if (version.length > MAX_VERSION || semver.validRange(version) === null)
    throw startFailed(
      `${JSON.stringify(version.slice(0, MAX_VERSION))} is neither a version of ${shown} nor a range of versions.`,
      'Examples: 1.2.3, ^1.2, ~1.2.0, 1.x. Leave it out for the newest when it is first installed.',
    )
}

/** The package's name as one part of a path. Two names never give the same. */
export const folderName = (name: string): string => name.replace('/', '+')

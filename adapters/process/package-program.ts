import { open, readFile, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { z } from 'zod'
import { startFailed } from '../../domain/instance/runtime.ts'

const MAX_SHEBANG = 256

/** What of a package.json says how to start the package. */
const manifest = z.object({
  name: z.string(),
  version: z.string(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
})

/** How to start an installed package: no shell and no npx in between. */
export interface PackageProgram {
  readonly version: string
  readonly command: string
  /** Go before the arguments of the instance. */
  readonly args: readonly string[]
}

const chooseBin = (name: string, bin: z.infer<typeof manifest>['bin']): string => {
  if (typeof bin === 'string') return bin
  const bins = Object.entries(bin ?? {})
  const [only] = bins
  if (only === undefined)
    throw startFailed(
      `The package ${name} has no program to start: its package.json names no \`bin\`.`,
      'It is a library. Look in its documentation for the package that holds the server.',
    )
  const own = bins.find(([key]) => key === name.replace(/^@.*\//, ''))
  const chosen = bins.length === 1 ? only : own
  if (chosen !== undefined) return chosen[1]
  throw startFailed(
    `The package ${name} has several programs and none has its name: ${bins.map(([key]) => key).join(', ')}.`,
    'Install it by hand and run the right one by its `command`.',
  )
}

const readShebang = async (file: string): Promise<string> => {
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_SHEBANG), 0, MAX_SHEBANG, 0)
    const line = buffer.toString('utf8', 0, bytesRead).split(/\r?\n/, 1)[0] ?? ''
    return line.startsWith('#!') ? line.slice(2).trim() : ''
  } finally {
    await handle.close()
  }
}

/** Our own node for a node program, with the options its first line gives; the file itself for anything else. */
export const commandFor = (file: string, shebang: string): { command: string; args: string[] } => {
  const words = shebang.split(/\s+/).filter((word) => word !== '-S')
  const interpreter = words[0]?.endsWith('/env') ? words.slice(1) : words
  const isNode = /(^|\/)node(js)?$/.test(interpreter[0] ?? '')
  if (isNode) return { command: process.execPath, args: [...interpreter.slice(1), file] }
  if (shebang === '' && /\.[cm]?js$/.test(file)) return { command: process.execPath, args: [file] }
  return { command: file, args: [] }
}

/**
 * Finds the program of a package that is installed in `folder`.
 * @throws startFailed when the package has none, or several and none of its own name; or when the folder is damaged
 */
export const packageProgram = async (folder: string, name: string): Promise<PackageProgram> => {
  const root = join(folder, 'node_modules', name)
  try {
    const { version, bin } = manifest.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
    const file = await realpath(join(root, chooseBin(name, bin)))
    if (!file.startsWith((await realpath(root)) + sep))
      throw startFailed(`The package ${name} names a program outside of itself, which is not started.`)
    return { version, ...commandFor(file, await readShebang(file)) }
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
    const damaged = missing || error instanceof SyntaxError || error instanceof z.ZodError
    if (!damaged) throw error
    throw startFailed(
      `The installed package ${name} is damaged: ${error.message}`,
      `Remove the folder ${folder} and it is installed again.`,
    )
  }
}

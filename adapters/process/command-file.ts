import { constants } from 'node:fs'
import { access, open, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, resolve } from 'node:path'

const MAX_FIRST_LINE = 256

/** An error as the system gives it when it cannot start a program. */
const refused = (code: 'ENOENT' | 'EACCES', command: string): Error =>
  Object.assign(new Error(`spawn ${command} ${code}`), { code, syscall: `spawn ${command}`, path: command })

const isExecutable = async (file: string): Promise<boolean> => {
  const isFile = await stat(file).then((found) => found.isFile())
  if (isFile) await access(file, constants.X_OK)
  return isFile
}

/** The interpreter that the first line of a script names; undefined for what is no script. */
const interpreterOf = async (file: string): Promise<string | undefined> => {
  const handle = await open(file, 'r').catch(() => undefined) // a program may be executable and not readable
  if (handle === undefined) return undefined
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_FIRST_LINE), 0, MAX_FIRST_LINE, 0)
    return /^#![ \t]*(\S+)/.exec(buffer.toString('utf8', 0, bytesRead))?.[1]
  } finally {
    await handle.close()
  }
}

/**
 * That a command can be started as `spawn` would: for one that a launcher is to become, whose own failure is no error of the system.
 * @throws the system's error, ENOENT or EACCES
 */
export const assertStartable = async (
  command: string,
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<void> => {
  const { cwd, env } = options
  const folders = command.includes('/') ? [''] : (env.PATH ?? '').split(delimiter)
  let code: 'ENOENT' | 'EACCES' = 'ENOENT'
  for (const folder of folders) {
    const file = isAbsolute(command) ? command : resolve(cwd, folder, command)
    try {
      if (await isExecutable(file)) {
        const interpreter = await interpreterOf(file)
        if (interpreter !== undefined) await stat(resolve(cwd, interpreter))
        return
      }
      code = 'EACCES'
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EACCES') code = 'EACCES'
    }
  }
  throw refused(code, command)
}

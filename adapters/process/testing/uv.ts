import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scratchFolder } from './scratch.ts'

const PATH = process.env.PATH ?? ''
const inPath = (name: string): string | undefined =>
  PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync)

/** Works as a Python with pip, for the stand-in. */
const pythonWithPip = (): string | undefined => {
  try {
    const python = execFileSync('python3', ['-c', 'import pip, venv, sys; print(sys.executable)'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return python.toString().trim()
  } catch {
    return undefined // none, or one without: said by who asks
  }
}

const uv = inPath('uv')
const python = uv === undefined ? pythonWithPip() : undefined

/** What installs Python packages in these tests: uv itself where it is, else a stand-in; undefined where neither can work. */
export const pythonTool: 'uv' | 'stand-in' | undefined =
  uv !== undefined ? 'uv' : python === undefined ? undefined : 'stand-in'

/** mcpd's environment with an index of packages configured, and a uv in PATH. */
export const pythonEnvironment = async (index: string): Promise<Record<string, string | undefined>> => {
  const folder = await scratchFolder()
  if (uv === undefined && python !== undefined) {
    const program = fileURLToPath(new URL('./uv-stand-in.py', import.meta.url))
    await writeFile(join(folder, 'uv'), `#!/bin/sh\nexec '${python}' '${program}' "$@"\n`, { mode: 0o755 })
  }
  const path = uv === undefined ? [folder, PATH] : [dirname(uv), PATH]
  return { PATH: path.join(delimiter), HOME: folder, UV_DEFAULT_INDEX: index }
}

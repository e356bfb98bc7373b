import { startFailed } from '../../domain/instance/runtime.ts'
import { type CodedError, codeOf, messageOf } from '../../domain/kernel/errors.ts'

/** Why a program could not be started, as people would say it. `path` is the PATH it was looked for in. */
export const spawnFailed = (command: string, error: unknown, path: string): CodedError => {
  const quoted = JSON.stringify(command)
  switch (codeOf(error)) {
    case 'ENOENT':
      return command.includes('/')
        ? startFailed(
            `The command ${quoted} does not exist, or the interpreter that its first line names does not.`,
            'Give an absolute path: a relative one is looked for in the working folder of the instance.',
          )
        : startFailed(
            `The command ${quoted} was not found in PATH.`,
            `Install it, or give its absolute path. PATH of mcpd is ${path === '' ? 'empty' : path}`,
          )
    case 'EACCES':
      return startFailed(
        `The command ${quoted} may not be executed by the user that mcpd runs as.`,
        'Check that it is a file, not a folder, and executable: chmod +x',
      )
    case 'ENOEXEC':
      return startFailed(
        `The command ${quoted} is no program for this machine.`,
        'A script needs a first line that names its interpreter; a binary must be built for this processor.',
      )
    case 'E2BIG':
      return startFailed(`The arguments and the environment of ${quoted} are longer than the system allows.`)
    case 'EMFILE':
    case 'ENFILE':
    case 'EAGAIN':
    case 'ENOMEM':
      return startFailed(
        `The system has no room for another process (${codeOf(error)}), so ${quoted} was not started.`,
        'End other programs, or raise the limits on open files, processes and memory of mcpd.',
      )
    case 'ENOSPC':
      return startFailed(
        `The disk with the data folder is full, so ${quoted} was not started.`,
        'Free some space; the start is tried again.',
      )
    default:
      return startFailed(`The command ${quoted} could not be started: ${messageOf(error)}`)
  }
}

/** What went wrong before the program was started: errors of the system become reasons, all others stay as they are. */
export const preparationFailed = (instance: string, error: unknown): unknown => {
  if (!(error instanceof Error && 'syscall' in error)) return error
  const code = codeOf(error)
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  return startFailed(
    full
      ? `The disk with the data folder is full, so ${instance} was not started.`
      : `The data folder cannot be used, so ${instance} was not started: ${error.message}`,
    full ? 'Free some space; the start is tried again.' : 'Check the owner and the rights of the data folder.',
  )
}

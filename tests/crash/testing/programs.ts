import { SHELL_SERVER, shellServer } from '../../testing/shell-server.ts'

/** Ends with its input. */
export const polite = shellServer

/** Has a child of its own, and neither ends with its input nor at SIGTERM. */
export const stubborn = { command: 'sh', args: ['-c', `trap '' TERM; sleep 1000 & ${SHELL_SERVER}\nwait`] }

import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { allProcesses, findProcess, workingFolder } from '../process-table.ts'

/** Whether a process runs; one that waits to be reaped does not. */
export const isAlive = (pid: number): boolean => findProcess(pid)?.zombie === false

/** Pids of all processes that work in a folder or below. */
export const processesIn = (folder: string): number[] =>
  allProcesses()
    .filter(({ zombie, pid }) => !zombie && workingFolder(pid)?.startsWith(folder) === true)
    .map(({ pid }) => pid)

/** Whether a process has a handler of its own for a signal. */
export const handles = (pid: number, signal: 'SIGTERM' | 'SIGHUP'): boolean => {
  const caught = /^SigCgt:\s*([\da-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  return (BigInt(`0x${caught}`) & (1n << BigInt(constants.signals[signal] - 1))) !== 0n
}

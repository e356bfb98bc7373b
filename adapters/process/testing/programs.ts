import type { Program } from '../../../domain/instance/runtime.ts'

/** A node program given as its source. */
export const script = (source: string, ...args: string[]): Program => ({
  kind: 'command',
  command: process.execPath,
  args: ['-e', source, ...args],
})

/** Gives back what it reads. */
export const echo = script('process.stdin.pipe(process.stdout)')

/** Neither SIGTERM nor the end of its input ends it. Says `ready` when that is so. */
export const stubborn = script(`
  process.on('SIGTERM', () => {})
  setInterval(() => {}, 1000)
  console.log('ready')
`)

/** Forks a program that is as stubborn, prints its pid, and ends when its input does. */
export const forking = script(`
  const child = require('child_process').spawn(process.execPath, ['-e', \`
    process.on('SIGTERM', () => {})
    process.on('SIGHUP', () => {})
    setInterval(() => {}, 1000)
    console.log(process.pid)
  \`], { stdio: ['ignore', 'inherit', 'inherit'] })
  process.stdin.resume().on('end', () => process.exit(0))
`)

/** As `forking`, but what it forks has a session of its own and works elsewhere: a daemon, which no group knows. */
export const daemonising = script(`
  const child = require('child_process').spawn(process.execPath, ['-e', \`
    process.on('SIGTERM', () => {})
    setInterval(() => {}, 1000)
  \`], { detached: true, stdio: 'ignore', cwd: '/' })
  console.log(child.pid)
  process.stdin.resume().on('end', () => process.exit(0))
`)

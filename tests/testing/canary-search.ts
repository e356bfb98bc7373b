import { readdirSync, readFileSync } from 'node:fs'
import { codeOf } from '../../domain/kernel/errors.ts'

/** Shorter texts are found everywhere by chance. */
const MIN_BYTES = 8
/** Pieces of random values are looked for, too: a message that quotes a part gives it away. */
const FRAGMENT_CHARS = 12

/** Where a value was found: `canary-17 as base64`. */
export type Finding = string

export interface CanarySearch {
  /** Everything that is found in these bytes, in any form. */
  in(bytes: Buffer | string): readonly Finding[]
}

/**
 * Looks for values in any bytes: clear (a part of 12 characters is enough for `random` ones), every line of a text, base64 and
 * base64url at any offset, hex, URL forms, JSON once and twice escaped, UTF-16. One pass, however many values there are.
 */
export const canarySearch = (canaries: Iterable<{ name: string; value: string; random: boolean }>): CanarySearch => {
  const byStart = new Map<number, { readonly needle: Buffer; readonly finding: Finding }[]>()
  const starts = new Uint8Array(1 << 24) // of three bytes: almost every place is done with after one look
  for (const canary of canaries)
    for (const [form, needle] of formsOf(canary)) {
      if (needle.length < MIN_BYTES) throw new Error(`${canary.name} as ${form} is too short to be looked for`)
      const start = needle.readUInt32LE(0)
      starts[start & 0xffffff] = 1
      byStart.set(start, [...(byStart.get(start) ?? []), { needle, finding: `${canary.name} as ${form}` }])
    }
  return {
    in(content) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      const found = new Set<Finding>()
      let window = bytes.length < 4 ? 0 : bytes.readUIntLE(0, 3) << 8
      for (let i = 0; i + MIN_BYTES <= bytes.length; i++) {
        window = (window >>> 8) | ((bytes[i + 3] ?? 0) << 24)
        if (starts[window & 0xffffff] === 0) continue
        for (const { needle, finding } of byStart.get(window >>> 0) ?? [])
          if (bytes.compare(needle, 0, needle.length, i, Math.min(i + needle.length, bytes.length)) === 0)
            found.add(finding)
      }
      return [...found]
    },
  }
}

const formsOf = ({ value, random }: { value: string; random: boolean }): readonly (readonly [string, Buffer])[] => {
  const bytes = Buffer.from(value)
  const json = JSON.stringify(value).slice(1, -1)
  const forms: [string, string | Buffer][] = [
    ['clear', bytes],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['JSON', json],
    ['JSON in JSON', JSON.stringify(json).slice(1, -1)],
    ['encodeURI', encodeURI(value)],
    ['encodeURIComponent', encodeURIComponent(value)],
    ['form', new URLSearchParams([['', value]]).toString().slice(1)],
    ['UTF-16', Buffer.from(value, 'utf16le')],
    ...[0, 1, 2].flatMap((offset): [string, string][] => {
      const base64 = base64Within(bytes, offset)
      return [
        [`base64 at ${offset}`, base64],
        [`base64url at ${offset}`, base64.replaceAll('+', '-').replaceAll('/', '_')],
      ]
    }),
    ...value
      .split(/\r?\n/)
      .filter((line, _, lines) => lines.length > 1 && line.length >= FRAGMENT_CHARS)
      .map((line): [string, string] => ['one of its lines', line]),
  ]
  if (random)
    for (let i = 0; i + FRAGMENT_CHARS <= value.length; i++) forms.push(['a part', value.slice(i, i + FRAGMENT_CHARS)])
  return forms.map(([form, text]) => [form, Buffer.from(text)])
}

/** The characters of base64 that say nothing but the value, when `offset` other bytes stand before it. */
const base64Within = (bytes: Buffer, offset: number): string => {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
}

/** Logs are renamed while a folder is searched: it is then searched again, this many times at most. */
const MAX_PASSES = 10

/** Every file of a folder with what is found in it. */
export const searchFolder = (search: CanarySearch, folder: string, skip?: RegExp): readonly Finding[] => {
  for (let pass = 1; ; pass++) {
    try {
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => `${entry.parentPath}/${entry.name}`)
        .filter((path) => skip?.test(path) !== true)
        .flatMap((path) => search.in(readFileSync(path)).map((finding) => `${path}: ${finding}`))
    } catch (error) {
      const moved = codeOf(error) === 'ENOENT'
      if (!moved || pass === MAX_PASSES) throw error
    }
  }
}

/**
 * Looks again and again at the command line and the environment of every process, as `ps` shows them to everybody.
 * @param given whether a process may have values in its environment, told by its command line
 */
export const watchProcesses = (search: CanarySearch, given: (commandLine: string) => boolean, everyMs = 150) => {
  const found = new Set<Finding>()
  let seenGiven = 0
  const look = (): void => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const commandLine = readProc(pid, 'cmdline').toString('latin1')
      for (const finding of search.in(readProc(pid, 'cmdline'))) found.add(`command line of ${commandLine}: ${finding}`)
      const inEnvironment = search.in(readProc(pid, 'environ'))
      if (inEnvironment.length === 0) continue
      // It may have been a fork of mcpd a moment ago, or have ended a moment later.
      if (given(commandLine + readProc(pid, 'cmdline').toString('latin1'))) seenGiven += 1
      else for (const finding of inEnvironment) found.add(`environment of ${commandLine}: ${finding}`)
    }
  }
  const timer = setInterval(look, everyMs)
  return {
    found: (): readonly Finding[] => [...found],
    /** How often the value was seen where it belongs. */
    seenGiven: () => seenGiven,
    stop: () => clearInterval(timer),
  }
}

const readProc = (pid: string, file: string): Buffer => {
  try {
    return readFileSync(`/proc/${pid}/${file}`)
  } catch {
    return Buffer.alloc(0) // it has ended, or is a kernel thread
  }
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameReader } from './frames.ts'

type Frame = readonly ['stdout' | 'stderr', string]

const bytesOf = ([source, text]: Frame): Buffer => {
  const body = Buffer.from(text)
  const header = Buffer.alloc(8)
  header[0] = source === 'stderr' ? 2 : 1
  header.writeUInt32BE(body.length, 4)
  return Buffer.concat([header, body])
}

const read = (chunks: readonly Buffer[]) => {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  const push = frameReader({ stdout: (bytes) => stdout.push(bytes), stderr: (bytes) => stderr.push(bytes) })
  for (const chunk of chunks) push(chunk)
  return { stdout: Buffer.concat(stdout).toString('latin1'), stderr: Buffer.concat(stderr).toString('latin1') }
}

describe('the output of a container', () => {
  it('is taken apart into stdout and stderr', () => {
    const frames: Frame[] = [
      ['stdout', 'one\n'],
      ['stderr', 'oh\n'],
      ['stdout', ''],
      ['stdout', 'two\n'],
    ]
    expect(read([Buffer.concat(frames.map(bytesOf))])).toEqual({ stdout: 'one\ntwo\n', stderr: 'oh\n' })
  })

  it('is the same wherever its bytes were cut', () => {
    const frame = fc.tuple(
      fc.constantFrom('stdout' as const, 'stderr' as const),
      fc.string({ unit: 'binary-ascii', maxLength: 40 }),
    )
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 10 }), fc.array(fc.nat(400), { maxLength: 20 }), (frames, cuts) => {
        const whole = Buffer.concat(frames.map(bytesOf))
        const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length]
        const chunks = at.slice(1).map((end, i) => whole.subarray(at[i], end))
        const of = (source: string) => frames.flatMap(([each, text]) => (each === source ? [text] : [])).join('')
        expect(read(chunks)).toEqual({ stdout: of('stdout'), stderr: of('stderr') })
      }),
    )
  })

  it('is passed on before its frame has come whole', () => {
    expect(read([bytesOf(['stdout', 'half a frame']).subarray(0, 12)]).stdout).toBe('half')
  })
})

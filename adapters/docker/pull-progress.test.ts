import { describe, expect, it } from 'vitest'
import { pullProgress } from './pull-progress.ts'

const layer = (id: string, status: string, current?: number, total?: number) =>
  JSON.stringify({ id, status, ...(current === undefined ? {} : { progressDetail: { current, total } }) })

describe('the progress of a pull', () => {
  it('is a line every five seconds, however often the engine reports', () => {
    const progress = pullProgress(0)
    const lines: string[] = []
    for (let ms = 0; ms <= 20_000; ms += 10) {
      const line = progress(layer('aaaaaaaaaaaa', 'Downloading', ms * 1_000, 50_000_000), ms)
      if (line !== undefined) lines.push(line)
    }
    expect(lines).toEqual([
      'pulled 0 of 1 layers, 5.0 of 50.0 MB',
      'pulled 0 of 1 layers, 10.0 of 50.0 MB',
      'pulled 0 of 1 layers, 15.0 of 50.0 MB',
      'pulled 0 of 1 layers, 20.0 of 50.0 MB',
    ])
  })

  it('counts layers that are done, and does not go back when one is unpacked', () => {
    const progress = pullProgress(0)
    progress(layer('aaaaaaaaaaaa', 'Downloading', 3_000_000, 3_000_000), 1)
    progress(layer('aaaaaaaaaaaa', 'Extracting', 1_000, 3_000_000), 2)
    progress(layer('bbbbbbbbbbbb', 'Already exists'), 3)
    progress(JSON.stringify({ id: '1.2', status: 'Pulling from x' }), 4)
    expect(progress(layer('aaaaaaaaaaaa', 'Pull complete'), 6_000)).toBe('pulled 2 of 2 layers, 3.0 of 3.0 MB')
  })

  it('says what was pulled in the end, and skips what is no report', () => {
    const progress = pullProgress(0)
    expect(progress('{"status":"Digest: sha256:1234"}', 1)).toBe('Digest: sha256:1234')
    expect(progress('', 1)).toBeUndefined()
    expect(progress('[]', 1)).toBeUndefined()
    expect(progress('{"sta', 1)).toBeUndefined()
  })

  it('throws what the engine says went wrong', () => {
    expect(() => pullProgress(0)('{"error":"no space left on device"}', 1)).toThrow('no space left on device')
  })
})

import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { everything, openSystem, rebuilt } from './testing/read-side-suite.ts'
import { instanceCreated, instanceStarted, projectDeclared, serverDeclared } from './testing/sample-events.ts'

describe('the read side in a thread of its own', { timeout: 120_000 }, () => {
  it('answers, rebuilds, restarts, and fills rows again that were thrown away', async () => {
    let rows = ''
    const system = await openSystem((folder) => {
      rows = join(folder, 'rows')
      return { kind: 'pglite', folder: rows }
    })
    await system.put('server-s', serverDeclared())
    await system.put('instance-s-1', instanceCreated('s'), instanceStarted('s'))
    const last = await system.put('project-a', projectDeclared('one'), projectDeclared('two'))
    const before = await everything(system.readSide)
    expect((await system.readSide.queries.get('project', 'a')).asOf).toBe(last)

    await rebuilt(system.readSide)
    expect(await everything(system.readSide)).toEqual(before)

    const again = await system.reopen()
    expect(await everything(again)).toEqual(before)

    await again.close()
    await rm(rows, { recursive: true })
    const filled = await system.reopen()
    expect(await filled.waitFor(last, { timeoutMs: 30_000 })).toBe(true)
    expect(await everything(filled)).toEqual(before)

    await filled.close()
    // As after a crash of the machine: another boot, and the files were never closed.
    const state = join(rows, 'state.json')
    await writeFile(
      state,
      JSON.stringify({ ...JSON.parse(await readFile(state, 'utf8')), boot: 'other', clean: false }),
    )
    await writeFile(join(rows, 'pgdata', 'PG_VERSION'), 'rubbish')
    const healed = await system.reopen()
    expect(await healed.waitFor(last, { timeoutMs: 30_000 })).toBe(true)
    expect(await everything(healed)).toEqual(before)

    await healed.close()
    await writeFile(join(rows, 'pgdata', 'global', 'pg_control'), 'rubbish')
    const mended = await system.reopen()
    await vi.waitFor(async () => expect(await everything(mended)).toEqual(before), { timeout: 30_000 })
  })

  it('answers every question with what was told before, lists too, while writes go on', async () => {
    const system = await openSystem((folder) => ({ kind: 'pglite', folder: join(folder, 'rows') }))
    for (let n = 0; n < 200; n += 1) {
      const position = await system.put(`project-p${n}`, projectDeclared(`number ${n}`))
      expect(await system.readSide.waitFor(position)).toBe(true)
      const listed = await system.readSide.queries.list({ kind: 'project', limit: 500 })
      expect(listed.asOf).toBe(position)
      expect(listed.items.length).toBe(n + 1)
    }
  })
})

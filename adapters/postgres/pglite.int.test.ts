import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openPGlite } from './pglite.ts'
import { pgliteFolder } from './pglite-folder.ts'
import { everything, openSystem, readSideSuite } from './testing/read-side-suite.ts'
import { projectDeclared, silent, warnings } from './testing/sample-events.ts'

describe('the read side on an embedded database', { timeout: 60_000 }, () => {
  readSideSuite(
    () => ({ kind: 'pglite-here' }),
    (folder) => ({ kind: 'pglite-here', folder: join(folder, 'rows') }),
  )

  it('fills tables again at start that were dropped', async () => {
    let rows = ''
    const { put, readSide, reopen } = await openSystem((folder) => {
      rows = join(folder, 'rows')
      return { kind: 'pglite-here', folder: rows }
    })
    await put('project-a', projectDeclared('one'))
    const before = await everything(readSide)
    await readSide.close()
    const { db, close } = await openPGlite(rows, silent)
    for (const schema of ['live', 'rm_1']) await sql`drop schema ${sql.id(schema)} cascade`.execute(db)
    await close()
    const again = await reopen()
    await vi.waitFor(async () => expect(await everything(again)).toEqual(before), { timeout: 20_000 })
  })

  it('makes a database anew that was being made when its program was killed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mcpctl-pglite-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const files = pgliteFolder(folder, silent)
    await files.begin()
    const half = join(files.data, 'half')
    await mkdir(files.data)
    await writeFile(join(files.data, 'PG_VERSION'), '17\n')
    await writeFile(half, '')
    const { close } = await openPGlite(folder, silent)
    expect(existsSync(half)).toBe(false)
    await close()
    await writeFile(half, '')
    const again = await openPGlite(folder, silent)
    expect(existsSync(half)).toBe(true) // a whole one is kept
    await again.close()
  })

  it.each([
    ['keeps a database whose program was killed', {}, true],
    ['throws a database away that the machine crashed under', { boot: 'another' }, false],
  ])('%s', async (_what, otherMark, kept) => {
    const folder = await mkdtemp(join(tmpdir(), 'mcpctl-pglite-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const running = await openPGlite(join(folder, 'running'), silent)
    // What a kill leaves: the files as they are, the mark of one that is in use.
    await cp(join(folder, 'running'), join(folder, 'killed'), { recursive: true })
    await running.close()
    const mark = join(folder, 'killed', 'state.json')
    await writeFile(mark, JSON.stringify({ ...JSON.parse(await readFile(mark, 'utf8')), ...otherMark }))
    const witness = join(folder, 'killed', 'pgdata', 'witness')
    await writeFile(witness, '')
    const { close } = await openPGlite(join(folder, 'killed'), silent)
    expect(existsSync(witness)).toBe(kept)
    await close()
  })

  it.each([
    ['a file', (path: string) => writeFile(path, 'rubbish')],
    ['a link to nowhere', (path: string) => symlink(`${path}-gone`, path)],
    ['a folder with a folder for a mark', (path: string) => mkdir(join(path, 'state.json'), { recursive: true })],
  ])('makes its folder anew where it finds %s, and says so', async (_what, spoil) => {
    const { logger, seen } = warnings()
    const { put, readSide } = await openSystem(async (folder) => {
      const rows = join(folder, 'rows')
      await spoil(rows)
      return { kind: 'pglite-here', folder: rows }
    }, logger)
    await put('project-a', projectDeclared('one'))
    expect((await readSide.queries.get('project', 'a')).row?.spec.description).toBe('one')
    expect(seen).toHaveLength(1)
  })
})

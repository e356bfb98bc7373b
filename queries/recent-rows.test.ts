import { describe, expect, it } from 'vitest'
import type { ResourceRow } from '../domain/kernel/resource.ts'
import { CommitSignal } from './commit-signal.ts'
import { MAX_RECENT_ROWS, RecentRows } from './recent-rows.ts'

const row = (name: string, revision = 0n): ResourceRow => ({
  kind: 'server',
  name,
  uid: name,
  revision,
  position: revision,
  labels: {},
  spec: {},
  status: {},
  createdAt: '',
  updatedAt: '',
  createdBy: '',
  updatedBy: '',
})
const told = (...rows: ResourceRow[]) => rows.map((each) => ({ kind: each.kind, name: each.name, row: each }))
const changed = (...names: string[]) => [{ kind: 'server', names }]

describe('rows that commits told of', () => {
  it('are known as the last commit left them', () => {
    const recent = new RecentRows()
    recent.note(changed('a', 'b'), told(row('a', 1n), row('b', 1n)))
    recent.note(changed('a'), told(row('a', 2n)))
    expect(recent.find('server', 'a')).toEqual({ row: row('a', 2n) })
    expect(recent.find('server', 'b')).toEqual({ row: row('b', 1n) })
    expect(recent.find('server', 'c')).toBeUndefined()
    expect(recent.find('project', 'a')).toBeUndefined()
  })

  it('are known to be gone', () => {
    const recent = new RecentRows()
    recent.note(changed('a'), told(row('a')))
    recent.note(changed('a'), [{ kind: 'server', name: 'a', row: undefined }])
    expect(recent.find('server', 'a')).toEqual({ row: undefined })
  })

  it('are forgotten when a commit changes them and does not tell how', () => {
    const recent = new RecentRows()
    recent.note(changed('a', 'b'), told(row('a'), row('b')))
    recent.note(changed('a'))
    expect(recent.find('server', 'a')).toBeUndefined()
    expect(recent.find('server', 'b')).toBeDefined()
    recent.note([{ kind: 'server' }])
    expect(recent.find('server', 'b')).toBeUndefined()
  })

  it('are bounded', () => {
    const recent = new RecentRows()
    const names = Array.from({ length: MAX_RECENT_ROWS + 1 }, (_, i) => `s${i}`)
    for (const name of names) recent.note(changed(name), told(row(name)))
    expect(names.filter((name) => recent.find('server', name) !== undefined).length).toBeLessThanOrEqual(
      MAX_RECENT_ROWS,
    )
    expect(recent.find('server', names.at(-1) ?? '')).toBeDefined()
  })
})

describe('what is known of commits', () => {
  it('answers a row as of the newest of them, until it may have missed some', () => {
    const commits = new CommitSignal()
    commits.advance({ position: 3n, changes: changed('a'), rows: told(row('a', 3n)) })
    commits.advance({ position: 5n, changes: changed('b') })
    expect(commits.row('server', 'a')).toEqual({ row: row('a', 3n), asOf: 5n })
    expect(commits.row('server', 'b')).toBeUndefined()
    commits.reset(5n, ['server'])
    expect(commits.row('server', 'a')).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { placeOf } from './postgres-connection.ts'

describe('the name of a database for people', () => {
  it.each([
    ['postgres://ada:secret@db.example:6432/rows?sslmode=disable', 'db.example:6432/rows'],
    ['postgres://ada@db.example/rows', 'db.example:5432/rows'],
    ['postgres://db.example:6432/rows', 'db.example:6432/rows'],
    ['postgres://ada:secret@[::1]:6432/rows', '[::1]:6432/rows'],
  ])('is host, port and database: %s', (url, place) => expect(placeOf(url)).toBe(place))

  it('has no database where the driver would take the user for one', () =>
    expect(placeOf('postgres://ada:secret@db.example:6432')).toBe('db.example:6432'))

  it.each([
    'postgres://ada:12/secret@db.example/rows',
    'postgres://ada:12?secret@db.example/rows',
    'postgres://ada:12#secret@db.example/rows',
    'postgres://ada:se@cret/more@db.example/rows',
    'postgres://ada:se@cret?more@db.example/rows',
    'postgres://ada:se/cret@db.example/rows',
  ])('says nothing of a URL whose password may be elsewhere: %s', (url) =>
    expect(placeOf(url)).toBe('the server of DATABASE_URL'),
  )
})

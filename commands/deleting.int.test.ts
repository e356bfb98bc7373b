import { describe, expect, it } from 'vitest'
import type { EventLog } from '../domain/kernel/event-log.ts'
import { commandsOnLog, context, server } from './testing/commands-on-log.ts'

const { setUp, log, pass } = commandsOnLog()

const withSecret = (name: string) => ({
  ...server,
  env: [{ name: 'KEY', valueFrom: { secretRef: { name, key: 'KEY' } } }],
})

/** The same log, but that an event of one type does not get onto one stream: mcpd is gone by then. */
const failingOn = (whole: EventLog, stream: string, type: string): EventLog =>
  Object.assign(Object.create(whole), {
    readStream: whole.readStream.bind(whole),
    append: async (...[to, events, ...rest]: Parameters<EventLog['append']>) => {
      if (to === stream && events.some((event) => event.type === type)) throw new Error('cut off')
      return whole.append(to, events, ...rest)
    },
  })

describe('deleting', () => {
  it('is refused for what mcpctl itself needs, which can be changed', async () => {
    const { declare, remove } = setUp()
    await declare('project', 'mcpctl-system', {})
    await expect(remove('project', 'mcpctl-system')).rejects.toMatchObject({ code: 'part-of-system', status: 409 })
    await declare('project', 'mcpctl-system', { description: 'changed' })
  })

  it('is refused while another resource refers to it, which is named', async () => {
    const { declare, remove } = setUp()
    await declare('server', 'a', server)
    await declare('project', 'p', { servers: [{ name: 'a' }] })
    await expect(remove('server', 'a')).rejects.toMatchObject({ code: 'in-use', details: { by: ['project/p'] } })
  })

  it('works when the reference was taken out, or its holder deleted', async () => {
    const { declare, remove } = setUp()
    await declare('server', 'a', server)
    await declare('server', 'b', server)
    await declare('project', 'p', { servers: [{ name: 'a' }, { name: 'b' }] })
    await declare('project', 'p', { servers: [{ name: 'b' }] })
    expect((await remove('server', 'a')).outcome).toBe('deleted')
    await remove('project', 'p')
    expect((await remove('server', 'b')).outcome).toBe('deleted')
  })

  it('that was cut off after it was durable is finished when it is repeated', async () => {
    const cut = setUp(failingOn(log(), 'secret-a', 'ReferenceReleased'))
    const { declare, remove } = setUp()
    await declare('secretbackend', 'default', { type: 'encrypted' })
    await declare('secret', 'a', { backend: 'default', data: {} })
    await declare('server', 's', withSecret('a'))
    const deletion = context({ requestHash: 'h' })
    await expect(cut.remove('server', 's', deletion)).rejects.toThrow('cut off')
    await expect(remove('secret', 'a')).rejects.toMatchObject({ code: 'in-use' })
    expect((await remove('server', 's', deletion)).outcome).toBe('deleted')
    expect((await remove('secret', 'a')).outcome).toBe('deleted')
  })

  it('does nothing to what was made since under the same name, when it is repeated', async () => {
    const gone: string[] = []
    const { declare, remove } = setUp(log(), { secret: { afterDelete: async (_ref, uid) => void gone.push(uid) } })
    await declare('secretbackend', 'default', { type: 'encrypted' })
    const declareAgain = () => declare('secret', 'a', { backend: 'default', data: {} })
    const first = (await declareAgain()).events.at(-1)?.data.uid
    const deletion = context({ requestHash: 'h' })
    await remove('secret', 'a', deletion)
    await declareAgain()
    expect((await remove('secret', 'a', deletion)).outcome).toBe('deleted')
    expect(gone).toEqual([first])
    await expect(remove('secretbackend', 'default')).rejects.toMatchObject({ code: 'in-use' })
  })

  it('ignores a reference whose holder never came to be, once it is a minute old', async () => {
    const { declare, remove } = setUp()
    await declare('server', 'a', server)
    const cut = setUp(failingOn(log(), 'project-p', 'ProjectDeclared'))
    await expect(cut.declare('project', 'p', { servers: [{ name: 'a' }] })).rejects.toThrow('cut off')
    await expect(remove('server', 'a')).rejects.toMatchObject({ code: 'in-use' })
    pass(61_000)
    expect((await remove('server', 'a')).outcome).toBe('deleted')
  })

  it('is refused for the default backend, until another one is', async () => {
    const { declare, remove, backends } = setUp()
    await declare('secretbackend', 'default', { type: 'encrypted' })
    await declare('secretbackend', 'other', { type: 'encrypted' })
    await backends.choose('default', context())
    await expect(remove('secretbackend', 'default')).rejects.toMatchObject({ code: 'in-use' })
    await backends.choose('other', context())
    expect((await remove('secretbackend', 'default')).outcome).toBe('deleted')
    expect(await backends.current()).toBe('other')
  })
})

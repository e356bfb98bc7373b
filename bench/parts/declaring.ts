import type { Connection } from './connection.ts'

/** A project's manifest of about 1 KB, with a spec of its own for each `n`. */
export const manifest = (name: string, n: number): string =>
  JSON.stringify({
    kind: 'project',
    metadata: { name, labels: { team: 'bench' } },
    spec: { description: `change ${n}`, instructions: 'Answer in whole sentences. '.repeat(18) },
  })

/** Declares a project with a new spec and reads its row from the answer. @throws unless it is there. */
export const declare = async (connection: Connection, name: string, n: number): Promise<void> => {
  const { status, body } = await connection.send('PUT', `/api/v1/projects/${name}`, manifest(name, n))
  if (status > 201 || !body.includes(`"spec":{"description":"change ${n}"`)) throw new Error(`${status}: ${body}`)
}

import { expect, it } from 'vitest'
import type { LinkedProject, LinkedServer, ToolRules } from '../../domain/mcp/link.ts'
import { parseFrame } from './frames.ts'

/** Every field there is: what a new one is called must be added here, and to what is parsed. */
const tools: Required<ToolRules> = { allow: ['*'], deny: ['a'], rename: { b: 'c' }, describe: { b: 'd' } }
const server: Required<LinkedServer> = {
  name: 's',
  state: 'ready',
  reason: 'r',
  initialize: { capabilities: {} },
  tools,
  sessions: 'dedicated',
}
const project: Required<LinkedProject> = {
  name: 'p',
  instructions: 'i',
  namespacing: 'auto',
  describeServers: 'never',
  servers: [server],
}

it('nothing of a project is lost on the way', () => {
  const frame = { type: 'project', project }
  expect(parseFrame(JSON.stringify(frame))).toEqual(frame)
})

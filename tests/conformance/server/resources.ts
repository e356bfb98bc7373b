import type { ReadResourceResult, Resource, ResourceTemplate } from '@modelcontextprotocol/sdk/types.js'
import { PNG } from './contents.ts'

export const resources: readonly Resource[] = [
  { uri: 'test://static-text', name: 'static-text', description: 'A text', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'static-binary', description: 'An image', mimeType: 'image/png' },
  { uri: 'test://watched-resource', name: 'watched-resource', description: 'May be subscribed to' },
]

export const templates: readonly ResourceTemplate[] = [
  {
    uriTemplate: 'test://template/{id}/data',
    name: 'template',
    description: 'The data of one id',
    mimeType: 'application/json',
  },
]

const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/

/** What a resource holds; undefined if there is none. */
export const readResource = (uri: string): ReadResourceResult['contents'] | undefined => {
  if (uri === 'test://static-text')
    return [{ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }]
  if (uri === 'test://static-binary') return [{ uri, mimeType: 'image/png', blob: PNG }]
  if (uri === 'test://watched-resource') return [{ uri, mimeType: 'text/plain', text: 'Watched' }]
  const id = TEMPLATE.exec(uri)?.[1]
  if (id === undefined) return undefined
  const data = { id, templateTest: true, data: `Data for ID: ${id}` }
  return [{ uri, mimeType: 'application/json', text: JSON.stringify(data) }]
}

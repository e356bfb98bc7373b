import type { ContentBlock } from '@modelcontextprotocol/sdk/types.js'

/** A PNG of one red pixel. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC'

/** A WAV header without a sample. */
export const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA='

export const text = (value: string): ContentBlock => ({ type: 'text', text: value })
export const image: ContentBlock = { type: 'image', data: PNG, mimeType: 'image/png' }
export const audio: ContentBlock = { type: 'audio', data: WAV, mimeType: 'audio/wav' }
export const resource = (uri: string, mimeType: string, value: string): ContentBlock => ({
  type: 'resource',
  resource: { uri, mimeType, text: value },
})

import type { GetPromptResult, Prompt as PromptDefinition } from '@modelcontextprotocol/sdk/types.js'
import { image, resource, text } from './contents.ts'

/** A prompt and what it says. */
export interface Prompt {
  readonly definition: PromptDefinition
  messages(given: Readonly<Record<string, string>>): GetPromptResult['messages']
}

const user = (content: GetPromptResult['messages'][number]['content']) => ({ role: 'user' as const, content })
const required = (name: string) => ({ name, description: `The value of ${name}`, required: true })

export const prompts: readonly Prompt[] = [
  {
    definition: { name: 'test_simple_prompt', description: 'A prompt without arguments' },
    messages: () => [user(text('This is a simple prompt for testing.'))],
  },
  {
    definition: {
      name: 'test_prompt_with_arguments',
      description: 'A prompt with two arguments',
      arguments: [required('arg1'), required('arg2')],
    },
    messages: ({ arg1, arg2 }) => [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
  },
  {
    definition: {
      name: 'test_prompt_with_embedded_resource',
      description: 'A prompt with a resource in it',
      arguments: [required('resourceUri')],
    },
    messages: ({ resourceUri = '' }) => [
      user(resource(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
      user(text('Please process the embedded resource above.')),
    ],
  },
  {
    definition: { name: 'test_prompt_with_image', description: 'A prompt with an image in it' },
    messages: () => [user(image), user(text('Please analyze the image above.'))],
  },
]

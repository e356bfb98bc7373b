import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: { shell: { describe: 'Which shell', required: true, choices: ['bash', 'zsh', 'fish'] } },
  options: {},
  examples: [
    ['source <($0 completion bash)', 'in ~/.bashrc'],
    ['source <($0 completion zsh)', 'in ~/.zshrc'],
    ['$0 completion fish > ~/.config/fish/completions/mcpctl.fish', 'once'],
  ],
  epilogue: 'The script completes verbs, flags and kinds by itself, and names of resources by asking mcpd.',
  async run({ out, registry }, { shell }) {
    const [{ outlineOf }, { verbs }] = await Promise.all([import('./completion/outline.ts'), import('./verbs.ts')])
    const program = await outlineOf(verbs, await registry())
    if (shell === 'fish') out.data((await import('./completion/fish.ts')).fishScript(program))
    else {
      const { bashScript, zshScript } = await import('./completion/bash.ts')
      out.data(shell === 'bash' ? bashScript(program) : zshScript(program))
    }
    return undefined
  },
})

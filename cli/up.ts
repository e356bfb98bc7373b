import { defineVerb } from './verb.ts'

/** Everything on one machine: mcpd and mcplocal in this process, until Ctrl-C. */
export default defineVerb({
  arguments: {},
  options: {
    demo: { type: 'boolean', describe: 'Apply a demo project with two servers from npm, and call one of its tools' },
    port: { type: 'number', describe: 'Port of mcpd', default: 3100 },
    'mcplocal-port': { type: 'number', describe: 'Port of mcplocal', default: 3200 },
    'data-folder': { type: 'string', describe: 'What mcpd keeps (~/.mcpctl/data)', complete: 'file' },
    templates: {
      type: 'string',
      many: true,
      describe: 'A folder with template files of your own (MCPD_TEMPLATES)',
      complete: 'file',
    },
    verbose: { type: 'boolean', describe: 'Print the programs’ own log on standard error' },
  },
  examples: [
    ['$0 up', 'mcpd and mcplocal, and this user logged in'],
    ['$0 up --demo', 'The same, with a project to try out'],
    ['EVENTSTORE_URL=esdb://localhost:2113?tls=false $0 up', 'The log in EventStoreDB instead of the data folder'],
    ['DATABASE_URL=postgres://localhost/mcpctl $0 up', 'The read models in Postgres'],
  ],
  epilogue: 'What mcpd reads from the environment, "mcpd --help" lists.',
  async run(deps, values) {
    const { up } = await import('./bin/up-system.ts')
    await up(deps, {
      demo: values.demo,
      port: values.port,
      mcplocalPort: values['mcplocal-port'],
      templates: values.templates,
      verbose: values.verbose,
      ...(values['data-folder'] === undefined ? {} : { dataFolder: values['data-folder'] }),
    })
    return undefined
  },
})

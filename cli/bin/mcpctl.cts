#!/usr/bin/env node
import fs = require('node:fs')
import path = require('node:path')
import vm = require('node:vm')

// What `mcpctl` starts. Node takes longer to load the modules of a verb one by one than to start, so verbs run from the bundles
// that scripts/bundle-mcpctl.ts makes, with the code V8 has compiled of them. `up` needs mcpd's modules anyway, and stacks
// are to name files as they are: there `mcpctl.js`, the same program in modules, takes over; and for `console`, whose library
// can only be imported.

const BUNDLES = path.join(__dirname, '../../bundled')

const bundles = new Map<string, { exports: unknown }>()

const load = (name: string): unknown => {
  const file = path.join(BUNDLES, `${name}.js`)
  const known = bundles.get(name)
  if (known !== undefined || !fs.existsSync(file)) return known?.exports
  const module = { exports: {} }
  bundles.set(name, module)
  const script = new vm.Script(fs.readFileSync(file, 'latin1'), {
    filename: file,
    // V8 takes it only when it is of this very V8, these flags and this source; else it compiles.
    cachedData: fs.readFileSync(`${file}.cache`),
  })
  script.runInThisContext()(
    module,
    module.exports,
    (wanted: string) => load(wanted) ?? require(wanted),
    `file://${file}`,
  )
  return module.exports
}

const inModules = ['up', 'console'].some((verb) => process.argv.includes(verb))
if (inModules || process.env.MCPCTL_DEBUG === '1') void import('./mcpctl.ts')
else load('mcpctl')

// Loaded before mcpctl by bundle-mcpctl.ts: when the process ends, the code V8 has compiled of each script is kept beside it.
const { writeFileSync } = require('node:fs')
const vm = require('node:vm')

const Script = vm.Script
vm.Script = class extends Script {
  constructor(source, options) {
    super(source, options)
    process.on('exit', () => writeFileSync(`${options.filename}.cache`, this.createCachedData()))
  }
}

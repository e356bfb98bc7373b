/** The least that is an MCP server with a tool, which tells its own pid: cheap enough to be started a thousand times. */
export const SHELL_SERVER = `
while read -r line; do
  id=\${line#*'"id":'}; id=\${id%%[,\\}]*}
  case $line in
    *'"method":"initialize"'*) r='{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"method":"tools/list"'*) r='{"tools":[{"name":"pid","inputSchema":{"type":"object"}}]}' ;;
    *'"method":"tools/call"'*) r='{"content":[{"type":"text","text":"'$$'"}]}' ;;
    *'"id":'*) r='{}' ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\\n' "$id" "$r"
done`

/** Of a server that runs it: it ends with its input. */
export const shellServer = { command: 'sh', args: ['-c', SHELL_SERVER] }

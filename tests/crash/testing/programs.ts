/** The least that is an MCP server, cheap enough to be started in every round. */
const SERVE = `
while read -r line; do
  id=\${line#*'"id":'}; id=\${id%%[,\\}]*}
  case $line in
    *'"method":"initialize"'*) result='{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"id":'*) result='{}' ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\\n' "$id" "$result"
done`

/** Ends with its input. */
export const polite = { command: 'sh', args: ['-c', SERVE] }

/** Has a child of its own, and neither ends with its input nor at SIGTERM. */
export const stubborn = { command: 'sh', args: ['-c', `trap '' TERM; sleep 1000 & ${SERVE}\nwait`] }

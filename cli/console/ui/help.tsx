import type { ReactNode } from 'react'
import { TextLines, usePresses } from './context.tsx'
import { Pane } from './frame.tsx'

const HELP = `EVERYWHERE    1-4, tab   tools, prompts, resources, traffic
              ↑↓ jk pgup pgdn home end   move        ?  this        q, ^C  quit
LISTS         enter      call, get, read             /  find        esc  leave
FORM          ↑↓ enter   from field to field; space and ←→ choose; ^R runs
ANSWER, JSON  → ← space  unfold, fold                e  unfold all  r  once more
TRAFFIC       enter      look into a message         /  filter      e  errors
              space      pause, go on                c  clear       end  newest
              r          replay a client's request   y  as curl
MESSAGE       n b        next, the one before        a  its answer, or request

FILTER        words are found anywhere in a message; "two words" together;
              method:tools/call  server:files  side:client  session:3fa9  id:7
              errors             -method:ping: all but these
MARKS         *  the session of this console    ×  a session that has ended
              client →  as the client sends it    files ←  as a server answers

Shown are sessions at mcplocal that were opened with your own token. Sessions
of "mcpctl mcp" (standard input and output) go past mcplocal and are not seen.`

/** All keys on one page that fits into 80×24. */
export const Help = ({ onBack }: { onBack(): void }): ReactNode => {
  usePresses(9, (press) => {
    if (press.text === 'q') return false
    onBack()
    return true
  })
  return (
    <Pane
      hints={[
        ['any key', 'back'],
        ['q', 'quit'],
      ]}
    >
      <TextLines of={HELP.split('\n')} />
    </Pane>
  )
}

import { defineCommand } from '../../cli/define.ts';
import { scriptView } from './view.ts';

const script = `#compdef chainctl
# zsh completion for chainctl
_chainctl() {
  local -a lines offers
  local line
  lines=("\${(@f)$(chainctl __complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  if [[ $lines[1] == :files ]]; then
    _files
    return
  fi
  for line in "\${(@)lines[2,-1]}"; do
    if [[ $line == *$'\\t'* ]]; then
      offers+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    else
      offers+=("\${line//:/\\\\:}")
    fi
  done
  _describe -V chainctl offers
}
if [[ $funcstack[1] == _chainctl ]]; then
  _chainctl "$@"
else
  compdef _chainctl chainctl
fi
`;

export default defineCommand({
  path: ['completion', 'zsh'],
  summary: 'Print the completion script for zsh.',
  description:
    'In this shell:\n  eval "$(chainctl completion zsh)"\nFor every new one, add that line to ~/.zshrc, after compinit.',
  inputs: {},
  examples: [{ text: 'The script', args: '' }],
  view: scriptView,
  formats: ['text'],
  readsConfig: false,
  run: async () => script,
});

import { defineCommand } from '../../cli/define.ts';
import { scriptView } from './view.ts';

// `compopt` came with bash 4; before that, files are not offered.
const script = `# bash completion for chainctl
_chainctl() {
  local text kind=
  COMPREPLY=()
  while IFS= read -r text; do
    if [ -z "$kind" ]; then
      kind=$text
    else
      COMPREPLY+=("\${text%%$'\\t'*}")
    fi
  done < <(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" chainctl __complete 2>/dev/null)
  if [ "$kind" = :files ]; then
    compopt -o default 2>/dev/null
  fi
}
complete -F _chainctl chainctl
`;

export default defineCommand({
  path: ['completion', 'bash'],
  summary: 'Print the completion script for bash.',
  description: 'In this shell:\n  eval "$(chainctl completion bash)"\nFor every new one, add that line to ~/.bashrc.',
  inputs: {},
  examples: [{ text: 'The script', args: '' }],
  view: scriptView,
  formats: ['text'],
  readsConfig: false,
  run: async () => script,
});

import { defineCommand } from '../../cli/define.ts';
import { scriptView } from './view.ts';

const script = `# fish completion for chainctl
function __chainctl_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (chainctl __complete -- $tokens[2..-1] "$current" 2>/dev/null)
    if test "$lines[1]" = :files
        __fish_complete_path "$current"
    else if set -q lines[2]
        printf '%s\\n' $lines[2..-1]
    end
end
complete -c chainctl -e
complete -c chainctl -f -k -a '(__chainctl_complete)'
`;

export default defineCommand({
  path: ['completion', 'fish'],
  summary: 'Print the completion script for fish.',
  description:
    'In this shell:\n  chainctl completion fish | source\nFor every new one:\n  chainctl completion fish > ~/.config/fish/completions/chainctl.fish',
  inputs: {},
  examples: [{ text: 'The script', args: '' }],
  view: scriptView,
  formats: ['text'],
  readsConfig: false,
  run: async () => script,
});

# Completion for fish. Load it with: superheroes completion fish | source

function __superheroes_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    set -l found ($program complete $words[2..] "$typed" 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path "$typed"
    end
end

complete -c superheroes -f -a '(__superheroes_complete)'

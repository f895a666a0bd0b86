# Completion for fish of pycompiled's programs. Options are those of the program's own --help, so that none is missing.

function __pycompiled_program
    set -l words (commandline -opc)
    echo $words[1]
    if string match -q '*pycompilectl' -- $words[1]; and test (count $words) -gt 1; and not string match -q -- '-*' $words[2]
        echo $words[2]
    end
end

function __pycompiled_options
    set -l program (__pycompiled_program)
    $program --help 2>/dev/null </dev/null | string match -arg '(?:^|[ ,\[])(--?[a-zA-Z][a-zA-Z0-9-]*)' | sort -u
end

function __pycompiled_commands
    pycompilectl --help 2>/dev/null </dev/null | sed -n '/^commands:/,/^options:/s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p'
end

for program in pycompiled pycompile-client pycompileall-client pycompilectl pycompile-lsp pycompile-worker
    complete -c $program -n 'string match -q -- "-*" (commandline -ct)' -f -a '(__pycompiled_options)'
end
complete -c pycompilectl -n 'test (count (commandline -opc)) -eq 1' -f -a '(__pycompiled_commands)'

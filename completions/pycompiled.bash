# Completion for bash of pycompiled's programs. Options are those of the program's own --help, so that none is missing.

# The options that a command's --help names. Arguments: the command.
_pycompiled_options() {
    "$@" --help 2>/dev/null </dev/null | command grep -oE '(^|[ ,[])--?[a-zA-Z][a-zA-Z0-9-]*' | command tr -d ' ,[' |
        LC_ALL=C command sort -u
}

# The values of an option whose --help has them in braces. Arguments: the option, and the command.
_pycompiled_choices() {
    local option=$1
    shift
    "$@" --help 2>/dev/null </dev/null | command grep -oE -e "$option[ =]\{[^}]*\}" | command head -n 1 |
        command sed 's/.*{//; s/}//' | command tr , '\n'
}

_pycompiled() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words
    local -a program=("${COMP_WORDS[0]/#\~/$HOME}")
    COMPREPLY=()
    if [[ ${program[0]##*/} == pycompilectl ]]; then
        if ((COMP_CWORD == 1)) && [[ $current != -* ]]; then
            words=$("${program[@]}" --help 2>/dev/null </dev/null |
                command sed -n '/^commands:/,/^options:/s/^  \([a-z]*\)  .*/\1/p')
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
            return
        fi
        ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} != -* ]] && program+=("${COMP_WORDS[1]}")
    fi
    if [[ $current == -* ]]; then
        words=$(_pycompiled_options "${program[@]}")
    elif [[ $previous == -* ]]; then
        words=$(_pycompiled_choices "$previous" "${program[@]}")
    fi
    if [[ -n $words ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}

complete -F _pycompiled pycompiled pycompile-client pycompileall-client pycompilectl pycompile-lsp pycompile-worker

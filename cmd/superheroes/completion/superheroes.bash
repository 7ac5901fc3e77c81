# Completion for bash. Load it with: eval "$(superheroes completion bash)"

_superheroes() {
  local -a words
  read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=("")
  local typed=${words[${#words[@]} - 1]}
  local before=${typed%"${typed##*[=:]}"} # bash replaces only what follows = or :
  COMPREPLY=()
  local word
  while IFS=$'\t' read -r word _; do
    COMPREPLY+=("${word#"$before"}")
  done < <("${words[0]/#~/$HOME}" complete "${words[@]:1}" 2>/dev/null)
}

complete -o default -F _superheroes superheroes

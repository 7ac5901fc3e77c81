# Completion for zsh. Load it after compinit, with: eval "$(superheroes completion zsh)"

_superheroes() {
  local line
  local -a found
  for line in ${(f)"$(${words[1]/#\~/$HOME} complete "${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
    found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#found )); then
    _describe superheroes found
  else
    compset -P '*='
    _files
  fi
}

compdef _superheroes superheroes

# Print a secret: the file that production mounts, or the variable of development. To be sourced.
secret() { # NAME
  file=/run/secrets/$(printf '%s' "$1" | tr '[:upper:]' '[:lower:]')
  if [ -f "$file" ]; then cat "$file"; else printenv "$1" || :; fi
}

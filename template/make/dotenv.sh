# Print the value of a line of .env as Compose reads it: without "export", quotes and line ends of DOS.
set -eu
sed -n "s/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}$1[[:space:]]*=[[:space:]]*//p" .env |
  tail -n 1 | tr -d '\r' | sed "s/^\([\"']\)\(.*\)\1[[:space:]]*\$/\2/"

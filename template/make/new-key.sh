# Print a new private key as settings hold it: P-256, DER in base64, in one line.
set -eu
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 |
  openssl pkcs8 -topk8 -nocrypt -outform DER | openssl base64 -A

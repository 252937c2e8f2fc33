# Check the addresses that are told of alerts, and say which alerts nobody is told of.
set -eu
for key in ALERT_PAGE_WEBHOOK ALERT_SLACK_URL ALERT_TICKET_WEBHOOK ALERT_HEARTBEAT_URL; do
  # Not the value: who has the address can write to it.
  case $(sh make/dotenv.sh "$key") in
    '' | http://?* | https://?*) ;;
    *) echo "$key in .env is no address: it begins with https:// or http://." >&2; exit 1 ;;
  esac
done

warn() {
  what=$1
  shift
  for key in "$@"; do
    [ -z "$(sh make/dotenv.sh "$key")" ] || return 0
  done
  echo "$what, because .env has no value for $(printf '%s' "$*" | sed 's| | or |g'): see docs/alerts.md."
}

warn "Nobody is told of what cannot wait" ALERT_PAGERDUTY_KEY ALERT_PAGE_WEBHOOK
warn "Nobody is told of what can wait" ALERT_SLACK_URL ALERT_TICKET_WEBHOOK
warn "Nobody notices when monitoring itself has stopped" ALERT_HEARTBEAT_URL

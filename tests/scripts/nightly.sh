#!/bin/sh
# A night's work, as an administrator would write it: save every workspace that has changed, give up old versions, and
# mail a report if anything went wrong or somebody wants one. From cron: 30 3 * * * root nightly.sh ops@example.org
set -u
to=$1
report=$(mktemp) || exit 1
trap 'rm -f "$report"' EXIT
failed=0

# Saves all of them; one that fails does not stop the others.
wsnap --json create --all --if-changed --source nightly --jobs 2 >"$report.saved" 2>/dev/null || failed=$?
jq -r '.workspaces[] |
	if .error then "FAILED  \(.container_id): \(.error.message)"
	elif .unchanged then "same    \(.container_id) (version \(.version))"
	else "saved   \(.container_id) version \(.version), down for \(.downtime_ms | floor) ms" end' \
	"$report.saved" >>"$report"

# A week of days, a year of months; what has a name stays.
wsnap --json prune --all --keep-last 3 --keep-daily 7 --keep-monthly 12 >"$report.pruned" 2>/dev/null || failed=$?
jq -r '.workspaces[] | select(.removed | length > 0) |
	"pruned  \(.container_id): \(.removed | length) versions, \(.freed_bytes / 1048576 | floor) MiB"' \
	"$report.pruned" >>"$report"

# Whatever is older than a day and a half by now was not saved for two nights.
wsnap status --max-age 36h >>"$report" 2>&1 || failed=$?
rm -f "$report.saved" "$report.pruned"
[ "$failed" -eq 0 ] || mail -s "wsnap on $(hostname): status $failed" "$to" <"$report"
exit "$failed"

# shellcheck shell=bash
#
# For scripts that look for what is wrong and speak TAP.

number=0
failures=0

# verdict WHAT FINDINGS: a test has passed when it found nothing.
verdict() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number $1"
	else
		echo "not ok $number $1"
		printf '%s\n' "$2" | sed 's/^/# /'
		failures=1
	fi
}

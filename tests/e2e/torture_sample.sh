#!/bin/bash
# A sample of the torture, spread over it; `make torture` runs all of it.
exec "$(dirname "$(readlink -f "$0")")/../torture/torture.sh" sample

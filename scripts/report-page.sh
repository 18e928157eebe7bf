#!/usr/bin/env bash
# The report page in a real Chromium: builds one of made-up tests and does with
# it what its readers do.
#
#   scripts/report-page.sh PYTHON    a Python with pytest
#
# REPORT_PICTURES=DIR leaves pictures of the page there.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/debian-package.sh chromium chromium
cargo build --quiet --locked --package drift-replay --example report_page
[ -z "${REPORT_PICTURES:-}" ] || mkdir -p "$REPORT_PICTURES"
exec "$1" -m pytest tests/report

#!/usr/bin/env bash
# Sees to it that the servers the end-to-end tests and the demo use are there:
# PostgreSQL and Redis from Debian's packages. Does nothing where they are; else
# installs them, says so, and needs root or a sudo that asks for no password;
# without those it names what is missing and fails.
#
#   scripts/servers.sh
set -euo pipefail
cd "$(dirname "$0")"

has_postgres() {
  # Debian keeps PostgreSQL's server programs out of the PATH.
  command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

./debian-package.sh redis-server redis-server
has_postgres || ./debian-package.sh pg_ctlcluster postgresql
if ! has_postgres; then
  echo "PostgreSQL's initdb is missing: Debian and Ubuntu have it in the package postgresql" >&2
  exit 2
fi

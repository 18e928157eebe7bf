#!/usr/bin/env bash
# Makes what the end-to-end tests and the demo run in: target/env/e2e-python (the
# published Python SDK and Flask), target/env/e2e-node (the published Node SDK,
# Express, the official generated types), and our Python binding in the first.
# Does nothing where the pinned files and the binding are unchanged.
#
#   tests/e2e/setup.sh
#
# DRIFT_BINDING_WHEEL names another binding for pip to install instead of ours: a
# wheel, a folder, or a requirement such as drift-core-python==0.1.9.
set -euo pipefail
cd "$(dirname "$0")/../.."

requirements=tests/e2e/requirements.txt
if ! "${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  requirements=tests/e2e/requirements-python39.txt
fi
scripts/venv.sh e2e-python "$requirements"
env=target/env/e2e-python
if [ -n "${DRIFT_BINDING_WHEEL:-}" ]; then
  "$env/bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps "$DRIFT_BINDING_WHEEL"
  # Ours comes back with the next run that does not name another.
  rm -f "$env/.wheel"
else
  scripts/python-binding.sh e2e-python
fi

project=target/env/e2e-node
stamp="$(cat tests/e2e/package.json tests/e2e/package-lock.json | sha256sum | cut -d' ' -f1)-$(node --version)"
if [ "$(cat "$project/.stamp" 2>/dev/null || true)" != "$stamp" ]; then
  echo "making $project from tests/e2e/package-lock.json"
  rm -rf "$project"
  mkdir -p "$project"
  cp tests/e2e/package.json tests/e2e/package-lock.json "$project/"
  npm ci --prefix "$project" --loglevel=error --no-fund --no-audit
  echo "$stamp" >"$project/.stamp"
fi

#!/usr/bin/env bash
# Sets everything up, then runs all tests, of the Rust core and of the installed Python package.
# Usage: tools/test.sh [ARGUMENTS OF pytest]
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
"$here/tools/setup.sh" plot,test
(cd "$here" && cargo test --release --quiet)
# From another folder: the sources beside Cargo.toml would shadow the built package.
cd "$(mktemp -d)"
exec "$here/.venv/bin/pytest" -c "$here/pyproject.toml" --rootdir "$here" "$here/python_tests" "$@"

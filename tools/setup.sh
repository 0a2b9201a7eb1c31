#!/usr/bin/env bash
# Builds the package into .venv of this checkout. Needs Python >= 3.11, a Rust toolchain and a C compiler.
# Usage: tools/setup.sh [EXTRAS]     (comma-separated: plot, test, dev)
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] || "${PYTHON:-python3}" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check ".[${1:-plot}]"

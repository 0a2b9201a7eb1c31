#!/usr/bin/env bash
# Sets everything up, then trains: Fashion-MNIST where it is found, else the demo data that ships with the package.
# Usage: tools/train.sh [ARGUMENTS OF strsbp train]
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
"$here/tools/setup.sh" plot
exec "$here/.venv/bin/strsbp" train "$@"

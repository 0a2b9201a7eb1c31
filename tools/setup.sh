#!/usr/bin/env bash
# Brings the package, as the sources are now, into .venv of this checkout: seconds where nothing has changed.
# Needs Python >= 3.11, a Rust toolchain and a C compiler. PYTHON names the Python to use, where it is not python3.
# Usage: tools/setup.sh [EXTRAS]     (comma-separated: plot, audio, events, test, dev)
set -euo pipefail
cd -P "$(dirname "$0")/.."
python="$PWD/.venv/bin/python"
identity='import sys; print(sys.version_info[:2], sys.base_prefix)'

# Of no use: an environment whose Python is gone, of another Python than asked for, or moved, since its scripts hold its path.
usable() {
    local is
    is="$("$python" -c "$identity" 2>/dev/null)" || return 1
    [ -z "${PYTHON:-}" ] || [ "$("$PYTHON" -c "$identity")" = "$is" ] || return 1
    [ ! -e .venv/.path ] || [ "$(cat .venv/.path)" = "$PWD" ]
}
if ! usable; then
    "${PYTHON:-python3}" -m venv --clear --without-pip .venv
    pwd > .venv/.path
fi
[ -x .venv/bin/pip ] || "$python" -m ensurepip --default-pip >/dev/null
exec "$python" tools/install.py "${1:-plot}"

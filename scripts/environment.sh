# Sourced by scripts/up and scripts/test: makes .venv from a lock, once, and again when it changed.
# Needs Python 3.11 or newer and nothing else. Sets ROOT; the function is: environment LOCK

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

say() { printf '%s\n' "$*" >&2; }

die() {
  say "Error: $1"
  shift
  for line in "$@"; do say "  $line"; done
  exit 1
}

find_python() {
  local candidate
  for candidate in ${LEADENGINE_PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  die "Python 3.11 or newer is needed, and there is none${LEADENGINE_PYTHON:+ at $LEADENGINE_PYTHON}." \
    "Install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python@3.13)," \
    "or name one: LEADENGINE_PYTHON=/path/to/python3 $0"
}

# What the environment was made from: the lock, the project's own metadata, the Python version.
fingerprint() {
  "$1" - "$ROOT/$2" "$ROOT/pyproject.toml" <<'PY'
import hashlib, pathlib, sys
digest = hashlib.sha256(sys.version.encode())
for name in sys.argv[1:]:
    digest.update(pathlib.Path(name).read_bytes())
print(digest.hexdigest())
PY
}

# Runs a command quietly; shows the seconds on a terminal, and its output if it fails.
quietly() {
  local what="$1" log="$ROOT/.venv/setup.log" began=$SECONDS pid code=0
  shift
  "$@" >"$log" 2>&1 &
  pid=$!
  trap 'kill $pid 2>/dev/null; exit 130' INT TERM
  if [ -t 2 ]; then
    while kill -0 $pid 2>/dev/null; do
      printf '\r%s … %d s ' "$what" $((SECONDS - began)) >&2
      sleep 0.5
    done
    printf '\r\033[K' >&2
  fi
  wait $pid || code=$?
  trap - INT TERM
  if [ $code -ne 0 ]; then
    tail -n 25 "$log" >&2
    die "$what failed (the whole output: $log)." "Check the network, then run it again: what is done stays done."
  fi
  say "✓ $what  $((SECONDS - began)) s"
}

environment() {
  local lock="$1" python="$ROOT/.venv/bin/python" stamp="$ROOT/.venv/.made-from.$1" wanted found
  if [ -x "$python" ] && [ -f "$stamp" ]; then
    wanted="$(fingerprint "$python" "$lock" 2>/dev/null || true)"
    [ -n "$wanted" ] && [ "$wanted" = "$(cat "$stamp")" ] && return
  fi
  if ! "$python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    found="$(find_python)"
    rm -rf "$ROOT/.venv"
    "$found" -m venv "$ROOT/.venv" >/dev/null 2>&1 || die \
      "$found cannot make a virtual environment." "Debian, Ubuntu: apt install python3-venv"
  fi
  wanted="$(fingerprint "$python" "$lock")"
  say "Setting up Python packages in .venv: once, a minute or two."
  quietly "Installing packages" "$python" -m pip install --quiet --require-hashes -r "$ROOT/$lock"
  quietly "Installing Lead Engine" \
    "$python" -m pip install --quiet --no-deps --no-build-isolation -e "$ROOT"
  (cd "$ROOT" && "$python" -m compileall -q policies storage agents serve cluster scripts >/dev/null) || true
  printf '%s\n' "$wanted" >"$stamp"
  # The lock for tests holds everything that the engine needs.
  if [ "$lock" = requirements-test.lock ]; then
    fingerprint "$python" requirements.lock >"$ROOT/.venv/.made-from.requirements.lock"
  fi
}

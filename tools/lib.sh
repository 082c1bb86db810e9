# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts that read this use the colours
# What the project's scripts share: messages, and installing what is missing.

if [[ -t 1 ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi

say() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }

fail() {
  printf '%s%s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

is_ubuntu() { grep -qs '^ID=ubuntu' /etc/os-release; }

# Cargo may be installed and not yet in the PATH of this shell.
need_rust() {
  [[ ! -d "$HOME/.cargo/bin" ]] || PATH="$HOME/.cargo/bin:$PATH"
  has cargo || fail 'Rust is missing. Install it from https://rustup.rs and run this again.'
}

# Runs a command as root, or says which command an administrator must run.
as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif has sudo && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    sudo -- "$@"
  else
    fail "This needs root and sudo is not usable here. Run as root: $*"
  fi
}

# Installs Debian packages. Only those are named that are missing, so nothing is done twice.
install_packages() {
  [[ $# -gt 0 ]] || return 0
  has apt-get || fail "These are missing, and there is no apt-get to install them: $*"
  say "Installing: $*"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
    >/dev/null
}

#!/bin/sh
# hamlet @VERSION@ for @TARGET@: a self-extracting program. What follows the last line is compressed.
# It is unpacked once, into HAMLET_CACHE, or hamlet in the system's directory for caches.
set -eu
hash=@HASH@
size=@SIZE@
runtime_at=@RUNTIME_AT@
runtime_size=@RUNTIME_SIZE@
runtime_bytes=@RUNTIME_BYTES@
program_at=@PROGRAM_AT@
program_size=@PROGRAM_SIZE@

# Whoever starts it may have no PATH at all; the program gets back the one that there was.
given_path=${PATH-}
PATH=/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/opt/homebrew/bin
export PATH
given_mask=$(umask)
umask 077

fail() {
  echo "hamlet: $*" >&2
  exit 1
}

case $0 in
  /*) self=$0 ;;
  */*) self=$(pwd)/$0 ;;
  *) self=$(PATH=$given_path command -v -- "$0") || self=$(pwd)/$0 ;;
esac
# A service's unit takes no path with dots in it.
case $self in */./*|*/../*) self=$(cd -- "${self%/*}" && pwd)/${self##*/} ;; esac
[ -r "$self" ] || fail "Cannot start: $self cannot be read"

# A directory that others can write to, or exchange, would let them run what they like as us.
check_own() {
  [ ! -L "$1" ] || fail "Cannot use $1: it is a symbolic link; name another directory with HAMLET_CACHE"
  [ -d "$1" ] || fail "Cannot use $1: it is no directory; name another one with HAMLET_CACHE"
  [ -O "$1" ] || fail "Cannot use $1: it belongs to somebody else; name another directory with HAMLET_CACHE"
  case $(ls -ld -- "$1") in
    d????w*|d???????w*) fail "Cannot use $1: others may write to it; run: chmod 700 $1" ;;
  esac
}

checksum() {
  if command -v sha256sum >/dev/null; then sha256sum
  elif command -v shasum >/dev/null; then shasum -a 256
  elif command -v openssl >/dev/null; then openssl dgst -sha256 -r
  else fail "Cannot check $self: none of sha256sum, shasum and openssl is there"
  fi
}

damaged() {
  fail "Cannot start: $self is damaged ($1); get it again"
}

check_file() {
  [ "$(wc -c < "$self")" -eq "$size" ] || damaged "it is not $size bytes long"
  sum=$({ head -c "$((runtime_at - 1))" "$self" | grep -v '^hash='; tail -c "+$runtime_at" "$self"; } | checksum)
  [ "${sum%% *}" = "$hash" ] || damaged "its checksum is another"
}

piece() {
  tail -c "+$1" "$self" | head -c "$2"
}

# Names and sizes in a directory of ours: what a power failure may have left without content is another.
listing() {
  (cd -- "$1" 2>/dev/null && TZ=UTC0 LC_ALL=C ls -lnd -- *)
}

unpack() {
  temporary=$(mktemp -d "$cache/new.XXXXXX") || fail "Cannot unpack into $cache: is the disk full?"
  trap 'rm -rf "$temporary"' EXIT
  trap 'exit 1' HUP INT TERM
  piece "$runtime_at" "$runtime_size" | gzip -dc > "$temporary/runtime" ||
    fail "Cannot unpack into $cache: is the disk full?"
  mkdir "$temporary/program"
  piece "$program_at" "$program_size" | gzip -dc | (cd "$temporary/program" && tar -xof -) ||
    fail "Cannot unpack into $cache: is the disk full?"
  chmod 700 "$temporary/runtime"
  env -i "$temporary/runtime" --version >/dev/null 2>&1 ||
    fail "Cannot run on this machine ($(uname -sm)): $self is for @TARGET@, and $cache must allow programs"
  mkdir -p "$home"
  # Who unpacks at the same time moves the same contents to the same place.
  mv -f "$temporary/runtime" "$home/runtime"
  whole=$(listing "$temporary/program")
  if [ "$(listing "$home/program")" != "$whole" ]; then
    [ ! -e "$home/program" ] || mv "$home/program" "$temporary/damaged" 2>/dev/null || :
    mv "$temporary/program" "$home/program" 2>/dev/null || [ -e "$home/program/main.js" ] ||
      fail "Cannot unpack into $home"
  fi
  printf '%s\n' "$whole" > "$temporary/checked"
  mv -f "$temporary/checked" "$home/checked"
  rm -rf "$temporary" "$home/program/program"
  trap - EXIT HUP INT TERM
}

cache=${HAMLET_CACHE-}
if [ -z "$cache" ]; then
  # With sudo, HOME may be the home of whoever called it.
  if [ "$(id -u)" -eq 0 ]; then kind=root; else kind=$(uname); fi
  case $kind in
    root) if [ -n "${XDG_CACHE_HOME-}" ]; then cache=$XDG_CACHE_HOME/hamlet; else cache=/var/cache/hamlet-root; fi ;;
    Darwin) [ -z "${HOME-}" ] || cache=$HOME/Library/Caches/hamlet ;;
    *) [ -z "${XDG_CACHE_HOME-}${HOME-}" ] || cache=${XDG_CACHE_HOME:-${HOME-}/.cache}/hamlet ;;
  esac
fi
case $cache in
  /*) ;;
  '') fail "Cannot start: neither HOME nor HAMLET_CACHE is set" ;;
  *) cache=$(pwd)/$cache ;;
esac
[ -e "$cache" ] || [ -L "$cache" ] || mkdir -p "$cache" || fail "Cannot make $cache; name another directory with HAMLET_CACHE"
check_own "$cache"
home=$cache/@VERSION@-$hash
if [ -e "$home" ] || [ -L "$home" ]; then check_own "$home"; fi

is_unpacked() {
  [ -e "$home/checked" ] && [ -x "$home/runtime" ] &&
    [ "$(wc -c < "$home/runtime")" -eq "$runtime_bytes" ] &&
    [ "$(listing "$home/program")" = "$(cat "$home/checked")" ]
}

# Newer than the last look at it: the file may be another, or damaged.
if ! is_unpacked; then
  check_file
  unpack
elif [ -n "$(find "$self" -newer "$home/checked")" ]; then
  check_file
  touch "$home/checked"
fi

# The runtime heeds nothing of its surroundings but what is meant for it here.
for name in $(env | sed -n 's/^\(DENO_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done
DENO_DIR=$home/runtime-cache
DENO_NO_UPDATE_CHECK=1
HAMLET_EXECUTABLE=$self
export DENO_DIR DENO_NO_UPDATE_CHECK HAMLET_EXECUTABLE
PATH=$given_path
umask "$given_mask"
exec "$home/runtime" @ARGUMENTS@ "$home/program/main.js" "$@"
exit 1

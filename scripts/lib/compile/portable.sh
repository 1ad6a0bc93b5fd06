# hamlet @VERSION@ for @SYSTEM@: this text, then a compressed archive of the runtime and of the program.
# The second line is the SHA-256 of all that follows it.

fail() {
  printf 'hamlet: %s\n' "$1" >&2
  exit 1
}

damaged() { fail "Cannot start: $0 is damaged ($1); get it again"; }

# The cache directory, in the order in which its places are looked at.
find_cache() {
  cache=${HAMLET_CACHE-}
  case $cache in
    /* | '') ;;
    *) cache=$PWD/$cache ;;
  esac
  [ -n "$cache" ] && return
  case ${XDG_CACHE_HOME-} in /*) cache=$XDG_CACHE_HOME/hamlet && return ;; esac
  home=${HOME-}
  if [ -z "$home" ]; then
    name=$(id -un)
    case $name in '' | *[!A-Za-z0-9._-]*) ;; *) eval "home=~$name" ;; esac
  fi
  case $home in
    /*) cache=$home/@CACHE@ ;;
    *) fail 'Cannot find a cache directory: name one with HAMLET_CACHE' ;;
  esac
}

# Others could put programs of theirs into a directory that is not ours alone.
check_cache() {
  [ -L "$cache" ] && fail "Cannot use $cache: it is a link; name another directory with HAMLET_CACHE"
  [ -d "$cache" ] || fail "Cannot use $cache: it is no directory; name one with HAMLET_CACHE"
  [ -O "$cache" ] || fail "Cannot use $cache: it belongs to somebody else; name another directory with HAMLET_CACHE"
  set -- $(LC_ALL=C ls -lnd "$cache")
  case $1 in
    d????-??-*) ;;
    *) fail "Cannot use $cache: others may write to it; chmod 700 it once you have looked inside" ;;
  esac
}

# Whether directory $1 is ours alone and holds what was packed: every file with its size, and nothing else.
is_whole() {
  [ -O "$1" ] || return 1
  set -- $(cd "$1" && LC_ALL=C ls -lnd . * 2>/dev/null)
  owner=${3-} count=0
  while [ $# -ge 9 ]; do
    [ "$3" = "$owner" ] || return 1
    case $1:$9 in
      drwx------*:.) ;;
      -rwx------*:hamlet | -rw-------*:*.js)
        case $files in *" $5:$9 "*) ;; *) return 1 ;; esac
        count=$((count + 1))
        ;;
      *) return 1 ;;
    esac
    shift 9
  done
  [ $# -eq 0 ] && [ "$count" -eq "$file_count" ]
}

check_size() {
  set -- $(LC_ALL=C ls -lnL "$0" 2>/dev/null)
  [ "${5-}" = "$bytes" ] || damaged "${5:-no} bytes instead of $bytes"
}

# Prints the SHA-256 of standard input by whatever tool there is; nothing without one.
digest() {
  if command -v sha256sum >/dev/null; then sha256sum
  elif command -v shasum >/dev/null; then shasum -a 256
  elif command -v openssl >/dev/null; then openssl dgst -sha256 -r
  fi | sed -n 's/^\([0-9a-f]\{64\}\).*/\1/p'
}

check_content() {
  found=$(tail -c +80 "$0" | digest)
  if [ -z "$found" ]; then
    # The archive's own checksum is better than none.
    tail -c +"$archive" "$0" | gzip -t 2>/dev/null || damaged 'its archive does not open'
  elif [ "$found" != "$sum" ]; then damaged 'its SHA-256 is not that of its content'
  fi
  # A file that is altered later is newer than this mark; where the clock was wrong, the mark is as old as the file.
  touch "$mark" 2>/dev/null
  if [ "$0" -nt "$mark" ]; then touch -r "$0" "$mark" 2>/dev/null; fi
}

# Removes what ended starts have left, and versions that do not run any more.
tidy() {
  case $system in
    Linux*) running=$(ls -l /proc/[0-9]*/exe 2>/dev/null) ;;
    *) running=$(ps -axww -o args) || return 0 ;;
  esac
  for old in "$cache"/????????????????; do
    case $running in *"/${old##*/}/hamlet"*) continue ;; esac
    [ "$old" = "$dir" ] || rm -rf "$old" "$old.checked"
  done
  for old in "$cache"/.unpack-* "$cache"/.broken-*; do
    kill -0 "${old##*-}" 2>/dev/null || rm -rf "$old"
  done
}

unpack() (
  umask 077
  [ "$(uname -sm)" = "$system" ] || fail "Cannot start: this file is for $system, and this machine is $(uname -sm)"
  mkdir -p "$cache" 2>/dev/null
  check_cache
  check_content
  temp=$cache/.unpack-$$
  rm -rf "$temp"
  trap 'rm -rf "$temp"' EXIT
  trap 'exit 1' HUP INT TERM
  mkdir "$temp" 2>/dev/null || fail "Cannot write to $cache: name another directory with HAMLET_CACHE"
  tail -c +"$archive" "$0" | gzip -dc | (cd "$temp" && tar -xof -) 2>/dev/null
  is_whole "$temp" || fail "Cannot unpack into $cache: it takes @ROOM_MB@ MB and a file system with owners; HAMLET_CACHE names another place"
  "$temp/hamlet" --version >/dev/null 2>&1 ||
    fail "Cannot run $temp/hamlet: it takes @NEEDS@ and a file system that allows programs; HAMLET_CACHE names another place"
  # Who was faster has put the same there.
  if ! is_whole "$dir"; then
    if [ -e "$dir" ]; then mv "$dir" "$cache/.broken-$$" && rm -rf "$cache/.broken-$$"; fi
    mv "$temp" "$dir" 2>/dev/null
    # A directory that has come in between was moved into.
    rm -rf "$dir/.unpack-$$"
  fi
  is_whole "$dir" || fail "Cannot unpack into $cache: $dir is not what was put there"
  tidy
)

# Nobody's settings for the runtime concern this program.
forget_settings() {
  case $(export -p) in
    *DENO_* | *NODE_*)
      unset $(env | sed -n 's/^\(DENO_[A-Z0-9_]*\)=.*/\1/p') NODE_OPTIONS NODE_EXTRA_CA_CERTS
      ;;
  esac
}

prepare() {
  unset IFS CDPATH
  find_cache
  case $cache in *'
'*) fail 'Cannot use a cache directory with a line feed in its name' ;; esac
  check_size
  dir=$cache/$id mark=$cache/$id.checked
  if [ -d "$dir" ]; then
    check_cache
    if [ ! -e "$mark" ] || [ "$0" -nt "$mark" ]; then check_content; fi
  fi
  is_whole "$dir" || unpack || exit 1
  forget_settings
}

user_path=${PATH-} has_path=${PATH+yes}
PATH=/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin${PATH:+:$PATH}
export PATH
prepare
case $0 in /*) HAMLET_EXECUTABLE=$0 ;; *) HAMLET_EXECUTABLE=$PWD/$0 ;; esac
DENO_DIR=$cache/deno DENO_NO_UPDATE_CHECK=1
export HAMLET_EXECUTABLE DENO_DIR DENO_NO_UPDATE_CHECK
if [ "$has_path" ]; then PATH=$user_path; else unset PATH; fi
exec "$dir/hamlet" run @FLAGS@ "$dir/main.js" "$@"

# shellcheck shell=bash
# The command line of the scripts beside this folder, and how they call az or show that they would. A script says what there is in `options`, by
# option the variable that it sets ("name" or, for one that may be given again, "name[]"); `dry_run`
# is set by --dry-run, and `usage` prints what --help does.

program=${0##*/}

# quit STATUS TEXT...
quit() {
  local status=$1
  shift
  printf '%s: %s\n' "$program" "$*" >&2
  exit "$status"
}

misused() { quit 2 "$* (see --help)"; }

declare -A options=()
dry_run=no

# read_options ARGUMENTS...: sets the variables of the options that are given.
read_options() {
  local option variable
  while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
      --help | -h)
        usage
        exit 0
        ;;
      --dry-run)
        # shellcheck disable=SC2034
        dry_run=yes
        continue
        ;;
      --*) ;;
      *) misused "\"$option\" is not an option" ;;
    esac
    variable=${options[$option]:-}
    [ -n "$variable" ] || misused "there is no option $option"
    [ $# -gt 0 ] || misused "$option needs a value"
    if [[ $variable == *'[]' ]]; then
      local -n list=${variable%'[]'}
      list+=("$1")
      unset -n list
    else
      printf -v "$variable" '%s' "$1"
    fi
    shift
  done
}

exec 3>&1 # where --dry-run shows calls, also of functions whose output is read

show_call() {
  {
    printf 'az'
    printf ' %q' "$@"
    printf '\n'
  } >&3
}

# Changes something. What az answers is not shown: it may hold more than a terminal should.
change() {
  if [ "$dry_run" = yes ]; then
    show_call "$@" --output none
  else
    az "$@" --output none --only-show-errors
  fi
}

# check OPTION VALUE PATTERN: what a value may hold, since it goes into URLs, JSON and calls.
check() {
  local option=$1 text=$2 pattern=$3
  [ -n "$text" ] || misused "$option is needed"
  [[ $text =~ ^$pattern$ ]] || misused "$option: \"$text\" does not match $pattern"
}

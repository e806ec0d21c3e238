# shellcheck shell=bash
# The command line of the scripts beside this folder, and how they call az or show that they would. A
# script says what there is in `options`, by option the variable that it sets ("name" or, for one that
# may be given again, "name[]"), and in `numbers`, `choices` and `texts` what each may hold: in one of
# them, since values go into URLs, JSON and calls. `dry_run` is set by --dry-run, and `usage` prints
# what --help does.

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
declare -A numbers=() # "LEAST MOST [STEP]": whole numbers
declare -A choices=() # "WORD WORD...": one of them
# "LEAST MOST PATTERN WORDS...": so many characters of this pattern, and how to say what it allows.
declare -A texts=(
  [--resource-group]='1 90 [A-Za-z0-9_().-]* letters, digits and _().-'
  [--location]='3 40 [a-z0-9]* a-z and 0-9'
  [--account]='3 44 [a-z0-9](-?[a-z0-9])* a-z, 0-9 and single - inside'
  [--vault]='3 24 [A-Za-z](-?[A-Za-z0-9])* letters, digits and single - inside, a letter first'
  [--secret]='1 127 [A-Za-z0-9-]* letters, digits and -'
)
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
    # An empty one is a variable of the caller's that is not set, the next option one that was forgotten.
    [[ ${1:-} && $1 != --* ]] || misused "$option needs a value"
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

# have_work_folder: makes `work`, a folder that only we can read and that goes with us. Each script has an
# `at_exit STATUS` that says what is to be said then.
have_work_folder() {
  umask 077
  work=$(mktemp -d)
  trap 'status=$?; rm -rf "$work"; at_exit "$status"' EXIT
  trap 'exit 130' INT TERM
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

# check_options NEEDED...: that the options of these names are given, and that all that are hold what
# they may. Nothing was changed by then.
check_options() {
  local option
  for option in "$@"; do
    local -n value=${options[$option]}
    [ -n "$value" ] || misused "$option is needed"
    unset -n value
  done
  for option in "${!options[@]}"; do
    local -n values=${options[$option]%'[]'}
    local one
    for one in "${values[@]}"; do
      [ -z "$one" ] || check "$option" "$one"
    done
    unset -n values
  done
}

# check OPTION VALUE
check() {
  local option=$1 text=$2 expected
  if [ -n "${numbers[$option]:-}" ]; then
    local least most step
    read -r least most step <<< "${numbers[$option]}"
    expected="a whole number from $least to $most${step:+ in steps of $step}"
    # Not so long that bash could not count it, and no zero before it, which JSON has not.
    if [[ $text =~ ^(0|[1-9][0-9]{0,8})$ ]] && [ "$text" -ge "$least" ] && [ "$text" -le "$most" ] &&
      [ $((text % ${step:-1})) -eq 0 ]; then
      return
    fi
  elif [ -n "${choices[$option]:-}" ]; then
    expected="one of ${choices[$option]// /, }"
    [[ " ${choices[$option]} " != *" $text "* || $text == *' '* ]] || return 0
  else
    local shortest longest pattern words
    read -r shortest longest pattern words <<< "${texts[$option]}"
    expected="$shortest to $longest of $words"
    if [ ${#text} -ge "$shortest" ] && [ ${#text} -le "$longest" ] && [[ $text =~ ^$pattern$ ]]; then
      return
    fi
  fi
  misused "$option: expected $expected, found \"$text\""
}

# shellcheck shell=bash
# How setup.sh calls az: each resource is made where it does not stand, and what it is made of is on no
# command line. Wants lib/options.sh before it.

step='start'
at_exit() {
  if [ "$1" -ne 0 ]; then
    printf '%s: failed at: %s. Mend the cause and run it again: what stands is left alone.\n' \
      "$program" "$step" >&2
  fi
}
have_work_folder

begin() {
  step=$1
  [ "$dry_run" = yes ] || printf '%s\n' "$step"
}

# ask PLACEHOLDER ARGUMENTS...: what az prints; with --dry-run the placeholder.
ask() {
  local placeholder=$1
  shift
  if [ "$dry_run" = yes ]; then
    show_call "$@"
    printf '%s\n' "$placeholder"
  else
    az "$@" --only-show-errors
  fi
}

# state ID API-VERSION: "absent", or the provisioning state of that resource. az answers 3 for what
# is not there; anything else (no network, no permission) must not be taken for that.
state() {
  local id=$1 api_version=$2 answer status=0
  local call=(resource show --ids "$id" --api-version "$api_version"
    --query properties.provisioningState --output tsv)
  if [ "$dry_run" = yes ]; then
    show_call "${call[@]}"
    printf 'absent\n'
    return
  fi
  answer=$(az "${call[@]}" --only-show-errors 2> "$work/stderr") || status=$?
  case $status in
    0) printf '%s\n' "${answer:-Succeeded}" ;;
    3) printf 'absent\n' ;;
    *)
      cat "$work/stderr" >&2
      return 1
      ;;
  esac
}

# stands ID API-VERSION: whether it does, whole. What failed half-way is made again.
stands() {
  local now
  now=$(state "$1" "$2") || exit 1
  case $now in
    absent) return 1 ;;
    Succeeded) return 0 ;;
    Failed | Canceled)
      printf '  is in the state %s: made again\n' "$now"
      return 1
      ;;
    *) quit 1 "$1 is in the state \"$now\": wait until it is done with that" ;;
  esac
}

# put FILE ID API-VERSION: makes a resource of the JSON in the file. Its text is on no command line.
put() {
  change resource create --id "$2" --api-version "$3" --is-full-object --properties "@$1"
}

# put_part FILE ID API-VERSION: the same for a part of a resource, which has no location. (`az resource
# create` wants one of everything.)
put_part() {
  change rest --method put --url "$2?api-version=$3" --body "@$1"
}

# principal_of ID API-VERSION: the object id of a resource's own identity.
principal_of() {
  local principal
  principal=$(ask 00000000-0000-0000-0000-000000000000 resource show --ids "$1" \
    --api-version "$2" --query identity.principalId --output tsv)
  [[ $principal =~ ^[0-9a-fA-F-]{36}$ ]] || quit 1 "${1##*/} has no system-assigned identity"
  printf '%s\n' "$principal"
}

# grant PRINCIPAL ROLE-ID SCOPE API-VERSION. (Debian 12's az fails in `az role assignment`.) The
# assignment's name is the same each time. Who is given it waits for it; it may take some minutes.
grant() {
  local principal=$1 role=$2 scope=$3 api_version=$4 granted name subscription
  local assignments="$scope/providers/Microsoft.Authorization/roleAssignments"
  granted=$(ask '' rest --method get --output tsv \
    --url "$assignments?api-version=$api_version&\$filter=principalId%20eq%20'$principal'" \
    --query "value[?ends_with(properties.roleDefinitionId, '$role')].id")
  [ -z "$granted" ] || return 0
  name=$(printf '%s' "$scope $principal $role" | sha256sum)
  name="${name:0:8}-${name:8:4}-5${name:13:3}-8${name:17:3}-${name:20:12}"
  subscription=${scope#/subscriptions/}
  subscription=${subscription%%/*}
  cat > "$work/role.json" << END
{
  "properties": {
    "roleDefinitionId": "/subscriptions/$subscription/providers/Microsoft.Authorization/roleDefinitions/$role",
    "principalId": "$principal",
    "principalType": "ServicePrincipal"
  }
}
END
  put_part "$work/role.json" "$assignments/$name" "$api_version"
}

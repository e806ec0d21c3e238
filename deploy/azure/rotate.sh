#!/usr/bin/env bash
# Rotates the key of Cosmos DB that is in Gesso's connection string, with no failed request: an
# account has two keys, and only the one that the secret does not hold is ever regenerated.
set -euo pipefail

# shellcheck source=lib/options.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/options.sh"

usage() {
  cat << END
Usage: $program --resource-group NAME --account NAME --vault NAME [options]

  --secret NAME        (mongodb-connection-string)
  --order key-first    regenerate the key that is not in use, then store it (the usual; the key
                       that was in use stays valid until the next time)
  --order secret-first store the other key as it is, wait until it is in use everywhere, then
                       regenerate the one that was (when a key has leaked: it ends soonest so)
  --store KEY          only store this key's connection string, "primary" or "secondary"; nothing
                       is regenerated (when somebody regenerated the key in use)
  --settle SECONDS     how long until every process has read the secret anew (900: three times
                       the time between two reads)
  --timeout SECONDS    how long a regeneration may take (14400: it may be hours on large accounts)
  --check COMMAND      run by bash until it exits with 0, once the secret is stored and before
                       anything else is regenerated; \$GESSO_SECRET_VERSION is the new version:
                       --check 'curl -fsS https://APP/readyz | grep "\$GESSO_SECRET_VERSION"'
  --dry-run            print the az calls, and make none
  --help

Exit codes: 0 done; 1 a call failed: run it again; 2 the command line; 3 the secret holds neither
of the account's keys; 4 refused, since a process may still use the key; 5 it took too long.
Keys and strings stay in memory and in a folder that only you can read; they are never shown.
END
}

say() { printf '%s\n' "$*"; }

resource_group='' account='' vault='' secret=mongodb-connection-string
order=key-first store='' settle=900 timeout=14400 check_command=''

# shellcheck disable=SC2034
options=(
  [--resource-group]=resource_group [--account]=account [--vault]=vault [--secret]=secret
  [--order]=order [--store]=store [--settle]=settle [--timeout]=timeout [--check]=check_command
)
numbers=([--settle]='0 999999' [--timeout]='0 999999')
choices=([--order]='key-first secret-first' [--store]='primary secondary')
texts+=([--check]='1 100000 .* a command')
read_options "$@"
check_options --resource-group --account --vault

after='nothing was changed: mend the cause and run it again'
at_exit() { [ "$1" -ne 1 ] || printf '%s: stopped; %s.\n' "$program" "$after" >&2; }
have_work_folder

# --- az ----------------------------------------------------------------------------------------

api=2023-07-01
vault_url='' secret_id=''

run_az() { az "$@" --only-show-errors; }

call_subscription=(account show --query id --output tsv)
call_vault_url=(keyvault show --name "$vault" --resource-group "$resource_group"
  --query properties.vaultUri --output tsv)
call_keys=(cosmosdb keys list --name "$account" --resource-group "$resource_group" --type keys
  --query '[primaryMasterKey,secondaryMasterKey]' --output tsv)

# `az keyvault secret show` would do, but for Debian 12's az, which cannot load that command.
call_secret() {
  local url=$1
  call=(rest --method get --url "$url/secrets/$secret?api-version=7.4"
    --resource "https://${url#https://*.}" --query '[value,attributes.created]' --output tsv)
}
call_string() {
  local name=${1^}
  call=(cosmosdb keys list --name "$account" --resource-group "$resource_group"
    --type connection-strings --query
    "connectionStrings[?description=='$name MongoDB Connection String'].connectionString"
    --output tsv)
}
call_store() {
  call=(rest --method put --url "$secret_id?api-version=$api" --body "@$work/secret.json"
    --query properties.secretUriWithVersion --output tsv)
}
call_regenerate() {
  call=(cosmosdb keys regenerate --name "$account" --resource-group "$resource_group"
    --key-kind "$1" --output none)
}

if [ "$dry_run" = yes ]; then
  subscription=00000000-0000-0000-0000-000000000000
  secret_id="/subscriptions/$subscription/resourceGroups/$resource_group/providers"
  secret_id+="/Microsoft.KeyVault/vaults/$vault/secrets/$secret"
  show_call "${call_subscription[@]}"
  show_call "${call_vault_url[@]}"
  say '# Which key is in use:'
  call_secret "https://$vault.vault.azure.net"
  show_call "${call[@]}"
  show_call "${call_keys[@]}"
  regenerated=secondary stored=${store:-secondary}
  [ "$order" = key-first ] || regenerated=primary
  if [ -z "$store" ] && [ "$order" = key-first ]; then
    say '# Supposing that it is the primary one:'
    call_regenerate "$regenerated"
    show_call "${call[@]}"
    show_call "${call_keys[@]}"
  fi
  call_string "$stored"
  show_call "${call[@]}"
  call_store
  show_call "${call[@]}"
  if [ -z "$store" ] && [ "$order" = secret-first ]; then
    say "# After $settle s, supposing that the primary key was in use:"
    call_regenerate "$regenerated"
    show_call "${call[@]}"
  fi
  exit 0
fi

# --- Keys, which are compared by their hashes --------------------------------------------------

hash() { printf '%s' "$1" | sha256sum | cut -c 1-64; }

# The password of mongodb://USER:PASSWORD@..., its percent signs decoded.
password_of() {
  local text=${1#*://}
  text=${text%%@*}
  text=${text#*:}
  printf '%b' "${text//%/\\x}"
}

primary='' secondary='' held='' created=''

read_keys() {
  run_az "${call_keys[@]}" > "$work/keys"
  local keys
  mapfile -t keys < <(tr '\t' '\n' < "$work/keys")
  rm -f "$work/keys"
  [ "${#keys[@]}" -eq 2 ] || quit 1 "$account gave ${#keys[@]} keys, not two"
  primary=$(hash "${keys[0]}")
  secondary=$(hash "${keys[1]}")
}

read_secret() {
  call_secret "$vault_url"
  run_az "${call[@]}" > "$work/held" || quit 1 "the secret $secret cannot be read: whoever rotates \
needs the role \"Key Vault Secrets User\" on it, besides Contributor on the account and the vault"
  local fields
  mapfile -t fields < <(tr '\t' '\n' < "$work/held")
  rm -f "$work/held"
  held=$(hash "$(password_of "${fields[0]:-}")")
  created=${fields[1]:-0}
}

# Sets in_use to the key that the secret holds: "primary", "secondary" or "neither".
in_use=neither
look() {
  read_secret
  read_keys
  in_use=neither
  [ "$held" != "$primary" ] || in_use=primary
  [ "$held" != "$secondary" ] || in_use=secondary
}

other() { if [ "$1" = primary ]; then echo secondary; else echo primary; fi; }
hash_of() { if [ "$1" = primary ]; then echo "$primary"; else echo "$secondary"; fi; }

# --- What is done ------------------------------------------------------------------------------

# regenerate KEY: looks again first, so that nothing that happened meanwhile is overlooked.
regenerate() {
  local key=$1 before now
  look
  [ "$in_use" != "$key" ] || quit 4 "refused: the secret $secret holds the $key key, \
which is thus in use"
  [ "$in_use" != neither ] || quit 3 "refused: the secret $secret holds neither key of $account"
  before=$(hash_of "$key")
  say "Regenerating the $key key, which takes a minute, or hours on a large account."
  call_regenerate "$key"
  after="the $key key may be regenerated already, and the secret does not hold it: run it again"
  run_az "${call[@]}"
  now=$SECONDS
  while read_keys && [ "$(hash_of "$key")" = "$before" ]; do
    [ $((SECONDS - now)) -lt "$timeout" ] || quit 5 "the $key key is the same after $timeout s: \
nothing else was changed; run this again later"
    sleep 30
  done
}

# put KEY: stores its connection string as a new version of the secret.
put() {
  local key=$1 string uri
  call_string "$key"
  string=$(run_az "${call[@]}")
  [[ $string =~ ^mongodb://[^[:space:]\"\\]+$ ]] || quit 1 "$account gave no $key connection string"
  [ "$(hash "$(password_of "$string")")" = "$(hash_of "$key")" ] ||
    quit 1 "the $key connection string does not hold the $key key: run this again"
  printf '{"properties":{"value":"%s","attributes":{"enabled":true}}}' "$string" \
    > "$work/secret.json"
  string=''
  call_store
  uri=$(run_az "${call[@]}")
  rm -f "$work/secret.json"
  export GESSO_SECRET_VERSION=${uri##*/}
  after="the secret holds the $key key, and both keys are valid"
  say "Stored the $key connection string as version $GESSO_SECRET_VERSION of $secret."
}

# Waits until every process has the new version: the check says so, or the time is up.
wait_for_use() {
  if [ -n "$check_command" ]; then
    say "Waiting until the check succeeds, $settle s at most."
    local begun=$SECONDS
    until bash -c "$check_command" > "$work/check" 2>&1; do
      if [ $((SECONDS - begun)) -ge "$settle" ]; then
        cat "$work/check" >&2
        quit 5 "the check still fails. Both keys are valid: look with gesso doctor, then run again"
      fi
      sleep 5
    done
  fi
}

subscription=$(run_az "${call_subscription[@]}")
secret_id="/subscriptions/$subscription/resourceGroups/$resource_group/providers"
secret_id+="/Microsoft.KeyVault/vaults/$vault/secrets/$secret"
vault_url=$(run_az "${call_vault_url[@]}")
vault_url=${vault_url%/}
[[ $vault_url =~ ^https://[A-Za-z0-9.-]+$ ]] || quit 1 "$vault gave no address"

look
if [ -n "$store" ]; then
  put "$store"
  wait_for_use
  say 'Nothing was regenerated.'
  exit 0
fi
[ "$in_use" != neither ] || quit 3 "the secret $secret holds neither key of $account. Was a key \
regenerated before it was stored? Then: $program ... --store primary (or secondary)"
was=$in_use
say "The secret $secret holds the $was key of $account."

if [ "$order" = key-first ]; then
  # Those who have not read the newest version yet use the key that is to be regenerated.
  now=$(date +%s)
  [[ $created =~ ^[0-9]+$ ]] || quit 1 "the vault gave no time for the secret: \"$created\""
  age=$((now - created))
  if [ "$age" -lt "$settle" ]; then
    quit 4 "refused: the secret is $age s old, and a process that has not read it since may use \
the $(other "$was") key; wait until it is $settle s old (--settle)"
  fi
  regenerate "$(other "$was")"
  put "$(other "$was")"
  wait_for_use
  say "Done. The $was key stays valid until the next rotation; every process has left it once" \
    "$settle s have passed."
else
  put "$(other "$was")"
  wait_for_use
  say "Waiting $settle s, until every process has read it."
  sleep "$settle"
  regenerate "$was"
  say "Done. The $was key that was in use before is worth nothing any more."
fi

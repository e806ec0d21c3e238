#!/usr/bin/env bash
# Lets the managed identity of an app into an Azure DocumentDB cluster (Cosmos DB for MongoDB vCore),
# where no password exists at all: tokens of Microsoft Entra ID log in. Safe to run again.
set -euo pipefail

# shellcheck source=lib/options.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/options.sh"

usage() {
  cat << END
Usage: $program --resource-group NAME --cluster NAME --location REGION --principal OBJECT-ID

  --resource-group NAME   of the cluster
  --cluster NAME          that stands, above the free tier
  --location REGION       of the cluster, as in "westeurope"
  --principal OBJECT-ID   of the identity, not its client id:
                          az identity show --name ... --query principalId
  --client-id ID          of a user-assigned identity, for the connection string that is printed
  --keep-passwords no     switches log-in by password off, once all use tokens (yes)
  --dry-run               print the az calls, and make none
  --help

az must be logged in, with the role Contributor on the cluster. The identity becomes an administrator
of the cluster's data: roles for single databases are not to be had (2026).
END
}

resource_group='' cluster='' location='' principal='' client_id='' keep_passwords=yes
# shellcheck disable=SC2034
options=(
  [--resource-group]=resource_group [--cluster]=cluster [--location]=location
  [--principal]=principal [--client-id]=client_id [--keep-passwords]=keep_passwords
)
choices=([--keep-passwords]='yes no')
uuid='36 36 [0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12} an id like 11111111-2222-3333-4444-555555555555'
texts+=(
  [--cluster]='3 40 [a-z0-9](-?[a-z0-9])* a-z, 0-9 and single - inside'
  [--principal]="$uuid" [--client-id]="$uuid"
)
read_options "$@"
check_options --resource-group --cluster --location --principal

api=2025-09-01
type=Microsoft.DocumentDB/mongoClusters
if [ "$keep_passwords" = yes ]; then
  modes='["NativeAuth","MicrosoftEntraID"]'
else
  modes='["MicrosoftEntraID"]'
fi

# The user first, and passwords off last, so that nobody is locked out half-way.
[ "$keep_passwords" = no ] ||
  change resource update --resource-group "$resource_group" --name "$cluster" \
    --resource-type "$type" --api-version "$api" --set "properties.authConfig.allowedModes=$modes"
change resource create --resource-group "$resource_group" --name "$cluster/users/$principal" \
  --resource-type "$type/users" --api-version "$api" --location "$location" \
  --properties '{"identityProvider":{"type":"MicrosoftEntraID","properties":{"principalType":"ManagedIdentity"}},"roles":[{"db":"admin","role":"root"}]}'
[ "$keep_passwords" = yes ] ||
  change resource update --resource-group "$resource_group" --name "$cluster" \
    --resource-type "$type" --api-version "$api" --set "properties.authConfig.allowedModes=$modes"

[ "$dry_run" = yes ] || cat << END
Done. The connection string holds no secret:
GESSO_MONGODB_URI='mongodb+srv://${client_id:+$client_id@}$cluster.global.mongocluster.cosmos.azure.com/?tls=true&authMechanism=MONGODB-OIDC&retrywrites=false&maxIdleTimeMS=120000&authMechanismProperties=ENVIRONMENT:azure,TOKEN_RESOURCE:https://ossrdbms-aad.database.windows.net'
END

#!/usr/bin/env bash
# Sets Gesso up on Azure: Cosmos DB for MongoDB, a Key Vault with the connection string, a storage
# account for images, and two Container Apps, one that serves and one that paints, whose own identities
# may read that one secret and use that one container. There is no password in any setting.
# Safe to run again: what stands is left alone, and what is missing is made.
set -euo pipefail

# shellcheck source=lib/options.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/options.sh"

usage() {
  cat << END
Usage: $program --resource-group NAME --location REGION --account NAME --vault NAME --storage NAME \\
       --image IMAGE

Needed:
  --resource-group NAME   made where it does not stand
  --location REGION       as in "westeurope"
  --account NAME          of Cosmos DB; unique in all of Azure: 3 to 44 of a-z, 0-9 and -
  --vault NAME            of the Key Vault; unique too: 3 to 24 letters, digits and -
  --storage NAME          of the storage account for images; unique as well: 3 to 24 of a-z and 0-9
  --image IMAGE           a container image that has gesso on its path

Otherwise:
  --app NAME              of the Container App that serves (gesso)
  --worker NAME           of the one that paints (the app's name and -work)
  --environment NAME      of its environment (the app's name and -env)
  --workspace NAME        of the Log Analytics workspace (the app's name and -logs)
  --database NAME         (imagegenerator)
  --secret NAME           (mongodb-connection-string)
  --container NAME        of the images, in the storage account (images)
  --server-version V      of a new account (4.2, the newest that az 2.45 takes; a newer az: up to 7.0)
  --max-throughput RU     that each collection scales to by itself, from a tenth of it (1000); in
                          steps of 1000
  --capability NAME       of the account, switched on where it is not; may be given again (none).
                          docs/AZURE_RBAC_SETUP.md says what each is for; some cannot be undone
  --backup KIND           of a new account: periodic or continuous (periodic)
  --max-replicas N        of the app (10); 1 to 1000
  --max-workers N         replicas of the worker (10); 1 to 1000
  --dry-run               print the az calls of a first set-up, and make none
  --help

The account (but for capabilities), the collections, the secret, the images' account, the alerts and
the apps are not changed once they stand. az must be logged in; whoever runs this needs the roles Contributor and User Access Administrator (or Owner)
on the resource group, or on the subscription where the group is to be made.
END
}

resource_group='' location='' account='' vault='' storage='' image=''
app=gesso worker='' environment='' workspace='' container=images database=imagegenerator secret=mongodb-connection-string
server_version=4.2 max_throughput=1000 backup=periodic max_replicas=10 max_workers=10
capabilities=()

# shellcheck disable=SC2034
options=(
  [--resource-group]=resource_group [--location]=location [--account]=account [--vault]=vault
  [--storage]=storage [--image]=image [--app]=app [--worker]=worker [--environment]=environment
  [--workspace]=workspace [--database]=database [--secret]=secret [--container]=container
  [--server-version]=server_version [--max-throughput]=max_throughput [--capability]='capabilities[]'
  [--backup]=backup [--max-replicas]=max_replicas [--max-workers]=max_workers
)
numbers=(
  [--max-throughput]='1000 1000000 1000' [--max-replicas]='1 1000' [--max-workers]='1 1000'
)
choices=(
  [--server-version]='4.2 5.0 6.0 7.0'
  [--backup]='periodic continuous'
  [--capability]='DisableRateLimitingResponses EnableMongo16MBDocumentSupport EnableMongoRetryableWrites EnableMongoRoleBasedAccessControl EnablePartialUniqueIndex EnableTtlOnCustomPath EnableUniqueCompoundNestedDocs EnableUniqueIndexReIndex'
)
of_app='a-z, 0-9 and single - inside, a letter first'
texts+=(
  [--storage]='3 24 [a-z0-9]* a-z and 0-9'
  [--image]='1 255 [A-Za-z0-9][A-Za-z0-9./:@_-]* letters, digits and ./:@_-'
  [--app]="2 32 [a-z](-?[a-z0-9])* $of_app"
  [--worker]="2 32 [a-z](-?[a-z0-9])* $of_app"
  [--environment]="2 60 [a-z](-?[a-z0-9])* $of_app"
  [--workspace]='4 63 [A-Za-z0-9](-*[A-Za-z0-9])* letters, digits and - inside'
  [--database]='1 63 [A-Za-z0-9_-]* letters, digits, _ and -'
  [--container]='3 63 [a-z0-9](-?[a-z0-9])* a-z, 0-9 and single - inside'
)
read_options "$@"
check_options --resource-group --location --account --vault --storage --image
worker=${worker:-$app-work}
environment=${environment:-$app-env}
workspace=${workspace:-$app-logs}
check --worker "$worker"
check --environment "$environment"
check --workspace "$workspace"

# shellcheck source=lib/resources.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/resources.sh"

# --- The resources, each after what it needs ---------------------------------------------------

begin 'subscription'
subscription=$(ask 00000000-0000-0000-0000-000000000000 account show --query id --output tsv)
group_id="/subscriptions/$subscription/resourceGroups/$resource_group"
providers="$group_id/providers"
workspace_id="$providers/Microsoft.OperationalInsights/workspaces/$workspace"
account_id="$providers/Microsoft.DocumentDB/databaseAccounts/$account"
vault_id="$providers/Microsoft.KeyVault/vaults/$vault"
secret_id="$vault_id/secrets/$secret"
environment_id="$providers/Microsoft.App/managedEnvironments/$environment"
app_id="$providers/Microsoft.App/containerApps/$app"
worker_id="$providers/Microsoft.App/containerApps/$worker"
storage_id="$providers/Microsoft.Storage/storageAccounts/$storage"
container_id="$storage_id/blobServices/default/containers/$container"
workspace_api=2022-10-01
account_api=2024-08-15
vault_api=2023-07-01
app_api=2024-03-01
storage_api=2022-09-01
roles_api=2022-04-01
alerts_api=2018-03-01
diagnostics_api=2021-05-01-preview

begin 'resource providers'
registered=$(ask '' provider list --query "[?registrationState=='Registered'].namespace" --output tsv)
for namespace in Microsoft.App Microsoft.DocumentDB Microsoft.Insights Microsoft.KeyVault \
  Microsoft.OperationalInsights Microsoft.Storage; do
  grep -qix "$namespace" <<< "$registered" || change provider register --namespace "$namespace" --wait
done

begin "resource group $resource_group"
found=$(ask false group exists --name "$resource_group" --output tsv)
if [ "$found" != true ]; then
  change group create --name "$resource_group" --location "$location"
fi

begin "log workspace $workspace"
if ! stands "$workspace_id" "$workspace_api"; then
  change monitor log-analytics workspace create --resource-group "$resource_group" \
    --name "$workspace" --location "$location" --sku PerGB2018 --retention-time 30
fi

# diagnose ID CATEGORY...: sends these logs of a resource to the workspace, a table a category.
diagnose() {
  local id=$1 logs='' category
  shift
  if stands "$id/providers/Microsoft.Insights/diagnosticSettings/gesso" "$diagnostics_api"; then
    return
  fi
  for category in "$@"; do
    logs+="${logs:+,}{\"category\":\"$category\",\"enabled\":true}"
  done
  change monitor diagnostic-settings create --name gesso --resource "$id" \
    --workspace "$workspace_id" --export-to-resource-specific true --logs "[$logs]"
}

# No capability is switched on unasked; docs/AZURE_RBAC_SETUP.md says why for each.
begin "Cosmos DB account $account (takes some minutes where it is new)"
if ! stands "$account_id" "$account_api"; then
  if [ "$backup" = continuous ]; then
    backup_options=(--backup-policy-type Continuous)
  else
    backup_options=(--backup-policy-type Periodic --backup-interval 240 --backup-retention 24
      --backup-redundancy Geo)
  fi
  change cosmosdb create --name "$account" --resource-group "$resource_group" --kind MongoDB \
    --server-version "$server_version" --default-consistency-level Session \
    --locations "regionName=$location" failoverPriority=0 isZoneRedundant=False \
    "${backup_options[@]}"
fi

# The resource manager takes no capability of an account that stands, az does: with all that there are.
if [ ${#capabilities[@]} -gt 0 ]; then
  begin "capabilities of $account"
  switched_on=$(ask '' cosmosdb show --name "$account" --resource-group "$resource_group" \
    --query 'capabilities[].name' --output tsv)
  mapfile -t wanted < <(printf '%s\n' "$switched_on" "${capabilities[@]}" | sed '/^$/d' | sort -u)
  if [ "${wanted[*]}" != "$(sort -u <<< "$switched_on" | paste -sd ' ')" ]; then
    change cosmosdb update --name "$account" --resource-group "$resource_group" \
      --capabilities "${wanted[@]}"
  fi
fi

begin "logs of $account"
diagnose "$account_id" MongoRequests PartitionKeyRUConsumption PartitionKeyStatistics \
  ControlPlaneRequests

# alert NAME SEVERITY METRIC AGGREGATION THRESHOLD [ERROR-CODE]: over five minutes of the account.
# What each means is in docs/OPERATIONS.md. Who is told is set in the portal (an action group).
alert() {
  local name=$1 severity=$2 metric=$3 aggregation=$4 threshold=$5 error_code=${6:-} dimensions=''
  local id="$providers/Microsoft.Insights/metricAlerts/$name"
  begin "alert $name"
  if stands "$id" "$alerts_api"; then
    return
  fi
  [ -z "$error_code" ] ||
    dimensions="{\"name\": \"ErrorCode\", \"operator\": \"Include\", \"values\": [\"$error_code\"]}"
  cat > "$work/alert.json" << END
{
  "location": "global",
  "properties": {
    "severity": $severity,
    "enabled": true,
    "scopes": ["$account_id"],
    "evaluationFrequency": "PT1M",
    "windowSize": "PT5M",
    "criteria": {
      "odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
      "allOf": [{
        "criterionType": "StaticThresholdCriterion",
        "name": "$name",
        "metricNamespace": "Microsoft.DocumentDB/databaseAccounts",
        "metricName": "$metric",
        "operator": "GreaterThan",
        "threshold": $threshold,
        "timeAggregation": "$aggregation",
        "dimensions": [$dimensions]
      }]
    }
  }
}
END
  put "$work/alert.json" "$id" "$alerts_api"
}
alert gesso-throttled 2 MongoRequests Count 100 16500
alert gesso-request-units 3 NormalizedRUConsumption Maximum 90

begin "database $database"
place=(--account-name "$account" --resource-group "$resource_group")
found=$(ask false cosmosdb mongodb database exists "${place[@]}" --name "$database" --output tsv)
if [ "$found" != true ]; then
  change cosmosdb mongodb database create "${place[@]}" --name "$database"
fi

# collection NAME SHARD-KEY UNIQUE-FIELD: either may be empty. They are made here since a collection
# that an index or a first insert makes has no shard key for ever, and since unique indexes want an
# empty collection. The other indexes are made by Gesso when it starts.
collection() {
  local name=$1 shard_key=$2 unique=$3 indexes='{"key":{"keys":["_id"]}}' shard_options=()
  begin "collection $name"
  found=$(ask false cosmosdb mongodb collection exists "${place[@]}" --database-name "$database" \
    --name "$name" --output tsv)
  [ "$found" != true ] || return 0
  [ -z "$unique" ] || indexes+=",{\"key\":{\"keys\":[\"$unique\"]},\"options\":{\"unique\":true}}"
  [ -z "$shard_key" ] || shard_options=(--shard "$shard_key")
  change cosmosdb mongodb collection create "${place[@]}" --database-name "$database" \
    --name "$name" "${shard_options[@]}" --idx "[$indexes]" --max-throughput "$max_throughput"
}
collection users '' email
collection generations _id ''
collection subscriptions '' user_id
collection usage_logs user_id ''
collection rate_limit_logs _id ''
collection webhook_events _id ''

begin "Key Vault $vault"
if ! stands "$vault_id" "$vault_api"; then
  change keyvault create --name "$vault" --resource-group "$resource_group" \
    --location "$location" --enable-rbac-authorization true --enable-purge-protection true \
    --retention-days 90
fi
vault_url=$(ask "https://$vault.vault.azure.net/" keyvault show --name "$vault" \
  --resource-group "$resource_group" --query properties.vaultUri --output tsv)
vault_url=${vault_url%/}

begin "logs of $vault"
diagnose "$vault_id" AuditEvent

# The secret goes through the resource manager: `az keyvault secret set` wants a role in the vault
# besides, and Debian 12's az cannot load that command at all.
begin "secret $secret"
if ! stands "$secret_id" "$vault_api"; then
  strings="connectionStrings[?description=='Primary MongoDB Connection String'].connectionString"
  string=$(ask 'mongodb://ACCOUNT:KEY@HOST' cosmosdb keys list --name "$account" \
    --resource-group "$resource_group" --type connection-strings --query "$strings" --output tsv)
  [[ $string =~ ^mongodb://[^[:space:]\"\\]+$ ]] ||
    quit 1 "$account gave no connection string that is one"
  printf '{"properties":{"value":"%s","attributes":{"enabled":true}}}' "$string" \
    > "$work/secret.json"
  string=''
  put_part "$work/secret.json" "$secret_id" "$vault_api"
  rm -f "$work/secret.json"
fi

# No key of the account is good for anything, and nobody sees an image without a link that the app signed.
begin "storage account $storage"
if ! stands "$storage_id" "$storage_api"; then
  cat > "$work/storage.json" << END
{
  "location": "$location",
  "kind": "StorageV2",
  "sku": {"name": "Standard_LRS"},
  "properties": {
    "allowBlobPublicAccess": false,
    "allowSharedKeyAccess": false,
    "allowCrossTenantReplication": false,
    "defaultToOAuthAuthentication": true,
    "minimumTlsVersion": "TLS1_2",
    "supportsHttpsTrafficOnly": true
  }
}
END
  put "$work/storage.json" "$storage_id" "$storage_api"
fi
blobs_url=$(ask "https://$storage.blob.core.windows.net/" resource show --ids "$storage_id" \
  --api-version "$storage_api" --query properties.primaryEndpoints.blob --output tsv)

begin "container $container"
if ! stands "$container_id" "$storage_api"; then
  printf '{"properties":{"publicAccess":"None"}}' > "$work/container.json"
  put_part "$work/container.json" "$container_id" "$storage_api"
fi

# Container Apps are made of JSON: `az containerapp` is an extension that changes on its own.
begin "Container Apps environment $environment"
if ! stands "$environment_id" "$app_api"; then
  cat > "$work/environment.json" << END
{
  "location": "$location",
  "properties": {"appLogsConfiguration": {"destination": "azure-monitor"}}
}
END
  put "$work/environment.json" "$environment_id" "$app_api"
fi

begin "logs of $environment"
diagnose "$environment_id" ContainerAppConsoleLogs ContainerAppSystemLogs

# Of both apps: what they find the database and the images by.
common_settings() {
  cat << END
          {"name": "GESSO_KEY_VAULT_URL", "value": "$vault_url"},
          {"name": "GESSO_MONGODB_SECRET", "value": "$secret"},
          {"name": "GESSO_DATABASE", "value": "$database"},
          {"name": "GESSO_IMAGE_CONTAINER_URL", "value": "$blobs_url$container"},
          {"name": "GESSO_AZURE_CREDENTIAL", "value": "ManagedIdentityCredential"}
END
}

# Keys of its own sign the tokens of the service's users and encrypt their second factors; every replica
# must have the same ones.
begin "Container App $app"
if ! stands "$app_id" "$app_api"; then
  cat > "$work/app.json" << END
{
  "location": "$location",
  "identity": {"type": "SystemAssigned"},
  "properties": {
    "managedEnvironmentId": "$environment_id",
    "configuration": {
      "activeRevisionsMode": "Single",
      "ingress": {"external": true, "targetPort": 8080, "transport": "http", "allowInsecure": false},
      "secrets": [
        {"name": "jwt-secret", "value": "$(head -c 48 /dev/urandom | base64 -w 0)"},
        {"name": "encryption-keys", "value": "$(head -c 48 /dev/urandom | base64 -w 0)"}
      ]
    },
    "template": {
      "containers": [{
        "name": "gesso",
        "image": "$image",
        "command": ["gesso", "serve"],
        "resources": {"cpu": 1.0, "memory": "2Gi"},
        "env": [
$(common_settings),
          {"name": "GESSO_LISTEN", "value": ":8080"},
          {"name": "GESSO_WORKER_PARALLEL", "value": "0"},
          {"name": "GESSO_JWT_SECRET", "secretRef": "jwt-secret"},
          {"name": "GESSO_ENCRYPTION_KEYS", "secretRef": "encryption-keys"}
        ],
        "probes": [
          {
            "type": "Startup",
            "httpGet": {"path": "/healthz", "port": 8080},
            "periodSeconds": 30,
            "failureThreshold": 10
          },
          {
            "type": "Liveness",
            "httpGet": {"path": "/healthz", "port": 8080},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 3
          },
          {
            "type": "Readiness",
            "httpGet": {"path": "/readyz", "port": 8080},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 3
          }
        ]
      }],
      "scale": {"minReplicas": 1, "maxReplicas": $max_replicas}
    }
  }
}
END
  put "$work/app.json" "$app_id" "$app_api"
  rm -f "$work/app.json"
fi

# Nobody calls it: it has no ingress, and no key of users.
begin "Container App $worker"
if ! stands "$worker_id" "$app_api"; then
  cat > "$work/worker.json" << END
{
  "location": "$location",
  "identity": {"type": "SystemAssigned"},
  "properties": {
    "managedEnvironmentId": "$environment_id",
    "configuration": {"activeRevisionsMode": "Single"},
    "template": {
      "containers": [{
        "name": "gesso",
        "image": "$image",
        "command": ["gesso", "work"],
        "resources": {"cpu": 1.0, "memory": "2Gi"},
        "env": [
$(common_settings)
        ]
      }],
      "scale": {
        "minReplicas": 1,
        "maxReplicas": $max_workers,
        "rules": [
          {"name": "cpu", "custom": {"type": "cpu", "metadata": {"type": "Utilization", "value": "70"}}}
        ]
      }
    }
  }
}
END
  put "$work/worker.json" "$worker_id" "$app_api"
fi

# On the one secret and on the one container; but a key for links is the account's to give, and who
# shows links alone needs it.
secrets_user=4633458b-17de-408a-b874-0445c86b69e6     # Key Vault Secrets User
data_contributor=ba92f5b4-2d11-453d-a403-e96b0029c9fe # Storage Blob Data Contributor
delegator=db58b8e5-c6ad-4a2a-8342-4190687cbf4a        # Storage Blob Delegator
begin "roles of $app"
principal=$(principal_of "$app_id" "$app_api")
grant "$principal" "$secrets_user" "$secret_id" "$roles_api"
grant "$principal" "$data_contributor" "$container_id" "$roles_api"
grant "$principal" "$delegator" "$storage_id" "$roles_api"
begin "roles of $worker"
principal=$(principal_of "$worker_id" "$app_api")
grant "$principal" "$secrets_user" "$secret_id" "$roles_api"
grant "$principal" "$data_contributor" "$container_id" "$roles_api"

begin 'address'
address=$(ask "$app.example" resource show --ids "$app_id" --api-version "$app_api" \
  --query properties.configuration.ingress.fqdn --output tsv)
if [ "$dry_run" = no ]; then
  printf 'Done. Ready when this answers 200: curl -i https://%s/readyz\n' "$address"
fi

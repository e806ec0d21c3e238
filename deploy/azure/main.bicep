// Gesso on Azure: what setup.sh makes, as one deployment into a resource group. See
// docs/AZURE_RBAC_SETUP.md, above all for createCollections and createSecret, which are for the
// first deployment only.
targetScope = 'resourceGroup'

@description('Region of everything.')
param location string = resourceGroup().location

@description('Name of the Cosmos DB account; unique in all of Azure.')
@minLength(3)
@maxLength(44)
param account string

@description('Name of the Key Vault; unique in all of Azure.')
@minLength(3)
@maxLength(24)
param vault string

@description('Name of the storage account for images; unique in all of Azure.')
@minLength(3)
@maxLength(24)
param storage string

@description('A container image that has gesso on its path.')
param image string

@description('Signs the access tokens of the service\'s users; the same for every replica.')
@secure()
@minLength(32)
param jwtSecret string

@description('Encrypts second factors in the database; two with a comma between them while one takes the place of the other.')
@secure()
@minLength(32)
param encryptionKeys string

@description('True for the first deployment only: a later one would put the few indexes below in the place of all that Gesso has made.')
param createCollections bool

@description('True for the first deployment only: a later one would store the primary key, which a rotation may have replaced.')
param createSecret bool

@description('Name of the Container App that serves.')
@minLength(2)
@maxLength(32)
param app string = 'gesso'

@description('Name of the Container App that paints.')
@minLength(2)
@maxLength(32)
param worker string = '${app}-work'

@description('Name of the Container Apps environment.')
param environmentName string = '${app}-env'

@description('Name of the Log Analytics workspace.')
param workspace string = '${app}-logs'

@description('Name of the database.')
param database string = 'imagegenerator'

@description('Name of the secret that holds the connection string.')
param secret string = 'mongodb-connection-string'

@description('Name of the container of the images.')
@minLength(3)
@maxLength(63)
param container string = 'images'

@description('Version of the MongoDB protocol that the account speaks.')
@allowed([
  '4.2'
  '5.0'
  '6.0'
  '7.0'
])
param serverVersion string = '4.2'

@description('RU/s that each collection scales to by itself, from a tenth of it.')
@minValue(1000)
@maxValue(1000000)
param maxThroughput int = 1000

@description('Backup policy of the account.')
@allowed([
  'periodic'
  'continuous'
])
param backup string = 'periodic'

@description('The most replicas of the app.')
@minValue(1)
@maxValue(1000)
param maxReplicas int = 10

@description('The most replicas of the worker.')
@minValue(1)
@maxValue(1000)
param maxWorkers int = 10

// "Key Vault Secrets User", "Storage Blob Data Contributor" and "Storage Blob Delegator"
var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var dataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var delegator = 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'

// What is unique is declared here since unique indexes want an empty collection. The other indexes
// are made by Gesso when it starts.
var collections = [
  {
    name: 'users'
    shardKey: ''
    unique: 'email'
  }
  {
    name: 'generations'
    shardKey: '_id'
    unique: ''
  }
  {
    name: 'subscriptions'
    shardKey: ''
    unique: 'user_id'
  }
  {
    name: 'usage_logs'
    shardKey: 'user_id'
    unique: ''
  }
  {
    name: 'rate_limit_logs'
    shardKey: '_id'
    unique: ''
  }
  {
    name: 'webhook_events'
    shardKey: '_id'
    unique: ''
  }
]

var periodicBackup = {
  type: 'Periodic'
  periodicModeProperties: {
    backupIntervalInMinutes: 240
    backupRetentionIntervalInHours: 24
    backupStorageRedundancy: 'Geo'
  }
}

var continuousBackup = {
  type: 'Continuous'
}

resource logs 'Microsoft.OperationalInsights/workspaces@2022-10-01' = {
  name: workspace
  location: location
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 30
  }
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2024-08-15' = {
  name: account
  location: location
  kind: 'MongoDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    apiProperties: {
      serverVersion: serverVersion
    }
    consistencyPolicy: {
      defaultConsistencyLevel: 'Session'
    }
    locations: [
      {
        locationName: location
        failoverPriority: 0
        isZoneRedundant: false
      }
    ]
    backupPolicy: backup == 'continuous' ? continuousBackup : periodicBackup
  }
}

resource cosmosLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'gesso'
  scope: cosmos
  properties: {
    workspaceId: logs.id
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'MongoRequests'
        enabled: true
      }
      {
        category: 'PartitionKeyRUConsumption'
        enabled: true
      }
      {
        category: 'PartitionKeyStatistics'
        enabled: true
      }
      {
        category: 'ControlPlaneRequests'
        enabled: true
      }
    ]
  }
}

// What each means is in docs/OPERATIONS.md. Who is told is set in the portal (an action group).
resource throttled 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'gesso-throttled'
  location: 'global'
  properties: {
    severity: 2
    enabled: true
    scopes: [
      cosmos.id
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'gesso-throttled'
          metricNamespace: 'Microsoft.DocumentDB/databaseAccounts'
          metricName: 'MongoRequests'
          operator: 'GreaterThan'
          threshold: 100
          timeAggregation: 'Count'
          dimensions: [
            {
              name: 'ErrorCode'
              operator: 'Include'
              values: [
                '16500'
              ]
            }
          ]
        }
      ]
    }
  }
}

resource requestUnits 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'gesso-request-units'
  location: 'global'
  properties: {
    severity: 3
    enabled: true
    scopes: [
      cosmos.id
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'gesso-request-units'
          metricNamespace: 'Microsoft.DocumentDB/databaseAccounts'
          metricName: 'NormalizedRUConsumption'
          operator: 'GreaterThan'
          threshold: 90
          timeAggregation: 'Maximum'
          dimensions: []
        }
      ]
    }
  }
}

resource mongo 'Microsoft.DocumentDB/databaseAccounts/mongodbDatabases@2024-08-15' = {
  parent: cosmos
  name: database
  properties: {
    resource: {
      id: database
    }
  }
}

@batchSize(1)
resource collection 'Microsoft.DocumentDB/databaseAccounts/mongodbDatabases/collections@2024-08-15' = [for one in collections: if (createCollections) {
  parent: mongo
  name: one.name
  properties: {
    resource: union({
      id: one.name
      indexes: concat([
        {
          key: {
            keys: [
              '_id'
            ]
          }
        }
      ], empty(one.unique) ? [] : [
        {
          key: {
            keys: [
              one.unique
            ]
          }
          options: {
            unique: true
          }
        }
      ])
    }, empty(one.shardKey) ? {} : {
      shardKey: {
        '${one.shardKey}': 'Hash'
      }
    })
    options: {
      autoscaleSettings: {
        maxThroughput: maxThroughput
      }
    }
  }
}]

resource keyVault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: vault
  location: location
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 90
  }
}

resource keyVaultLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'gesso'
  scope: keyVault
  properties: {
    workspaceId: logs.id
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

resource connectionString 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (createSecret) {
  parent: keyVault
  name: secret
  properties: {
    value: cosmos.listConnectionStrings().connectionStrings[0].connectionString // of the primary key
    attributes: {
      enabled: true
    }
  }
}

// The same secret for what refers to it, whether this deployment makes it or not.
resource storedString 'Microsoft.KeyVault/vaults/secrets@2023-07-01' existing = {
  parent: keyVault
  name: secret
}

// No key of the account is good for anything, and nobody sees an image without a link that the app signed.
resource imagesAccount 'Microsoft.Storage/storageAccounts@2022-09-01' = {
  name: storage
  location: location
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2022-09-01' existing = {
  parent: imagesAccount
  name: 'default'
}

resource imagesContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2022-09-01' = {
  parent: blobs
  name: container
  properties: {
    publicAccess: 'None'
  }
}

resource environmentOfApp 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: environmentName
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'azure-monitor'
    }
  }
}

resource environmentLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'gesso'
  scope: environmentOfApp
  properties: {
    workspaceId: logs.id
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'ContainerAppConsoleLogs'
        enabled: true
      }
      {
        category: 'ContainerAppSystemLogs'
        enabled: true
      }
    ]
  }
}

// Of both apps: what they find the database and the images by.
var commonSettings = [
  {
    name: 'GESSO_KEY_VAULT_URL'
    value: substring(keyVault.properties.vaultUri, 0, length(keyVault.properties.vaultUri) - 1)
  }
  {
    name: 'GESSO_MONGODB_SECRET'
    value: secret
  }
  {
    name: 'GESSO_DATABASE'
    value: database
  }
  {
    name: 'GESSO_IMAGE_CONTAINER_URL'
    value: '${imagesAccount.properties.primaryEndpoints.blob}${container}'
  }
  {
    name: 'GESSO_AZURE_CREDENTIAL'
    value: 'ManagedIdentityCredential'
  }
]

resource containerApp 'Microsoft.App/containerApps@2024-03-01' = {
  name: app
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    managedEnvironmentId: environmentOfApp.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: 8080
        transport: 'http'
        allowInsecure: false
      }
      secrets: [
        {
          name: 'jwt-secret'
          value: jwtSecret
        }
        {
          name: 'encryption-keys'
          value: encryptionKeys
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'gesso'
          image: image
          command: [
            'gesso'
            'serve'
          ]
          resources: {
            cpu: json('1.0')
            memory: '2Gi'
          }
          env: concat(commonSettings, [
            {
              name: 'GESSO_LISTEN'
              value: ':8080'
            }
            {
              name: 'GESSO_WORKER_PARALLEL'
              value: '0'
            }
            {
              name: 'GESSO_JWT_SECRET'
              secretRef: 'jwt-secret'
            }
            {
              name: 'GESSO_ENCRYPTION_KEYS'
              secretRef: 'encryption-keys'
            }
          ])
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/healthz'
                port: 8080
              }
              periodSeconds: 30
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/healthz'
                port: 8080
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: 8080
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
          ]
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: maxReplicas
      }
    }
  }
}

// Nobody calls it: it has no ingress, and no key of users.
resource workerApp 'Microsoft.App/containerApps@2024-03-01' = {
  name: worker
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    managedEnvironmentId: environmentOfApp.id
    configuration: {
      activeRevisionsMode: 'Single'
    }
    template: {
      containers: [
        {
          name: 'gesso'
          image: image
          command: [
            'gesso'
            'work'
          ]
          resources: {
            cpu: json('1.0')
            memory: '2Gi'
          }
          env: commonSettings
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: maxWorkers
        rules: [
          {
            name: 'cpu'
            custom: {
              type: 'cpu'
              metadata: {
                type: 'Utilization'
                value: '70'
              }
            }
          }
        ]
      }
    }
  }
}

// On this one secret, so that the apps read nothing else of the vault.
resource readSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storedString.id, containerApp.id, secretsUser)
  scope: storedString
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
    principalId: containerApp.identity.principalId
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    connectionString
  ]
}

resource workerReadsSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storedString.id, workerApp.id, secretsUser)
  scope: storedString
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
    principalId: workerApp.identity.principalId
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    connectionString
  ]
}

// On this one container.
resource useImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(imagesContainer.id, containerApp.id, dataContributor)
  scope: imagesContainer
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataContributor)
    principalId: containerApp.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

resource workerUsesImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(imagesContainer.id, workerApp.id, dataContributor)
  scope: imagesContainer
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataContributor)
    principalId: workerApp.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

// A key for links is the account's to give, and who shows links alone needs it.
resource signLinks 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(imagesAccount.id, containerApp.id, delegator)
  scope: imagesAccount
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', delegator)
    principalId: containerApp.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

output address string = 'https://${containerApp.properties.configuration.ingress.fqdn}'
output vaultUrl string = keyVault.properties.vaultUri
output principalId string = containerApp.identity.principalId

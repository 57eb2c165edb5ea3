"""One handler for each resource type: from the properties in a template to calls of the service's API."""

from emulator.cloudformation.resource_type import ResourceType
from emulator.cloudformation.resources import (
    alarms,
    buckets,
    events,
    functions,
    http_apis,
    logs,
    messaging,
    repositories,
    roles,
    state_machines,
    tables,
    versions,
)

RESOURCE_TYPES: dict[str, ResourceType] = {
    **alarms.TYPES,
    **events.TYPES,
    **functions.TYPES,
    **http_apis.TYPES,
    **repositories.TYPES,
    **logs.TYPES,
    **messaging.TYPES,
    **roles.TYPES,
    **state_machines.TYPES,
    **buckets.TYPES,
    **tables.TYPES,
    **versions.TYPES,
}

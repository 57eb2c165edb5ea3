"""One handler a resource type: a template's properties → calls of the service's API."""

from __future__ import annotations

from emulator.deploy.resource_type import ResourceType
from emulator.deploy.resources import (
    alarms,
    events,
    functions,
    http_apis,
    images,
    logs,
    messaging,
    roles,
    state_machines,
    storage,
    tables,
    versions,
)

RESOURCE_TYPES: dict[str, ResourceType] = {
    **alarms.TYPES,
    **events.TYPES,
    **functions.TYPES,
    **http_apis.TYPES,
    **images.TYPES,
    **logs.TYPES,
    **messaging.TYPES,
    **roles.TYPES,
    **state_machines.TYPES,
    **storage.TYPES,
    **tables.TYPES,
    **versions.TYPES,
}

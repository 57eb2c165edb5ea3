"""The events that S3 sends to EventBridge: `Object Created` and `Object Deleted`, not those about tags and ACLs.

moto's events have another form (`eTag`, `reason: ObjectCreated`) and come twice for a multipart upload, and moto
swallows every error on their way.
"""

import logging
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any, cast

from moto.events.models import events_backends
from moto.events.utils import EventMessageType
from moto.s3 import notifications
from moto.s3.models import S3Backend
from moto.s3.notifications import S3NotificationEvent

from emulator.repairing import replace

logger = logging.getLogger("emulator.events")

_CREATION_REASONS = {
    S3NotificationEvent.OBJECT_CREATED_PUT_EVENT: "PutObject",
    S3NotificationEvent.OBJECT_CREATED_POST_EVENT: "POST Object",
    S3NotificationEvent.OBJECT_CREATED_COPY_EVENT: "CopyObject",
    S3NotificationEvent.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT: "CompleteMultipartUpload",
}
_DELETION_TYPES = {
    S3NotificationEvent.OBJECT_REMOVED_DELETE_EVENT: "Permanently Deleted",
    S3NotificationEvent.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT: "Delete Marker Created",
}
_multipart = threading.local()


def object_event(
    name: S3NotificationEvent, *, account: str, region: str, bucket: str, key: Any, now: datetime
) -> dict[str, Any] | None:
    """Return the event, or None for a kind of event that is not sent. `key` is moto's object."""
    described = {"key": key.name, "sequencer": f"{time.time_ns():016X}"}
    etag = getattr(key, "etag", None)
    if etag:
        described["etag"] = etag.replace('"', "")
    version = getattr(key, "version_id", None)
    if version not in (None, "null"):
        described["version-id"] = version
    if name in _CREATION_REASONS:
        kind, reason = "Object Created", {"reason": _CREATION_REASONS[name]}
        described["size"] = key.size
    elif name in _DELETION_TYPES:
        kind, reason = "Object Deleted", {"reason": "DeleteObject", "deletion-type": _DELETION_TYPES[name]}
    else:
        return None
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": "aws.s3",
        "account": account,
        "time": now.timestamp(),
        "region": region,
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": described,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account,
            "source-ip-address": "127.0.0.1",
            **reason,
        },
    }


def _send(account_id: str, bucket: Any, event_name: S3NotificationEvent, key: Any) -> None:
    multipart = S3NotificationEvent.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT
    if getattr(_multipart, "upload", False) and event_name != multipart:
        return  # to moto a multipart upload is a put and a tagging as well; S3 sends one event
    event = object_event(
        event_name,
        account=account_id,
        region=bucket.region_name,
        bucket=bucket.name,
        key=key,
        now=datetime.now(tz=UTC),
    )
    if event is None:
        return
    try:
        for rule in list(events_backends[account_id][bucket.region_name].event_buses["default"].rules.values()):
            rule.send_to_targets(cast("EventMessageType", event))
    except Exception:  # the object was stored, so the call must not fail
        logger.exception("the event of s3://%s/%s was lost", bucket.name, key.name)


def repair() -> None:
    """Replace moto's events, and suppress those that moto sends within a multipart upload."""
    complete = S3Backend.complete_multipart_upload

    def complete_multipart_upload(self: S3Backend, *arguments: Any, **named: Any) -> Any:
        _multipart.upload = True
        try:
            return complete(self, *arguments, **named)
        finally:
            _multipart.upload = False

    replace(S3Backend, complete_multipart_upload=complete_multipart_upload)
    replace(notifications, _send_event_bridge_message=_send)

"""What S3 tells EventBridge about objects, in S3's words.

Sends `Object Created` and `Object Deleted`, the events of buckets that asked for EventBridge; not the ones about tags
and access lists. moto's carry another shape (`eTag`, `reason: ObjectCreated`), come twice for a multipart upload, and
every error on their way is swallowed.
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

_CREATED = {
    S3NotificationEvent.OBJECT_CREATED_PUT_EVENT: "PutObject",
    S3NotificationEvent.OBJECT_CREATED_POST_EVENT: "POST Object",
    S3NotificationEvent.OBJECT_CREATED_COPY_EVENT: "CopyObject",
    S3NotificationEvent.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT: "CompleteMultipartUpload",
}
_DELETED = {
    S3NotificationEvent.OBJECT_REMOVED_DELETE_EVENT: "Permanently Deleted",
    S3NotificationEvent.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT: "Delete Marker Created",
}
_completing = threading.local()


def object_event(
    name: S3NotificationEvent, *, account: str, region: str, bucket: str, key: Any, now: datetime
) -> dict[str, Any] | None:
    """Return the event, or None when it is of a kind that is not sent. `key` is moto's object."""
    described = {"key": key.name, "sequencer": f"{time.time_ns():016X}"}
    etag = getattr(key, "etag", None)
    if etag:
        described["etag"] = etag.replace('"', "")
    version = getattr(key, "version_id", None)
    if version not in (None, "null"):
        described["version-id"] = version
    if name in _CREATED:
        kind, reason = "Object Created", {"reason": _CREATED[name]}
        described["size"] = key.size
    elif name in _DELETED:
        kind, reason = "Object Deleted", {"reason": "DeleteObject", "deletion-type": _DELETED[name]}
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
    if getattr(_completing, "upload", False) and event_name != multipart:
        return  # moto puts the object and its tags by the way; S3 tells the whole as one event
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
    except Exception:  # the object is there; who put it is not to hear of this
        logger.exception("the event of s3://%s/%s was lost", bucket.name, key.name)


def repair() -> None:
    """Replace moto's events, and keep the ones inside of a multipart upload back."""
    complete = S3Backend.complete_multipart_upload

    def complete_multipart_upload(self: S3Backend, *arguments: Any, **named: Any) -> Any:
        _completing.upload = True
        try:
            return complete(self, *arguments, **named)
        finally:
            _completing.upload = False

    replace(S3Backend, complete_multipart_upload=complete_multipart_upload)
    replace(notifications, _send_event_bridge_message=_send)

"""The states that a function or a version goes through, and what each of them forbids. Pure."""

from dataclasses import dataclass, replace

from emulator.lambda_.api_errors import ResourceConflict, SnapStartNotReady

NOT_NOW = "The operation cannot be performed at this time."


@dataclass(frozen=True)
class Lifecycle:
    """State and LastUpdateStatus, each with its reason."""

    state: str
    update: str
    state_code: str | None = None
    state_reason: str | None = None
    update_code: str | None = None
    update_reason: str | None = None

    def failed(self, code: str, reason: str) -> "Lifecycle":
        """Return the state after something went wrong; an active function stays active with what it had."""
        if self.state == "Pending":
            return Lifecycle("Failed", "Failed", code, reason, code, reason)
        return replace(self, update="Failed", update_code=code, update_reason=reason)

    def check_change(self, arn: str) -> None:
        """Raise ResourceConflictException while something else is going on."""
        if self.state == "Pending":
            raise ResourceConflict(f"{NOT_NOW} The function is currently in the following state: Pending")
        if self.update == "InProgress":
            raise ResourceConflict(f"{NOT_NOW} An update is in progress for resource: {arn}")

    def check_publish(self, arn: str) -> None:
        """Raise ResourceConflictException when this is no state to make a version of."""
        self.check_change(arn)
        if "Failed" in (self.state, self.update):
            raise ResourceConflict(f"{NOT_NOW} The function is currently in the following state: Failed")

    def check_invocation(self, *, restores: bool) -> None:
        """Raise what Invoke answers when nothing can run yet, or ever."""
        if self.state == "Pending" and restores:
            raise SnapStartNotReady
        if self.state != "Active":
            raise ResourceConflict(f"{NOT_NOW} The function is currently in the following state: {self.state}")

    def describe(self) -> dict[str, str]:
        """Return the fields of a FunctionConfiguration."""
        fields = {
            "State": self.state,
            "StateReasonCode": self.state_code,
            "StateReason": self.state_reason,
            "LastUpdateStatus": self.update,
            "LastUpdateStatusReasonCode": self.update_code,
            "LastUpdateStatusReason": self.update_reason,
        }
        return {name: value for name, value in fields.items() if value is not None}


ACTIVE = Lifecycle("Active", "Successful")
CREATING = Lifecycle(
    "Pending", "InProgress", "Creating", "The function is being created.", "Creating", "The function is being created."
)
UPDATING = Lifecycle("Active", "InProgress", update_code="Creating", update_reason="The function is being created.")
PUBLISHING = Lifecycle("Pending", "Successful", "Creating", "The function is being created.")

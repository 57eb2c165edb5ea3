"""The states of functions and versions, and the operations that each state forbids. Pure."""

from dataclasses import dataclass, replace

from emulator.lambda_.api_errors import ResourceConflict, SnapStartNotReady

NOT_POSSIBLE_NOW = "The operation cannot be performed at this time."


@dataclass(frozen=True)
class Lifecycle:
    """State (`state`) and LastUpdateStatus (`update`) of a function, each with its reason."""

    state: str
    update: str
    state_code: str | None = None
    state_reason: str | None = None
    update_code: str | None = None
    update_reason: str | None = None

    def failed(self, code: str, reason: str) -> "Lifecycle":
        """Return the state after a failure. A function that is active stays active with the code that it had."""
        if self.state == "Pending":
            return Lifecycle("Failed", "Failed", code, reason, code, reason)
        return replace(self, update="Failed", update_code=code, update_reason=reason)

    def check_change(self, arn: str) -> None:
        """Raise ResourceConflictException while the function is being created or updated."""
        if self.state == "Pending":
            raise ResourceConflict(f"{NOT_POSSIBLE_NOW} The function is currently in the following state: Pending")
        if self.update == "InProgress":
            raise ResourceConflict(f"{NOT_POSSIBLE_NOW} An update is in progress for resource: {arn}")

    def check_publish(self, arn: str) -> None:
        """Raise ResourceConflictException when no version can be published in this state."""
        self.check_change(arn)
        if "Failed" in (self.state, self.update):
            raise ResourceConflict(f"{NOT_POSSIBLE_NOW} The function is currently in the following state: Failed")

    def check_invocation(self, *, restores: bool) -> None:
        """Raise Lambda's error when the function cannot be invoked in this state."""
        if self.state == "Pending" and restores:
            raise SnapStartNotReady
        if self.state != "Active":
            raise ResourceConflict(f"{NOT_POSSIBLE_NOW} The function is currently in the following state: {self.state}")

    def describe(self) -> dict[str, str]:
        """Return the state as fields of a FunctionConfiguration."""
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

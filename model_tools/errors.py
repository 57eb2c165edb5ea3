"""The errors that a publication can end with.

Their class names are API: Step Functions matches them in `ErrorEquals`, the console shows them, the record keeps
them. Every message says where it is wrong, what is wrong, and what to do next.
"""


class PublishError(Exception):
    """The root of everything that refuses a publication."""


class RequestInvalid(PublishError):
    """The execution's input is not understood."""


class ModelNotFound(PublishError):
    """The model URI points at nothing that can be read."""


class ManifestInvalid(PublishError):
    """`publish.yaml` is missing a field, has one too many, or a value that cannot be."""


class CheckpointRejected(PublishError):
    """The checkpoint is damaged, dangerous to load, or does not fit its architecture."""


class TraceFailed(PublishError):
    """The model cannot be loaded or traced to TorchScript."""


class ParityFailed(PublishError):
    """The traced model does not answer as the trained one does."""


class ClassesMismatch(PublishError):
    """`classes.txt` does not name what the model answers."""


class ModelTooLarge(PublishError):
    """The model outgrows a limit of the function that would serve it."""


class RuntimeMissing(PublishError):
    """The library that runs the model is neither installed nor in a runtime bundle of the stack."""


class RuntimeDamaged(PublishError):
    """The runtime bundle is not the one that was named; nothing of it was imported."""


class RuntimeMismatch(PublishError):
    """The runtime bundle was built for another Python or another processor."""


class FunctionChanged(PublishError):
    """Somebody else changed the inference function while it was being rebuilt."""


class SnapshotFailed(PublishError):
    """Lambda could not initialise the new version and take its snapshot."""


class SmokeTestFailed(PublishError):
    """The new version does not answer the sample events as expected."""


class CanaryFailed(PublishError):
    """The new version failed requests while it had a share of the traffic."""


class AliasChanged(PublishError):
    """Somebody else moved the alias during the publication; their decision stands."""


class LeaseLost(PublishError):
    """Another publication has taken the function over."""


class TrainingFailed(PublishError):
    """The training run ended without a model that can be published."""


class FunctionUpdateFailed(PublishError):
    """Lambda accepted the new code and then could not use it."""


class ServiceUnavailable(Exception):
    """An AWS service did not answer or was too busy; the state machine tries again."""

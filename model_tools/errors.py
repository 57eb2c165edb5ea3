"""The errors that a publication can end with.

The class names are API: Step Functions matches them in `ErrorEquals`, the console shows them and the record keeps
them. Every message says where it is wrong, what is wrong and what to do next.

    Exception
    ├── PublishError              refuses the publication; the same step would end alike if it were tried again
    │   │   Retraining, before a publication starts
    │   ├── TrainingFailed
    │   │   Resolving the model URI
    │   ├── RequestInvalid
    │   ├── ModelNotFound
    │   │   Reading publish.yaml while resolving, and the checkpoint's files while packaging
    │   ├── ManifestInvalid
    │   ├── CheckpointRejected
    │   ├── ModelTooLarge
    │   │   Loading, tracing and proving the model
    │   ├── TraceFailed
    │   ├── ParityFailed
    │   ├── ClassesMismatch
    │   │   Loading the runtime bundle, for the proof and in the inference function
    │   ├── RuntimeMissing
    │   ├── RuntimeDamaged
    │   ├── RuntimeMismatch
    │   │   Updating the inference function and publishing a version of it
    │   ├── FunctionChanged
    │   ├── FunctionUpdateFailed
    │   ├── SnapshotFailed
    │   │   Trying the version on the samples
    │   ├── SmokeTestFailed
    │   │   Rolling out
    │   ├── CanaryFailed
    │   ├── AliasChanged
    │   └── LeaseLost
    └── ServiceUnavailable        tells nothing of the model; the state machine tries the step again

The errors below PublishError are siblings, since Step Functions knows an error by its own name only and not by its
base class. FunctionChanged, FunctionUpdateFailed, SnapshotFailed and LeaseLost are raised by the state machine itself,
which calls Lambda and DynamoDB in those stages without a function of ours; their classes here give them a meaning and
a place in docs/reference/errors.md.
"""


class PublishError(Exception):
    """The root of all errors that refuse a publication."""


class TrainingFailed(PublishError):
    """The training run ended without a model that can be published."""


class RequestInvalid(PublishError):
    """The execution's input has a field that is wrong or unknown."""


class ModelNotFound(PublishError):
    """The model URI points at nothing that can be read."""


class ManifestInvalid(PublishError):
    """`publish.yaml` lacks a field, has an unknown one, or holds a value that is not allowed."""


class CheckpointRejected(PublishError):
    """The checkpoint is damaged, dangerous to load, or does not fit its architecture."""


class ModelTooLarge(PublishError):
    """The model outgrows a limit of the function that would serve it."""


class TraceFailed(PublishError):
    """The model cannot be loaded or traced to TorchScript."""


class ParityFailed(PublishError):
    """The traced model does not answer as the trained one does."""


class ClassesMismatch(PublishError):
    """The names in `classes.txt` are not one for each value that the model answers."""


class RuntimeMissing(PublishError):
    """The library that runs the model is neither installed nor in a runtime bundle of the stack."""


class RuntimeDamaged(PublishError):
    """The runtime bundle's bytes are not those that its reference names; nothing of the bundle was imported."""


class RuntimeMismatch(PublishError):
    """The runtime bundle was built for another Python or another processor."""


class FunctionChanged(PublishError):
    """Somebody else changed the inference function while it was being rebuilt."""


class FunctionUpdateFailed(PublishError):
    """Lambda accepted the new code and then could not use it."""


class SnapshotFailed(PublishError):
    """Lambda could not initialise the new version and take its snapshot."""


class SmokeTestFailed(PublishError):
    """The new version does not answer the sample events as expected."""


class CanaryFailed(PublishError):
    """The new version failed requests while it had a share of the traffic."""


class AliasChanged(PublishError):
    """Somebody else moved the alias during the publication; their decision stands."""


class LeaseLost(PublishError):
    """Another publication has taken over the function's lease."""


class ServiceUnavailable(Exception):
    """An AWS service was too busy, did not answer, or failed in itself.

    It is no PublishError, since the model is not at fault. The state machine tries the step again, with growing pauses
    and a limited number of times; only after the last attempt does it end the publication.
    """

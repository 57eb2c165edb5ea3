"""The registry's record of the lease in memory."""

from model_tools.release.lease import Claim, Lease


class FakeLeaseRecord:
    def __init__(self, lease: Lease | None = None) -> None:
        self.now = lease or Lease()
        self.claims: list[Claim] = []

    def lease(self) -> Lease:
        return self.now

    def claim_lease(self, claim: Claim, *, seen: Lease) -> Lease | None:
        if seen != self.now:
            return None
        self.claims.append(claim)
        self.now = Lease(claim.holder, seen.fencing_token + 1)
        return self.now

"""Identity: the credentials that the emulator gives out, and the policies that AWS brings.

Owns temporary credentials of roles, the caller behind an access key, and the repairs of moto's IAM. It judges nobody:
role, resource and bucket policies are kept and not enforced.
"""

from emulator.iam.credential_issuer import CredentialIssuer
from emulator.iam.credentials import Caller, Credentials, CredentialsFor
from emulator.iam.repairs import repair

__all__ = ["Caller", "CredentialIssuer", "Credentials", "CredentialsFor", "repair"]

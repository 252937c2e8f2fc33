"""Records issued links in the audit log.

The record does not show whether the link was used. Uploads, changes and deletions are recorded with
their rows.
"""

from business_api.identity.gateway import AuditGateway
from chassis.client import ServiceClient
from chassis.security.principal import current_principal
from contracts.audit import AuditEvent
from contracts.files import StoredFile


async def link_issued(client: ServiceClient, file: StoredFile) -> None:
    """Record the link before it is issued; raise if it cannot be recorded."""
    principal = current_principal()
    await AuditGateway(client).append(
        AuditEvent(
            action="file.link_issued",
            who=principal.subject if principal else None,
            network=principal.network if principal else None,
            entity="files",
            rows=(str(file.id),),
        )
    )

"""Writes into the audit log who got a link to which content.

The link is what is recorded: whether it was used, and how often, only the place knows that serves
the content. What is uploaded, changed and deleted is recorded with the rows.
"""

from business_api.identity.gateway import AuditGateway
from chassis.client import ServiceClient
from chassis.security.principal import current_principal
from contracts.audit import AuditEvent
from contracts.files import StoredFile


async def link_issued(client: ServiceClient, file: StoredFile) -> None:
    """Record the link before it is given; without the record there is none."""
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

"""Refusals of the guard in the audit log, without letting a stranger fill it or slow anybody."""

import asyncio
import logging
from dataclasses import dataclass

from starlette.types import Scope

from business_api.identity.gateway import AuditGateway
from business_api.identity.metrics import LOST
from chassis.errors import ServiceError
from chassis.request_id import current_request_id
from chassis.security.principal import Principal, network_of, set_principal
from contracts.audit import AuditEvent

log = logging.getLogger(__name__)

# Refusals that differ in nothing else are one record with their number.
MAX_KINDS = 100
EVERY_SECONDS = 2.0


@dataclass
class _Seen:
    request_id: str | None
    times: int = 1

    def described(self, event: AuditEvent) -> AuditEvent:
        """Return the event with the first request of its kind, and how many there were."""
        detail = event.detail if self.times == 1 else f"{event.detail} ({self.times} times)"
        return event.model_copy(update={"detail": detail, "request_id": self.request_id})


class Denials:
    """Collects refusals, and appends what came together every few seconds."""

    def __init__(self) -> None:
        self._waiting: dict[AuditEvent, _Seen] = {}
        self._dropped = 0

    def __call__(self, scope: Scope, principal: Principal | None, reason: str) -> None:
        self.note(
            "request.refused",
            reason[:150],
            principal.subject if principal is not None else None,
            network_of(scope),
        )

    def note(self, action: str, detail: str, who: str | None, network: str | None) -> None:
        """Collect a refusal of `action`."""
        event = AuditEvent(
            action=action, outcome="refused", who=who, detail=detail, network=network
        )
        if event in self._waiting:
            self._waiting[event].times += 1
        elif len(self._waiting) < MAX_KINDS:
            self._waiting[event] = _Seen(current_request_id())
        else:
            self._dropped += 1

    async def keep(self, audit: AuditGateway) -> None:
        """Append what has been collected again and again, and once more when cancelled."""
        set_principal(None)
        try:
            while True:
                await asyncio.sleep(EVERY_SECONDS)
                await self._flush(audit)
        finally:
            await self._flush(audit)

    async def _flush(self, audit: AuditGateway) -> None:
        waiting, dropped = self._waiting, self._dropped
        if not waiting:
            return
        self._waiting, self._dropped = {}, 0
        events = [seen.described(event) for event, seen in waiting.items()]
        if dropped:
            LOST.inc(dropped)
            log.error("%d refusals were more than the audit log could take", dropped)
        try:
            await audit.append(*events)
        except ServiceError as error:
            # They are in the service's log at least: each refused request has its line there.
            LOST.inc(sum(seen.times for seen in waiting.values()))
            log.error("%d kinds of refusals are not in the audit log: %s", len(waiting), error)

"""Lets the standby answer reads, as long as it is fresh."""

from data_postgres_api.standby import standby_session as choose_session

__all__ = ["choose_session"]

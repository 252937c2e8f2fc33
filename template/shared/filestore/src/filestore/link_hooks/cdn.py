"""Lets clients read by a CDN, if there is one."""

from chassis.settings import read_settings
from filestore.cdn import CdnLinks, CdnSettings
from filestore.links import Links
from filestore.settings import LinkSettings


def change_links(links: Links) -> Links:
    """Return what makes links to the CDN for downloads, and asks `links` for uploads."""
    settings = read_settings(CdnSettings)
    if settings.cdn == "none":
        return links
    return CdnLinks(settings, read_settings(LinkSettings).download_link_seconds, links)

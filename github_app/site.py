"""Which GitHub: github.com or an Enterprise Server. Where its parts are follows from its URL."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from review_core.errors import ConfigurationError

DEFAULT_URL = "https://github.com"
API_VERSION = "2022-11-28"  # Enterprise Servers in support know it, newer ones not all


@dataclass(frozen=True, slots=True)
class GitHubSite:
    """Addresses without a slash at the end. ca_file: of a company's own authority; None for the
    system's.
    """

    url: str
    api_url: str
    graphql_url: str
    upload_url: str
    ca_file: Path | None = None
    api_version: str = API_VERSION

    @property
    def host(self) -> str:
        """As in clone URLs, with its port if it has one."""
        return urlsplit(self.url).netloc


def github_site(
    url: str = DEFAULT_URL,
    *,
    api_url: str | None = None,
    graphql_url: str | None = None,
    upload_url: str | None = None,
    ca_file: Path | None = None,
    api_version: str = API_VERSION,
) -> GitHubSite:
    """The site at `url`; what is not given is where GitHub puts it.

    :raises ConfigurationError: for an address that would send tokens in the clear, or none at all.
    """
    url = checked_url(url, "github_url")
    api, graphql, upload = _usual_places(url)
    return GitHubSite(
        url=url,
        api_url=checked_url(api_url or api, "api_url"),
        graphql_url=checked_url(graphql_url or graphql, "graphql_url"),
        upload_url=checked_url(upload_url or upload, "upload_url"),
        ca_file=ca_file,
        api_version=api_version,
    )


def _usual_places(url: str) -> tuple[str, str, str]:
    """API, GraphQL and uploads. An Enterprise Server has them below its own host; github.com and
    enterprises with data residency (*.ghe.com) on hosts of their own.
    """
    parts = urlsplit(url)
    if parts.netloc == "github.com" or parts.netloc.endswith(".ghe.com"):
        api = f"{parts.scheme}://api.{parts.netloc}"
        return api, f"{api}/graphql", f"{parts.scheme}://uploads.{parts.netloc}"
    return f"{url}/api/v3", f"{url}/api/graphql", f"{url}/api/uploads"


def checked_url(url: str, name: str) -> str:
    """`url` without a slash at its end.

    :raises ConfigurationError: if it is not https (http is for loopback addresses alone), or holds
        a user, a query or a fragment.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"{name} is not an address: {error}") from error
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigurationError(f"{name} must be an address like https://github.example.com")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigurationError(
            f"{name} must begin with https://: over http, tokens could be read on the way"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must be scheme, host, port and path, nothing else")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"

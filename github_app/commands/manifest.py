"""`themis-github-app manifest`: registers the app at GitHub, in two calls around a browser."""

from __future__ import annotations

import json
from pathlib import Path

import click

from github_app.site import DEFAULT_URL


@click.command()
@click.option("--url", metavar="URL", help="Where GitHub can reach the app, with https.")
@click.option("--name", default="Themis Review", show_default=True, help="The app's name.")
@click.option("--organisation", metavar="NAME", help="Register it there, not for yourself.")
@click.option(
    "--ghes", "github_url", metavar="URL", default=DEFAULT_URL, help="An Enterprise Server."
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Certificates (PEM) to trust as that server.",
)
@click.option("--webhook-path", default="/webhook", show_default=True, metavar="PATH")
@click.option("--sarif", is_flag=True, help="Ask for leave to upload to code scanning.")
@click.option(
    "--resolve",
    is_flag=True,
    help="Ask for leave to write contents: GitHub lets no app resolve conversations without.",
)
@click.option(
    "--form",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("register-themis.html"),
    show_default=True,
    help="Where the page with the button is written.",
)
@click.option("--code", metavar="CODE", help="What GitHub gave back: fetch the key and the secret.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("themis-app"),
    show_default=True,
    help="Where --code saves key, secret and settings.",
)
def manifest(
    url: str | None,
    name: str,
    organisation: str | None,
    github_url: str,
    ca_file: Path | None,
    webhook_path: str,
    sarif: bool,
    resolve: bool,
    form: Path,
    code: str | None,
    folder: Path,
) -> None:
    """Print the app's manifest, and register the app with it.

    First with --url: open the page that it writes, press the button, and copy the code that the
    address bar ends with. Then with --code, which saves what the app needs to start.
    """
    from github_app import registration
    from github_app.site import checked_url, github_site

    site = github_site(github_url, ca_file=ca_file)
    if code is not None:
        registration.refuse_to_overwrite(folder)
        app = registration.convert(code, site)
        settings = registration.save(app, site, folder)
        click.echo(f"{app.slug} is registered; key, secret and settings are in {folder}.")
        click.echo(f"Install it:  {app.page}/installations/new")
        click.echo(f"Check it:    themis-github-app doctor --config {settings}")
        click.echo(f"Start it:    themis-github-app serve --config {settings}")
        return
    if url is None:
        raise click.UsageError("give --url, or --code with what GitHub gave back.")
    asked = registration.manifest(
        name,
        checked_url(url, "--url"),
        webhook_path=webhook_path,
        sarif=sarif,
        resolve=resolve,
    )
    form.write_text(registration.form_page(asked, site, organisation), "utf-8")
    click.echo(json.dumps(asked, indent=2))
    click.echo(
        f"Open {form} in a browser that is signed in to {site.host}, and press the button.\n"
        "GitHub then opens a page that need not exist; copy what stands behind code= and run:\n"
        "    themis-github-app manifest --code CODE"
        + (f" --ghes {site.url}" if site.url != DEFAULT_URL else ""),
        err=True,
    )

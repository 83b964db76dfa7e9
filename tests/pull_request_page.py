"""What the app wrote at the fake GitHub, as a page that a person would see: for pictures.

The Markdown is rendered by GitHub's own parser; the frame around it is ours, made to look alike.
"""

from __future__ import annotations

import html
import subprocess
from pathlib import Path

from app_work import SHOP, App
from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options
from fake_github.world import CheckRun, ReviewComment

_STYLE = """
body { margin: 0; padding: 24px 0; background: #fff; color: #1f2328;
       font: 14px/1.5 -apple-system, "Segoe UI", "DejaVu Sans", Helvetica, Arial, sans-serif; }
main { width: 880px; margin: 0 auto; }
h1 { font-size: 24px; font-weight: 400; margin: 0 0 16px; }
h1 span, .when { color: #59636e; }
.box { border: 1px solid #d1d9e0; border-radius: 6px; margin: 0 0 16px; overflow: hidden; }
.head { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 8px 16px; font-size: 13px; }
.head b { font-weight: 600; }
.bot { border: 1px solid #d1d9e0; border-radius: 2em; padding: 0 6px; font-size: 11px;
       color: #59636e; margin-left: 4px; }
.body { padding: 12px 16px; }
.body > :first-child { margin-top: 0; } .body > :last-child { margin-bottom: 0; }
h3 { font-size: 18px; margin: 20px 0 10px; }
p, ul, table { margin: 0 0 12px; }
ul { padding-left: 24px; }
code { font: 12px "DejaVu Sans Mono", ui-monospace, Menlo, monospace; background: #818b981f;
       border-radius: 6px; padding: 2px 5px; }
table { border-collapse: collapse; } th, td { border: 1px solid #d1d9e0; padding: 6px 13px; }
td a, li a { color: #0969da; text-decoration: none; }
sub { font-size: 12px; color: #59636e; vertical-align: baseline; }
sub code { font-size: 11px; } sub a { color: inherit; }
pre { margin: 0; font: 12px/20px "DejaVu Sans Mono", ui-monospace, Menlo, monospace; }
.hunk { border-bottom: 1px solid #d1d9e0; } .hunk pre { padding: 0 12px; white-space: pre-wrap; }
.hunk .add { background: #dafbe1; } .hunk .del { background: #ffebe9; }
.hunk .at { background: #ddf4ff; color: #59636e; }
.suggestion { border: 1px solid #d1d9e0; border-radius: 6px; overflow: hidden; margin: 0 0 12px; }
.suggestion .title { background: #f6f8fa; padding: 6px 12px; font-size: 12px; color: #59636e;
                     border-bottom: 1px solid #d1d9e0; }
.suggestion pre { background: #dafbe1; padding: 4px 12px; white-space: pre-wrap; }
i { font-style: normal; } .worse { color: #cf222e; } .better { color: #1a7f37; }
.check { display: flex; gap: 10px; padding: 14px 16px; align-items: center; }
.dot { width: 16px; height: 16px; border-radius: 50%; background: #59636e; flex: none; }
.dot.success { background: #1a7f37; } .dot.failure { background: #cf222e; }
"""


def conversation(work: App, number: int = 1) -> str:
    """The pull request's page: conversations on lines, the summary, the check's line."""
    pull = work.github.pull(SHOP, number)
    parts = [
        f"<h1>{html.escape(pull.title)} <span>#{number}</span></h1>",
        *(_comment(comments[0]) for _, comments in work.github.threads(SHOP, number)),
        *(_box(_author(work), each) for each in work.summaries(number)),
        _check_line(work.check(number)),
    ]
    return _page(parts)


def check_page(work: App, number: int = 1) -> str:
    """The check's own page."""
    check = work.check(number)
    output = check.output
    return _page(
        [
            f"<h1>{html.escape(output['title'])}</h1>",
            f'<div class="box"><div class="body">{rendered(output["summary"])}</div></div>',
            f'<div class="box"><div class="head"><b>Details</b></div>'
            f'<div class="body">{rendered(output.get("text") or "")}</div></div>',
        ]
    )


def rendered(markdown: str) -> str:
    """As GitHub renders it, HTML of ours included; suggestions as a box that can be committed."""
    shown: str = github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE)
    # Not every machine has a font with these.
    shown = shown.replace("🔻", '<i class="worse">▼</i>').replace("🔺", '<i class="better">▲</i>')
    for opening in ('<pre lang="suggestion"><code>', '<pre><code class="language-suggestion">'):
        while opening in shown:
            before, rest = shown.split(opening, 1)
            inside, after = rest.split("</code></pre>", 1)
            box = f'<div class="title">Suggested change</div><pre>{inside}</pre>'
            shown = f'{before}<div class="suggestion">{box}</div>{after}'
    return shown


def screenshot(page: str, file: Path, chromium: Path, *, height: int, width: int = 960) -> None:
    """The page as a picture."""
    file.parent.mkdir(parents=True, exist_ok=True)
    source = file.with_suffix(".html")
    source.write_text(page, "utf-8")
    subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--force-device-scale-factor=1.5",
            f"--user-data-dir={file.parent / 'profile'}",
            f"--window-size={width},{height}",
            f"--screenshot={file}",
            source.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )


def _comment(comment: ReviewComment) -> str:
    lines = "".join(_diff_line(line) for line in comment.diff_hunk.splitlines()[-9:])
    place = html.escape(comment.path)
    return (
        f'<div class="box"><div class="head"><b>{place}</b></div><div class="hunk">{lines}</div>'
        f'<div class="body"><p><b>themis-review</b><span class="bot">bot</span></p>'
        f"{rendered(comment.body)}</div></div>"
    )


def _diff_line(line: str) -> str:
    kind = {"+": "add", "-": "del", "@": "at"}.get(line[:1], "")
    return f'<pre class="{kind}">{html.escape(line)}</pre>'


def _box(author: str, body: str) -> str:
    head = f'<b>{author}</b><span class="bot">bot</span> <span class="when">commented</span>'
    return (
        f'<div class="box"><div class="head">{head}</div>'
        f'<div class="body">{rendered(body)}</div></div>'
    )


def _check_line(check: CheckRun) -> str:
    title = html.escape(str(check.output["title"]))
    dot = f'<span class="dot {check.conclusion}"></span>'
    return f'<div class="box"><div class="check">{dot}<b>{check.name}</b> {title}</div></div>'


def _author(work: App) -> str:
    return html.escape(work.github.app.slug)


def _page(parts: list[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Pull request</title>'
        f"<style>{_STYLE}</style><main>{body}</main></html>"
    )

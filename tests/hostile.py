"""Titles, texts, sources and names crafted to run, load, forge or cover something.

`ARTICLES` carry each of them in every field a reader sees; `OUTPUT` is what a model talked into it
would write; `owned` in a page shows that something ran, a request to OUTSIDE that something loaded.
"""

from __future__ import annotations

from datetime import date

from vectorstore.articles import Article

OUTSIDE = "outside.invalid"

PAYLOADS = (
    "${window.owned = 1}",
    "{{ window.owned = 1 }} {{constructor.constructor('window.owned=1')()}}",
    "<img src=x onerror=window.owned=1>",
    '"><img src=x onerror=window.owned=1>',
    "<svg onload=window.owned=1><animate onbegin=window.owned=1 attributeName=x dur=1s>",
    "</script><script>window.owned = 1</script>",
    "--></style></textarea></title><script>window.owned=1</script>",
    "[click](javascript:window.owned=1) <javascript:window.owned=1>",
    '<a href="javascript:window.owned=1">here</a>',
    '<a class="cite" href="/read/meeting?c=1">[1]</a>',
    '<a class="dl-open cite" id="dl-go" href="/read/meeting?c=1">[2]</a> [3] [99]',
    f"![pixel](https://{OUTSIDE}/p.png) <img src=https://{OUTSIDE}/i.png>",
    f"![pixel][1]\n\n[1]: https://{OUTSIDE}/reference.png",
    f'<link rel=stylesheet href="https://{OUTSIDE}/s.css"><style>@import "//{OUTSIDE}/t.css";</style>',
    f'<iframe src="https://{OUTSIDE}/"></iframe><video src="//{OUTSIDE}/v" autoplay></video>',
    f'<form action="https://{OUTSIDE}/"><button class="dl-do-unsample">Ask</button></form>',
    '<div style="position:fixed;inset:0;z-index:999999;background:red">covered</div>',
    f'<p style="background:url(https://{OUTSIDE}/b.png)">background</p>',
    f"```mermaid\ngraph TD; A-->B; click A 'https://{OUTSIDE}/m'\n```",
    f"$$\\href{{javascript:window.owned=1}}{{x}} \\includegraphics{{https://{OUTSIDE}/l.png}}$$ \\(x\\)",
    "# Heading\n\n- **bold** _em_ `code` ~~gone~~ | table |\n> quote\n\n---",
    "abc \u202egnp.exe\u202c \u2066isolated\u2069 \u200b\u200f end",
    "\x1b[31mred\x1b[0m \x07 \x00bell".replace("\x00", ""),
    "W" * 600,
    "<details open ontoggle=window.owned=1><summary>x</summary></details><mark>fake</mark>",
    "&lt;b&gt; &#60;img src=x onerror=window.owned=1&#62; &quot;",
)

ARTICLES = tuple(
    Article(
        id=f"hostile {number} {payload[:40]}",
        title=payload,
        text=f"Before. {payload} After.\n\nNumber {number} says: {payload}\n\nLast words.",
        source=f"{payload[:80]}",
        url="javascript:window.owned=1" if number % 2 else f"https://{OUTSIDE}/{number}",
        published=date(2025, 1, 1 + number),
    )
    for number, payload in enumerate(PAYLOADS)
)

OUTPUT = "\n\n".join(PAYLOADS)

"""Every story in a mail is found, with its own sender, date and subject; failures are reported."""

from __future__ import annotations

from base64 import encodebytes
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from quopri import encodestring

import pytest

from tests.test_loading import pdf, refusal, written
from vectorstore.articles import Article, Skipped
from vectorstore.loading import load

STORY = (
    "The swing bridge at Orrin stays shut until 4 May, the canal trust said. A barge had struck its "
    "west pier on Sunday night, and divers found a crack of two metres. Some 900 boats a month pass."
)
PAGE = f"<h1>Bridge shut</h1><p>{STORY}</p>"


def loaded(file: Path) -> tuple[list[Article], dict[str, str]]:
    """The articles in a mail, and what was reported about the rest."""
    items = list(load(file))
    told = {
        item.source.removeprefix(f"{file}").removeprefix(", "): item.reason
        for item in items
        if isinstance(item, Skipped)
    }
    return [item for item in items if isinstance(item, Article)], told


def mail(
    subject: str = "Bridge shut", sender: str = "Orrin Courier <desk@courier.example>"
) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"] = subject, sender
    made["Date"] = "Tue, 22 Apr 2025 08:15:00 +0100"
    return made


def test_an_attached_mail_that_was_encoded_is_read(tmp_path: Path) -> None:
    inner = mail("Inner", "Canal Trust <trust@canal.example>")
    inner.set_content(STORY)
    for encoding, packed in (
        ("base64", encodebytes(inner.as_bytes())),
        ("quoted-printable", encodestring(inner.as_bytes())),
    ):
        head = (
            b"Subject: Outer\nContent-Type: multipart/mixed; boundary=B\n\n--B\n\nFor the file.\n"
            b"--B\nContent-Type: message/rfc822\nContent-Transfer-Encoding: " + encoding.encode()
        )
        _, found = load(written(tmp_path / "a.eml", head + b"\n\n" + packed + b"\n--B--\n"))

        assert isinstance(found, Article)
        assert (found.title, found.source, found.published) == (
            *("Inner", "Canal Trust"),
            date(2025, 4, 22),
        )
        assert " ".join(found.text.split()) == STORY


@pytest.mark.parametrize(
    ("dated", "published"),
    [
        ("Tue, 22 Apr 25 08:15:00 EST", date(2025, 4, 22)),
        ("22 Apr 2025 08:15 +0100", date(2025, 4, 22)),
        ("yesterday", None),
        ("04/05/2025", None),
    ],
)
def test_a_date_of_a_mail_that_cannot_be_read_costs_it_alone_and_is_told(
    tmp_path: Path, dated: str, published: date | None
) -> None:
    loading = load(written(tmp_path / "a.eml", f"Subject: Bridge shut\nDate: {dated}\n\n{STORY}\n"))

    (article,) = loading

    assert isinstance(article, Article)
    assert article.published == published
    assert ["names no day" in notice.text for notice in loading.notices] == [True] * (not published)


def test_a_forwarded_mail_may_be_quoted_and_its_date_a_phrase(tmp_path: Path) -> None:
    made = mail()
    made.set_content(
        "For the file.\n\n------- Forwarded Message -------\nFrom: Canal Trust <trust@canal.example>\n"
        f"Date: On Monday, April 21st, 2025 at 9:00 AM\nSubject: Bridge\nTo: Siv\n\n> {STORY}\n"
    )
    _, inner = load(written(tmp_path / "a.eml", made.as_bytes()))

    assert isinstance(inner, Article)
    assert (inner.text, inner.published) == (STORY, date(2025, 4, 21))


# The text


@pytest.mark.parametrize(
    "plain",
    [
        "",
        " \n\u00a0\n",
        "Your mail program does not show HTML. Read this mail at https://courier.example/m/1",
        "This newsletter is best read in a browser.\n" * 20,
        "Bridge shut\n\nThe swing bridge at Orrin stays shut until 4 May … read on at courier.example",
    ],
)
def test_a_plain_part_that_stands_in_for_the_text_is_not_taken_for_it(
    tmp_path: Path, plain: str
) -> None:
    made = mail()
    made.set_content(plain)
    made.add_alternative(PAGE, subtype="html")

    (article,), _ = loaded(written(tmp_path / "a.eml", made.as_bytes()))

    assert article.text == f"Bridge shut\n\n{STORY}"


def test_a_plain_part_that_says_it_all_is_the_text(tmp_path: Path) -> None:
    made = mail()
    made.set_content(f"BRIDGE SHUT\n\n{STORY}\n")
    made.add_alternative(f"{PAGE}<p>Unsubscribe here</p><img src='x'>", subtype="html")

    (article,), _ = loaded(written(tmp_path / "a.eml", made.as_bytes()))

    assert article.text == f"BRIDGE SHUT\n\n{STORY}"


def test_texts_of_several_kinds_stand_in_their_order(tmp_path: Path) -> None:
    made = mail()
    made.make_mixed()
    for text, subtype in (("For the file.", "plain"), (PAGE, "html"), ("-- \nThe desk", "plain")):
        part = EmailMessage()
        part.set_content(text, subtype=subtype)
        made.attach(part)

    (article,), _ = loaded(written(tmp_path / "a.eml", made.as_bytes()))

    assert article.text == f"For the file.\n\nBridge shut\n\n{STORY}\n\n-- \nThe desk"


def test_lines_broken_to_be_sent_are_whole_again(tmp_path: Path) -> None:
    content = (
        "Subject: Bridge\nContent-Type: text/plain; format=flowed\n\n"
        "The swing bridge at Orrin stays \nshut until 4 May.\n\nA barge had \nstruck it.\n-- \nThe desk\n"
    )

    (article,), _ = loaded(written(tmp_path / "a.eml", content))

    assert article.text == (
        "The swing bridge at Orrin stays shut until 4 May.\n\nA barge had struck it.\n--\nThe desk"
    )


def test_quoted_lines_broken_to_be_sent_are_whole_again(tmp_path: Path) -> None:
    content = (
        "Subject: Bridge\nContent-Type: text/plain; format=flowed; delsp=yes\n\n"
        ">> Shut un \n>> til May.\n> > It \n> > is.\n> Why? \n\nA bar \nge \n> Oh.\n"
    )

    (article,), _ = loaded(written(tmp_path / "a.eml", content))

    assert article.text == ">> Shut until May.\n> > It\n> > is.\n> Why?\n\nA barge\n> Oh."


def test_pictures_among_the_texts_are_told_and_stand_for_a_text_that_is_not_there(
    tmp_path: Path,
) -> None:
    made = mail()
    made.set_content(STORY)
    made.add_alternative(f"{PAGE}<img src='cid:map'>", subtype="html")
    page = made.get_payload(1)
    assert isinstance(page, EmailMessage)
    page.add_related(
        b"\x89PNG", "image", "png", cid="<map>", filename="map.png", disposition="inline"
    )
    page.add_related(b"\x89PNG", "image", "png", cid="<mark>", disposition="inline")

    loading = load(written(tmp_path / "a.eml", made.as_bytes()))
    (article,) = loading
    flyer = mail("Flyer")
    flyer.set_content(b"\x89PNG", "image", "png", filename="flyer.png", disposition="inline")

    assert isinstance(article, Article)
    assert article.text == STORY
    (notice,) = loading.notices
    assert notice.text == (
        "2 parts of its text (pictures, recordings, …) were not read (map.png, image/png); save what has "
        "words in it, and add that"
    )
    found, told = loaded(written(tmp_path / "b.eml", flyer.as_bytes()))
    assert found == []
    assert "picture" in told["attachment 1, flyer.png"]


def test_an_invitation_beside_the_text_is_told(tmp_path: Path) -> None:
    made = mail()
    made.set_content(STORY)
    made.add_alternative("BEGIN:VCALENDAR\nSUMMARY:Council\nEND:VCALENDAR\n", subtype="calendar")

    loading = load(written(tmp_path / "a.eml", made.as_bytes()))

    assert [item.text for item in loading if isinstance(item, Article)] == [STORY]
    assert "1 part of its text (picture, recording, …) was not read (text/calendar)" in (
        loading.notices[0].text
    )


def test_a_text_in_another_encoding_than_its_mail_says_is_read_as_what_it_is(
    tmp_path: Path,
) -> None:
    for charset in ("us-ascii", "iso-8859-1", "windows-1252", "x-unknown"):
        head = f"Subject: x\nContent-Type: text/plain; charset={charset}\n"
        quoted = (
            "Content-Transfer-Encoding: quoted-printable\n\nDie Stra=C3=9Fe =E2=80=93 bis Mai.\n"
        )

        (article,), _ = loaded(written(tmp_path / "a.eml", head + quoted))

        assert article.text == "Die Straße – bis Mai."


# Attachments


def forwarded(*, attached: bool, subtype: str) -> EmailMessage:
    inner = mail()
    inner.set_content(STORY if subtype == "plain" else PAGE, subtype=subtype)
    inner.add_attachment(pdf("The report"), maintype="application", subtype="pdf", filename="r.pdf")
    outer = mail("Fwd: Bridge shut", "Ivo Lund <ivo@mail.example>")
    outer.replace_header("Date", "Wed, 23 Apr 2025 09:00:00 +0100")
    outer.set_content("For the file. Ivo")
    outer.add_attachment(inner)
    if not attached:
        part = list(outer.iter_parts())[-1]
        del part["Content-Disposition"]
    return outer


@pytest.mark.parametrize("attached", [True, False])
@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_a_forwarded_mail_is_an_article_of_its_own(
    tmp_path: Path, attached: bool, subtype: str
) -> None:
    file = written(tmp_path / "a.eml", forwarded(attached=attached, subtype=subtype).as_bytes())

    (outer, inner, report), told = loaded(file)

    assert told == {}
    assert outer.text == "For the file. Ivo"
    assert (outer.title, outer.authors) == ("Fwd: Bridge shut", ("Ivo Lund",))
    assert outer.published == date(2025, 4, 23)
    assert STORY in inner.text
    assert (inner.title, inner.authors) == ("Bridge shut", ("Orrin Courier",))
    assert (inner.source, inner.published) == ("Orrin Courier", date(2025, 4, 22))
    assert (report.text, report.source) == ("The report", "Orrin Courier")
    assert len({outer.id, inner.id, report.id}) == 3


def test_mails_in_mails_in_mails_are_articles_each_and_end(tmp_path: Path) -> None:
    made = mail("number 0")
    made.set_content("Text 0")
    for number in range(1, 40):
        outer = mail(f"number {number}")
        outer.set_content(f"Text {number}")
        outer.add_attachment(made)
        made = outer

    articles, told = loaded(written(tmp_path / "a.eml", made.as_bytes()))

    assert [article.title for article in articles][:3] == ["number 39", "number 38", "number 37"]
    assert len(articles) == 21
    assert "too deep" in next(iter(told.values()))


INLINE = {
    "gmail": f"""For the file.

---------- Forwarded message ---------
From: Orrin Courier <desk@courier.example>
Date: Tue, Apr 22, 2025 at 8:15 AM
Subject: Bridge shut
To: <ivo@mail.example>


{STORY}
""",
    "outlook": f"""For the file.

-----Original Message-----
From: Orrin Courier [mailto:desk@courier.example]
Sent: Tuesday, April 22, 2025 8:15 AM
To: Ivo Lund
Subject: Bridge shut

{STORY}
""",
    "apple": """For the file.

Begin forwarded message:

> From: Orrin Courier <desk@courier.example>
> Subject: Bridge shut
> Date: 22 April 2025 at 08:15:00 BST
> To: ivo@mail.example
>
"""
    f"> {STORY}\n",
    "thunderbird": f"""For the file.

-------- Weitergeleitete Nachricht --------
Betreff: 	Bridge shut
Datum: 	Dienstag, 22. April 2025 08:15
Von: 	Orrin Courier <desk@courier.example>
An: 	ivo@mail.example

{STORY}
""",
}


@pytest.mark.parametrize("program", INLINE)
def test_a_mail_that_is_forwarded_in_the_text_is_an_article_of_its_own(
    tmp_path: Path, program: str
) -> None:
    made = mail("Fwd: Bridge shut", "Ivo Lund <ivo@mail.example>")
    made.set_content(INLINE[program])

    (outer, inner), _ = loaded(written(tmp_path / "a.eml", made.as_bytes()))

    assert (outer.text, outer.authors) == ("For the file.", ("Ivo Lund",))
    assert (inner.text, inner.title) == (STORY, "Bridge shut")
    assert (inner.authors, inner.source) == (("Orrin Courier",), "Orrin Courier")
    assert inner.published == date(2025, 4, 22)


def test_one_forwarded_in_a_table_of_headers_and_forwarded_again_is_told_apart(
    tmp_path: Path,
) -> None:
    made = mail("Fwd: Fwd: Bridge shut", "Ada Holm <ada@mail.example>")
    made.set_content(
        "<p>-------- Forwarded Message --------</p><table>"
        "<tr><th>Subject: </th><td>Fwd: Bridge shut</td></tr>"
        "<tr><th>Date: </th><td>Wed, 23 Apr 2025 09:00:00 +0100</td></tr>"
        "<tr><th>From: </th><td>Ivo Lund &lt;ivo@mail.example&gt;</td></tr></table>"
        "<p>For the file.</p><div>---------- Forwarded message ---------<br>"
        "From: <b>Orrin Courier</b> &lt;desk@courier.example&gt;<br>"
        f"Date: Tue, Apr 22, 2025 at 8:15 AM<br>Subject: Bridge shut<br></div>{PAGE}",
        subtype="html",
    )

    (first, second), _ = loaded(written(tmp_path / "a.eml", made.as_bytes()))

    assert (first.authors, first.text) == (("Ivo Lund",), "For the file.")
    assert (second.authors, second.published) == (("Orrin Courier",), date(2025, 4, 22))
    assert second.text == f"Bridge shut\n\n{STORY}"


def test_an_answer_stays_one_article_with_what_it_quotes(tmp_path: Path) -> None:
    text = "No.\n\nOn Tue, Apr 22, 2025 at 8:15 AM Ivo Lund <ivo@mail.example> wrote:\n> Is it shut?\n> Really?\n> Ivo"
    made = mail()
    made.set_content(text)

    (article,), _ = loaded(written(tmp_path / "a.eml", made.as_bytes()))

    assert article.text == text


def test_what_stands_between_the_texts_is_read_or_told(tmp_path: Path) -> None:
    made = mail()
    made.set_content("See below.")
    for content, kind, name in (
        (pdf("Printed below"), ("application", "pdf"), "below.pdf"),
        (pdf("Without a name"), ("application", "pdf"), None),
        (b"<p>In a file</p>" * 30, ("text", "html"), "story.html"),
        (b"BEGIN:VCALENDAR", ("text", "calendar"), None),
        (b"\x89PNG", ("image", "png"), "logo.png"),
        (b"0\x80", ("application", "pkcs7-mime"), "smime.p7m"),
        (b"sig", ("application", "pgp-signature"), "signature.asc"),
    ):
        made.add_attachment(
            content, maintype=kind[0], subtype=kind[1], filename=name, disposition="inline"
        )

    articles, told = loaded(written(tmp_path / "a.eml", made.as_bytes()))

    assert [article.text[:15] for article in articles] == [
        *("See below.", "Printed below", "Without a name", "In a file\n\nIn a"),
    ]
    assert {label.partition(",")[2] or label: reason for label, reason in told.items()} == {
        "attachment 4": "is of a kind that cannot be read (text/calendar)",
        " smime.p7m": "is encrypted or sealed (S/MIME, PGP); save the mail as it is shown",
    }


def test_a_part_that_is_no_text_stops_no_other(tmp_path: Path) -> None:
    made = mail()
    made.make_mixed()
    for content in (STORY.encode(), bytes(range(256)) * 4):
        part = EmailMessage()
        part.set_content(content, "text", "plain", cte="base64")
        part["Content-Disposition"] = "inline"
        made.attach(part)

    (article,), told = loaded(written(tmp_path / "a.eml", made.as_bytes()))

    assert article.text == STORY
    assert "binary" in next(iter(told.values()))


def test_a_sealed_mail_is_told(tmp_path: Path) -> None:
    sealed = (
        "Subject: Secret\nContent-Type: multipart/encrypted; protocol=x; boundary=B\n\n--B\n"
        "Content-Type: application/pgp-encrypted\n\nVersion: 1\n--B\n"
        "Content-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n--B--\n"
    )

    assert "encrypted or sealed" in refusal(written(tmp_path / "a.eml", sealed))


# Mailboxes


def test_a_box_gives_every_mail_with_what_it_carries_along(tmp_path: Path) -> None:
    bare = mail("Other news", "Ada Holm <ada@mail.example>")
    bare["Message-ID"] = "<2@mail.example>"
    bare.set_content("From here on, boats wait.\n\nFrom there on 3 May 2025, too.")
    empty = mail("Nothing")
    parts = [forwarded(attached=True, subtype="html"), bare, empty]
    box = b"".join(
        b"From desk@courier.example Tue Apr 22 08:15:00 2025\n"
        + part.as_bytes().replace(b"\nFrom ", b"\n>From ")
        + b"\n\n"
        for part in parts
    )
    file = written(tmp_path / "news.mbox", box)

    articles, told = loaded(file)

    assert [article.title for article in articles] == [
        *("Fwd: Bridge shut", "Bridge shut", "The report", "Other news"),
    ]
    assert articles[3].text == "From here on, boats wait.\n\nFrom there on 3 May 2025, too."
    assert told == {"mail 3": "has no text"}
    assert len({article.id for article in articles}) == 4
    assert articles == loaded(file)[0]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_box_without_empty_lines_between_its_mails_gives_each(tmp_path: Path, end: str) -> None:
    lines = []
    for number in (1, 2):
        lines += [
            "From - Tue Apr 22 08:15:00 2025",
            f"Subject: No {number}",
            "",
            f"Story {number}.",
        ]
    lines += ["From there on it", "Rained: all day.", "From 3 May 2025", "It: dried."]

    articles, _ = loaded(written(tmp_path / "a.mbox", end.join(lines).encode()))

    assert [article.title for article in articles] == ["No 1", "No 2"]
    assert articles[1].text.split() == " ".join(["Story 2.", *lines[-4:]]).split()


def test_what_is_no_box_is_refused(tmp_path: Path) -> None:
    assert "is no box of mails" in refusal(written(tmp_path / "a.mbox", "From here to there.\n\nx"))


def test_a_text_that_a_mail_shows_is_of_the_mails_day_and_an_attached_one_is_not(
    tmp_path: Path,
) -> None:
    mail = EmailMessage()
    mail["From"] = "Mara <mara@post.example>"
    mail["Date"] = "Mon, 14 Jul 2025 08:00:00 +0200"
    mail.set_content("Two stories below.")
    mail.add_attachment("The flood took a bridge.", filename="a.txt", disposition="inline")
    mail.add_attachment("The ferry costs 12 million.", filename="b.txt")
    found = {
        a.text.strip(): a.published
        for a in load(written(tmp_path / "a.eml", mail.as_bytes()))
        if isinstance(a, Article)
    }

    assert found == {
        "Two stories below.": date(2025, 7, 14),
        "The flood took a bridge.": date(2025, 7, 14),
        "The ferry costs 12 million.": None,
    }


def in_parts(*bodies: str, total: int) -> list[bytes]:
    head = (
        "From desk@courier.example Tue Apr 22 08:15:00 2025\nFrom: Orrin Courier <desk@courier.example>\n"
        "Date: Tue, 22 Apr 2025 08:15:00 +0100\nSubject: Bridge ({0} of {1})\nMIME-Version: 1.0\n"
        'Content-Type: message/partial; id="x@courier"; number={0}; total={1}\n\n{2}\n\n'
    )
    return [head.format(n, total, body).encode() for n, body in enumerate(bodies, start=1)]


PARTS = (
    "Subject: Bridge shut\nContent-Type: text/plain; charset=utf-8\n\nThe swing bridge at Orrin",
    "stays shut.\nNote: divers found",
    "a crack.",
)


def test_a_mail_that_was_sent_in_parts_is_put_together_in_its_box(tmp_path: Path) -> None:
    one, two, three = in_parts(*PARTS, total=3)

    (article,), told = loaded(written(tmp_path / "a.mbox", three + one + two))

    assert article.text == ("The swing bridge at Orrin\nstays shut.\nNote: divers found\na crack.")
    assert (article.title, article.source) == ("Bridge shut", "Orrin Courier")
    assert article.published == date(2025, 4, 22)
    assert told == {}


def test_a_part_of_a_mail_is_told_and_not_taken_for_the_mail(tmp_path: Path) -> None:
    one, _, three = in_parts(*PARTS, total=3)

    articles, told = loaded(written(tmp_path / "a.mbox", one + three))

    assert articles == []
    assert [*told] == ["mail 1", "mail 2"]
    assert "one part of a mail" in told["mail 2"]
    assert "put them all into one .mbox" in refusal(
        written(tmp_path / "a.eml", three.partition(b"\n")[2])
    )


def test_a_text_that_begins_like_a_mail_in_a_box_is_text(tmp_path: Path) -> None:
    text = "Tickets are sold:\n\nFrom Monday 14 July 2025\nTickets: 12 crowns\nFrom: the kiosk"
    archived = (
        "From desk at courier.example  Tue Jan  4 12:33:00 2005\nFrom: desk\nSubject: {}\n\n{}\n\n"
    )
    box = archived.format("One", text) + archived.format("Two", "Another.")

    articles, _ = loaded(written(tmp_path / "a.mbox", box))

    assert [(each.title, each.text) for each in articles] == [("One", text), ("Two", "Another.")]


@pytest.mark.parametrize("kind", ["message/global", "message/news"])
def test_a_mail_attached_under_another_name_is_an_article_of_its_own(
    tmp_path: Path, kind: str
) -> None:
    outer = forwarded(attached=True, subtype="plain").as_bytes()

    articles, _ = loaded(
        written(tmp_path / "a.eml", outer.replace(b"message/rfc822", kind.encode()))
    )

    assert [article.title for article in articles][:2] == ["Fwd: Bridge shut", "Bridge shut"]


def test_a_mail_that_was_cut_off_is_told(tmp_path: Path) -> None:
    head = "Subject: Bridge\nContent-Type: multipart/mixed; boundary=B\n\n--B\n\nThe bridge\n"
    whole, cut = (load(written(tmp_path / f"a{n}.eml", head + n)) for n in ("--B--", ""))

    assert [item.text for item in (*whole, *cut) if isinstance(item, Article)] == ["The bridge"] * 2
    assert whole.notices == []
    assert [notice.text for notice in cut.notices] == [
        "ends in the middle of its parts; some of it may be missing"
    ]

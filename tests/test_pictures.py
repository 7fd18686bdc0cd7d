"""Pages of PDFs as pictures: only an article's own, of bounded size, with the quote marked."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from assistant.api import create_app
from assistant.errors import NoPictureError
from assistant.render.quoted import Quoted
from assistant.web.access import Access
from assistant.web.adding import Adding
from assistant.web.keys import Keys
from assistant.web.library import Library
from assistant.web.originals import Original, Originals
from assistant.web.pictures import Pictures
from assistant.web.sealing import Seal
from assistant.web.sessions import Sessions
from tests.fake_assistant import FakeAssistant
from tests.fake_embedding import FakeEmbedding
from tests.test_api import Client
from tests.test_loading import locked, only, written
from tests.test_pdf import STORY, Set, lines, printed, two_columns
from vectorstore.articles import Article, Origin, SourceFile
from vectorstore.errors import StoreBusyError, StoreFormatError
from vectorstore.loading import pdf
from vectorstore.loading.draft import Draft
from vectorstore.loading.pictures import Rectangle, drawn, located, marked, occurrences, wanted
from vectorstore.loading.worker import Limits, Worker
from vectorstore.local import LocalIndex
from vectorstore.syncing import uploaded_place

MILL = printed(
    [Set("Mill to turn again", 60, 740, 16), *lines(STORY)], lines("Mending begins in May.")
)


# ------------------------------------------------------------------------- where the words stand


@pytest.mark.parametrize(
    ("words", "page", "found"),
    [
        ("the mill", "At the mill.", ["the mill"]),
        ("the government pays", "The govern-\r\nment pays.", ["The govern-\r\nment pays"]),
        ("the council of Brae", "the coun\x02\r\ncil of Brae", ["the coun\x02\r\ncil of Brae"]),
        ("a fine office", "a \ufb01ne o\ufb03ce", ["a \ufb01ne o\ufb03ce"]),
        ("Ska\u030ane, café", "Skåne, cafe\u0301", ["Skåne, cafe"]),
        ("48 million crowns in all", "cost 481 million crowns in all", ["million crowns in all"]),
        (
            "they would mend the wheel, which is of elm",
            "The parish said they | of Brae, build\nwould mend the wheel, | boats. So\nwhich is of elm. | it is.",
            ["they", "would mend the wheel,", "which is of elm"],
        ),
        ("this stands somewhere else", "At the mill of Brae.", []),
        ("words at the mill which are not there", "At the mill of Brae.", []),
        ("Barley | 310 | 94", "Barley 310\r\n94 Oats", ["Barley 310\r\n94"]),
        (" -\n", "At the mill - of Brae.", []),
        ("the mill", "", []),
    ],
)
def test_words_are_found_by_their_letters_and_else_piece_by_piece(
    words: str, page: str, found: list[str]
) -> None:
    assert [page[start:end] for start, end in located(words, page)] == found


def test_words_that_stand_there_twice_are_found_where_they_were_cited() -> None:
    page = "the mill. The\nMill and the mill"
    assert [located("the mill", page, nth) for nth in (0, 1, 2, 3)] == [
        [(0, 8)],
        [(10, 18)],
        [(23, 31)],
        [(23, 31)],
    ]
    assert occurrences("The mill", page) == 3
    assert occurrences("", page) == 0


@settings(deadline=None)
@given(st.lists(st.text("abc é\n-", min_size=1, max_size=8), min_size=1, max_size=8), st.data())
def test_a_part_of_a_page_is_always_found_there(words: list[str], data: st.DataObject) -> None:
    page = " ".join(words)
    start = data.draw(st.integers(0, len(page)))
    end = data.draw(st.integers(start, len(page)))
    part = page[start:end]
    spans = located(part, page, occurrences(part, page[:start]))
    seen = "".join(page[a:b] for a, b in spans)
    assert [c for c in seen if c.isalpha()] == [c for c in part if c.isalpha()]


def below(content: bytes, page: int, rectangles: Sequence[Rectangle]) -> str:
    """The letters visible within these rectangles of a page."""
    with closing(pdfium.PdfDocument(content)) as document:
        shown = document[page - 1]
        (left, bottom, right, top), text = shown.get_cropbox(), shown.get_textpage()
        width, height = right - left, top - bottom
        seen = [
            text.get_text_bounded(
                left + x * width, top - (y + h) * height, left + (x + w) * width, top - y * height
            )
            for x, y, w, h in rectangles
        ]
    return letters(" ".join(seen))


def letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def marks(content: bytes, page: int, words: str) -> list[Rectangle]:
    (told,) = marked(content, wanted(page, words=words))
    return [(x, y, w, h) for x, y, w, h in told["rectangles"]]


@pytest.mark.parametrize("order", ["column by column", "line by line", "right first"])
def test_a_quote_over_two_columns_is_marked_line_by_line_in_both(order: str) -> None:
    left, right = two_columns()
    mixed = [line for pair in zip(left, right, strict=True) for line in pair]
    body = {"column by column": left + right, "line by line": mixed, "right first": right + left}
    content = printed([Set("A headline over both columns", 60, 740, 18), *body[order]])
    quote = "to mend the wheel of elm, which would be taken down by Halvorsen and Sons of Brae, who build boats."

    found = marks(content, 1, quote)

    assert below(content, 1, found) == letters(quote)
    columns = [x < 0.5 for x, _, _, _ in found]
    assert columns == [True] * columns.count(True) + [False]
    assert all(w < 0.45 and h < 0.03 for _, _, w, h in found)
    first = min(found)
    assert first[1] == pytest.approx(1 - (680 - 13 * 3 + 10) / 792, abs=0.01)


def test_every_sentence_of_an_article_is_marked_where_it_stands(tmp_path: Path) -> None:
    article = only(written(tmp_path / "a.pdf", MILL))
    first = article.text[: article.pages[1]]
    for sentence in first.replace("\n\n", " ").split(". "):
        found = marks(MILL, 1, sentence)
        assert below(MILL, 1, found) == letters(sentence)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_page_that_lies_is_marked_as_it_is_shown(turn: int) -> None:
    content = printed([Set("MARK", 60, 700, 40)], rotate=turn)
    ((x, y, w, h),) = marks(content, 1, "MARK")
    (told,) = drawn(content, wanted(1))
    picture = Image.open(io.BytesIO(base64.b64decode(told["picture"]))).convert("L")
    across, down = picture.size
    black = picture.point(lambda value: 255 * (value < 128)).getbbox()
    assert black is not None
    assert x * across - 2 <= black[0] <= black[2] <= (x + w) * across + 2
    assert y * down - 2 <= black[1] <= black[3] <= (y + h) * down + 2
    assert w * h < 0.02


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ("0 0 612 792", (1_200, 1_553)),
        ("0 0 14400 14400", (1_200, 1_200)),
        ("0 0 900000000 900000000", (1_200, 1_200)),
        ("0 0 3 14400", (1, 2_800)),
        ("0 0 14400 3", (1_200, 1)),
    ],
)
def test_a_picture_has_a_bounded_size_whatever_the_page_has(
    box: str, size: tuple[int, int]
) -> None:
    content = MILL.replace(b"/MediaBox [0 0 612 792]", f"/MediaBox [{box}]".encode())
    (told,) = drawn(content, wanted(1))
    assert Image.open(io.BytesIO(base64.b64decode(told["picture"]))).size == size
    (told,) = drawn(content, wanted(1, large=True))
    assert max(Image.open(io.BytesIO(base64.b64decode(told["picture"]))).size) <= 2_800


# --------------------------------------------------------------------------------- the originals


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Shelf:
    """An index with a page over it, and the PDFs kept for it."""

    def __init__(self, folder: Path, pictures: Pictures, *, most: int = 10_000_000) -> None:
        self.folder = folder / "index" / "originals"
        self.clock = Clock()
        self.index = LocalIndex(folder / "index", FakeEmbedding)
        self.originals = Originals(self.index, self.folder, most=most, clock=self.clock)
        self.assistant = FakeAssistant(())
        self.assistant.index = self.index  # type: ignore[assignment]
        self.library = Library(self.index, Adding(self.index, keep=self.originals.keep))
        self.made: dict[str, Any] = {
            "library": self.library,
            "originals": self.originals,
            "pictures": pictures,
        }
        self.api = Client(create_app(self.assistant, page=False, **self.made))

    def close(self) -> None:
        self.library.close()
        self.index.close()

    def upload(self, content: bytes, name: str = "mill.pdf") -> Article:
        """Add a file as the page does."""
        before = {summary.id for summary in self.index.articles()}
        self.library.adding.file(name, content)
        assert self.library.adding.wait(60)
        (new,) = {summary.id for summary in self.index.articles()} - before
        return self.index.get(new)

    def put(self, content: bytes, name: str = "mill.pdf") -> Article:
        """The same, without a process to parse it."""
        (draft,) = pdf.parse(content, name)
        assert isinstance(draft, Draft)
        place = uploaded_place(name, content)
        article = Article(place.rpartition("#")[2], draft.title, draft.text, pages=draft.pages)
        digest = hashlib.sha256(content).hexdigest()
        assert self.originals.keep(content) == ""
        origins = (Origin(place, article.id),)
        self.index.store_files(
            [SourceFile(place, len(content), digest=digest, origins=origins)], [article]
        )
        return article

    def kept(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*"))

    def quoted(self, article: Article, quote: str) -> str:
        start = article.text.index(quote)
        return str(Quoted.at(article.text, start, start + len(quote), 1))


@pytest.fixture(scope="module")
def pictures() -> Iterator[Pictures]:
    with closing(Pictures()) as pictures:
        yield pictures


@pytest.fixture
def shelf(tmp_path: Path, pictures: Pictures) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path, pictures)
    yield shelf
    shelf.close()


def test_a_page_of_an_upload_is_shown_and_its_quote_marked(shelf: Shelf) -> None:
    article = shelf.upload(MILL)
    assert shelf.api.get(f"/read/{article.id}").json()["pictures"] == 2

    reply = shelf.api.get(f"/picture/{article.id}?page=1")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/webp"
    assert reply.headers["cache-control"] == "private, no-cache"
    assert Image.open(io.BytesIO(reply.content)).size == (1_200, 1_553)
    assert (
        shelf.api.get(f"/picture/{article.id}?page=1&large=1").headers["etag"]
        != reply.headers["etag"]
    )
    again = shelf.api.get(
        f"/picture/{article.id}?page=1", headers={"If-None-Match": reply.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")

    quote = shelf.quoted(article, "a barge broke its sluice")
    found = shelf.api.get(f"/marks/{article.id}?page=1&q={quote}").json()["rectangles"]
    assert below(MILL, 1, found) == letters("a barge broke its sluice")
    elsewhere = shelf.api.get(f"/marks/{article.id}?page=2&q={quote}").json()
    assert elsewhere == {"rectangles": []}
    gone = quote[:-1] + ("0" if quote[-1] != "0" else "1")  # with other words in that place
    assert shelf.api.get(f"/marks/{article.id}?page=1&q={gone}").json() == {"rectangles": []}


def test_a_quote_over_the_end_of_a_page_is_marked_on_both(shelf: Shelf) -> None:
    content = printed(
        [*lines("The mill will be mended by those who live in the town of Brae. They will co-")],
        lines("operate in May, said the parish. They will not rest."),
    )
    article = shelf.put(content)
    quote = "They will cooperate in May"
    assert quote in article.text
    q = shelf.quoted(article, quote)
    first, second = (
        shelf.api.get(f"/marks/{article.id}?page={page}&q={q}").json()["rectangles"]
        for page in (1, 2)
    )
    assert below(content, 1, first) == letters("They will co")
    assert below(content, 2, second) == letters("operate in May")


def test_of_words_that_stand_twice_the_cited_ones_are_marked(shelf: Shelf) -> None:
    content = printed([*lines("It turns again.\nNobody had believed it.\nIt turns again.")])
    article = shelf.put(content)
    start = article.text.rindex("It turns again.")
    q = Quoted.at(article.text, start, start + 15, 1)
    ((_, y, _, _),) = shelf.api.get(f"/marks/{article.id}?page=1&q={q}").json()["rectangles"]
    assert y == pytest.approx(1 - (700 - 26 + 8) / 792, abs=0.01)


def test_a_file_on_this_computer_is_shown_from_where_it_lies_while_it_is_the_same(
    shelf: Shelf, tmp_path: Path
) -> None:
    file = written(tmp_path / "articles" / "mill.pdf", MILL)
    (article_id,) = shelf.index.add(file).added
    assert shelf.api.get(f"/picture/{article_id}?page=2").status_code == 200
    assert shelf.kept() == []  # it is not copied

    # Another file of the same size in its place is not shown.
    file.write_bytes(MILL.replace(b"May.", b"Jun."))
    reply = shelf.api.get(f"/picture/{article_id}?page=2")
    assert reply.status_code == 404
    assert "has changed since it was read" in reply.json()["message"]
    file.unlink()
    assert shelf.api.get(f"/read/{article_id}").json()["pictures"] == 0
    reply = shelf.api.get(f"/picture/{article_id}?page=2")
    assert (reply.status_code, "no longer there" in reply.text) == (404, True)
    os.mkfifo(file)  # that nobody writes to: it is not waited for
    assert shelf.api.get(f"/picture/{article_id}?page=2").status_code == 404
    assert shelf.api.get(f"/read/{article_id}").json()["pictures"] == 0


def test_no_other_file_is_shown_than_that_of_an_article(shelf: Shelf, tmp_path: Path) -> None:
    secret = written(tmp_path / "secret.pdf", printed([Set("A secret.", 60, 700)]))
    article = shelf.put(MILL)
    other = shelf.put(printed([Set("Another article.", 60, 700)]), "other.pdf")
    for path in (
        f"/picture/{secret}",
        f"/picture/../../{secret}",
        f"/picture/..%2f..%2f{str(secret).replace('/', '%2f')}",
        "/picture/",
        "/picture/nobody",
        f"/picture/{shelf.kept()[0]}",
        f"/picture/{shelf.kept()[0].removesuffix('.pdf')}",
        f"/picture/{article.id}/../{secret}",
    ):
        for kind in ("picture", "marks"):
            reply = shelf.api.get(f"{path.replace('picture', kind)}?page=1&q=1.0.3.{'0' * 12}")
            assert reply.status_code in (400, 404), path
    # What the index recorded of a file decides, and the file's bytes: its place alone does not.
    origin = Origin(str(secret), article.id)
    digest = "0" * 64
    shelf.index.remove([article.id])
    shelf.index.add_articles([article])
    shelf.index.store_files(
        [SourceFile(str(secret), secret.stat().st_size, digest=digest, origins=(origin,))]
    )
    assert shelf.api.get(f"/picture/{article.id}?page=1").status_code == 404
    for name in ("../secret", "x" * 64, ""):
        place = f"upload://{name}"
        shelf.index.store_files(
            [SourceFile(place, digest=f"../../{name}", origins=(Origin(place, article.id),))]
        )
        assert shelf.api.get(f"/picture/{article.id}?page=1").status_code == 404
    assert shelf.api.get(f"/picture/{other.id}?page=1").status_code == 200


def test_what_is_no_page_of_it_is_refused(shelf: Shelf) -> None:
    article = shelf.put(MILL)
    for page, status in (("3", 404), ("0", 422), ("-1", 422), ("x", 422), ("99999999", 422)):
        reply = shelf.api.get(f"/picture/{article.id}?page={page}")
        assert reply.status_code == status, page
    assert shelf.api.get(f"/picture/{article.id}?page=3").json()["message"] == (
        "the PDF has no page 3."
    )
    assert shelf.api.get(f"/marks/{article.id}?page=1&q=nonsense").status_code == 400


@pytest.mark.parametrize("broken", [locked(MILL, "secret"), MILL[:400], b"%PDF-1.4 and no more"])
def test_what_cannot_be_drawn_is_told_and_the_next_page_is_drawn(
    shelf: Shelf, pictures: Pictures, broken: bytes
) -> None:
    with pytest.raises(NoPictureError, match="the PDF cannot be drawn"):
        pictures.drawn(Original("1" * 64, broken), 1)
    article = shelf.put(MILL)
    assert shelf.api.get(f"/picture/{article.id}?page=1").status_code == 200


def test_what_takes_too_long_is_given_up(shelf: Shelf) -> None:
    hurried = Pictures(Limits(seconds=0.001))
    with closing(hurried), pytest.raises(NoPictureError, match="took longer than"):
        hurried.drawn(Original("1" * 64, MILL), 1)
    with pytest.raises(NoPictureError, match="ending"):
        hurried.drawn(Original("1" * 64, MILL), 1)


class Parser(Worker):
    """Says what a process taken over by a file may say; waits for `gate` if there is one."""

    def __init__(self, says: Any, gate: threading.Event | None = None) -> None:
        super().__init__()
        self.says, self.gate, self.asked = says, gate, 0

    def told(self, parser: Any, content: bytes, asked: str) -> Sequence[dict[str, Any]]:
        self.asked += 1
        if self.gate is not None:
            self.gate.wait(60)
        return [self.says]


@pytest.mark.parametrize(
    "says",
    [
        {"pages": 1},
        {"pages": 1, "picture": "PGh0bWw+"},
        {"pages": 1, "picture": "no base64!"},
        {"pages": 1, "picture": ["x"]},
        {"pages": "1", "picture": "UklGRgAAAABXRUJQ"},
        ["pages"],
    ],
)
def test_what_the_process_says_is_checked(says: Any) -> None:
    pictures = Pictures(worker=Parser(says))
    with pytest.raises(NoPictureError):
        pictures.drawn(Original("1" * 64, MILL), 1)


def test_rectangles_outside_of_the_page_are_left_out() -> None:
    boxes = [[0, 0, 1, 1], [0, 0, 9, 1], ["0", 0, 1, 1], [float("nan"), 0, 1, 1], [1], None]
    pictures = Pictures(worker=Parser({"pages": 1, "rectangles": boxes}))
    article = Article("a", "A", "text", pages=(0,))
    assert pictures.marked(Original("1" * 64, MILL), article, 1, 0, 4) == [(0, 0, 1, 1)]


def test_who_asks_for_the_same_page_gets_the_same_and_there_is_room_for_a_few() -> None:
    gate = threading.Event()
    parser = Parser({"pages": 99, "picture": "UklGRgAAAABXRUJQ"}, gate)
    pictures = Pictures(worker=parser)
    original = Original("1" * 64, MILL)
    got: list[bytes] = []
    inside = threading.Semaphore(0)

    def ask() -> None:
        with pictures.room():
            inside.release()
            got.append(pictures.drawn(original, 1))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=60)
    with pytest.raises(StoreBusyError, match="Try again shortly"), pictures.room():
        pass
    gate.set()
    for thread in threads:
        thread.join()
    assert got == [b"RIFF\0\0\0\0WEBP"] * 8
    assert parser.asked == 1
    with pictures.room():
        assert pictures.drawn(original, 2)


def test_an_upload_is_kept_for_its_owner_until_its_articles_are_gone_for_good(shelf: Shelf) -> None:
    article = shelf.upload(MILL)
    (name,) = shelf.kept()
    assert (shelf.folder / name).read_bytes() == MILL
    assert (shelf.folder / name).stat().st_mode & 0o777 == 0o600
    assert shelf.folder.stat().st_mode & 0o777 == 0o700
    shelf.clock.now += 10_000
    shelf.originals.sweep()
    assert shelf.kept() == [name]

    removal = shelf.library.remove([article.id])
    assert shelf.api.get(f"/picture/{article.id}?page=1").status_code == 404
    shelf.clock.now += 600
    shelf.originals.sweep()
    shelf.library.undo(removal)
    assert shelf.api.get(f"/picture/{article.id}?page=1").status_code == 200

    shelf.library.remove([article.id])
    shelf.clock.now += 1_201
    shelf.originals.sweep()
    assert shelf.kept() == []
    # Added again, it is kept again.
    shelf.put(MILL)
    assert shelf.kept() == [name]


def test_at_the_next_start_what_no_article_is_from_is_removed(shelf: Shelf, tmp_path: Path) -> None:
    article = shelf.put(MILL)
    shelf.put(printed([Set("Another article.", 60, 700)]), "other.pdf")
    shelf.library.remove([article.id])
    (shelf.folder / f"{'a' * 64}.part").write_bytes(b"half")
    (shelf.folder / "mine.txt").write_bytes(b"put here by somebody")
    again = Originals(shelf.index, shelf.folder, most=1)
    again.sweep()
    assert len(shelf.kept()) == 2
    assert "mine.txt" in shelf.kept()


def test_files_beyond_the_limit_are_added_and_not_kept(tmp_path: Path, pictures: Pictures) -> None:
    shelf = Shelf(tmp_path, pictures, most=len(MILL) + 10)
    shelf.put(MILL)
    article = shelf.upload(printed([Set("Another article.", 60, 700)]), "other.pdf")
    assert len(shelf.kept()) == 1
    assert shelf.api.get(f"/read/{article.id}").json()["pictures"] == 0
    (notice,) = shelf.library.adding.status().notices
    assert (notice.source, "DATELINE_KEEP_PDFS" in notice.text) == ("other.pdf", True)
    shelf.close()


def test_nothing_is_kept_of_other_files_or_where_it_is_turned_off(
    tmp_path: Path, shelf: Shelf, pictures: Pictures
) -> None:
    shelf.upload(b"A text of the mill.", "a.txt")
    assert shelf.kept() == []
    (tmp_path / "off").mkdir()
    off = Shelf(tmp_path / "off", pictures, most=0)
    article = off.upload(MILL)
    assert off.kept() == []
    assert off.api.get(f"/read/{article.id}").json()["pictures"] == 0
    off.close()
    # The same file again, once the setting is on.
    on = Shelf(tmp_path / "off", pictures)
    on.library.adding.file("mill.pdf", MILL)
    assert on.library.adding.wait(60)
    assert on.api.get(f"/read/{article.id}").json()["pictures"] == 2
    on.close()


def test_a_file_that_cannot_be_kept_is_added_all_the_same(shelf: Shelf) -> None:
    shelf.folder.write_bytes(b"a file in its place")
    article = shelf.upload(MILL)
    assert article.text.startswith("Mill to turn again")
    (notice,) = shelf.library.adding.status().notices
    assert "could not be kept" in notice.text
    with pytest.raises(StoreFormatError, match="not a folder"):
        Originals(shelf.index, shelf.folder, most=1)


def test_a_link_in_the_place_of_what_is_kept_is_not_followed(shelf: Shelf, tmp_path: Path) -> None:
    article = shelf.put(MILL)
    (name,) = shelf.kept()
    moved = tmp_path / "moved.pdf"
    (shelf.folder / name).rename(moved)
    (shelf.folder / name).symlink_to(moved)
    assert shelf.api.get(f"/picture/{article.id}?page=1").status_code == 404


def test_pages_need_the_password_or_a_key_as_the_text_does(shelf: Shelf) -> None:
    article = shelf.put(MILL)
    with closing(Sessions.open()) as sessions, closing(Keys.open(seal=Seal(b"k" * 32))) as keys:
        access = Access("four words of mine", sessions)
        app = create_app(shelf.assistant, page=False, access=access, keys=keys, **shelf.made)
        api = Client(app)
        bearer = {"Authorization": f"Bearer {keys.create('reader', 'ask', 0.0)}"}
        q = shelf.quoted(article, "Mill")
        for path in (
            f"/read/{article.id}",
            f"/picture/{article.id}?page=1",
            f"/marks/{article.id}?page=1&q={q}",
        ):
            assert api.get(path).status_code == 401, path
            assert api.get(path, headers=bearer).status_code == 200, path

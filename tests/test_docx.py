"""A Word document is read as its author means it: with notes, changes accepted, its own title."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest

from tests.test_loading import archive, only, word, written
from vectorstore.articles import Article
from vectorstore.loading import load

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def paragraph(*runs: str, mark: str = "") -> str:
    return f"<w:p><w:pPr><w:rPr>{mark}</w:rPr></w:pPr>{''.join(runs)}</w:p>"


RAISED = '<w:vertAlign w:val="superscript"/>'


def with_parts(content: bytes, **parts: str) -> bytes:
    """A document with these parts beside its text: footnotes="<w:footnote …/>"."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    relations = types = ""
    for name, body in parts.items():
        members[f"word/{name}.xml"] = f"<w:{name} {W}>{body}</w:{name}>".encode()
        relations += f'<Relationship Id="x{name}" Type="{_TYPE}/{name}" Target="{name}.xml"/>'
        kind = f"application/vnd.openxmlformats-officedocument.wordprocessingml.{name}+xml"
        types += f'<Override PartName="/word/{name}.xml" ContentType="{kind}"/>'
    for name, end, more in (
        ("word/_rels/document.xml.rels", b"</Relationships>", relations),
        ("[Content_Types].xml", b"</Types>", types),
    ):
        members[name] = members[name].replace(end, more.encode() + end)
    return archive(members)


def test_notes_stand_behind_the_text_in_the_order_it_refers_to_them(tmp_path: Path) -> None:
    def note(kind: str, number: int, text: str) -> str:
        return f"<w:{kind} w:id='{number}'>{paragraph(run(text))}</w:{kind}>"

    body = paragraph(
        run("The ore ship Vestra sank with 48"),
        "<w:r><w:footnoteReference w:id='2'/></w:r>",
        run(" wagons"),
        "<w:r><w:endnoteReference w:id='1'/></w:r>",
        "<w:del><w:r><w:footnoteReference w:id='3'/></w:r></w:del>",
        run("."),
    )
    separator = (
        "<w:footnote w:type='separator' w:id='-1'><w:p><w:r><w:separator/></w:r></w:p></w:footnote>"
    )
    content = with_parts(
        word(body=body),
        footnotes=separator
        + note("footnote", 2, "Of 61 tonnes each.")
        + note("footnote", 3, "No."),
        endnotes=note("endnote", 1, "Mine archive, box 9."),
    )

    text = only(written(tmp_path / "a.docx", content)).text

    assert text == (
        "The ore ship Vestra sank with 48 wagons.\n\nOf 61 tonnes each.\n\nMine archive, box 9."
    )


def test_what_is_raised_or_lowered_runs_into_no_number(tmp_path: Path) -> None:
    body = "".join(
        [
            paragraph(
                run("It held 48"),
                run("1", RAISED),
                run(" wagons, 10"),
                run("6", RAISED),
                run(" kg of ore and CO"),
                run("2", '<w:vertAlign w:val="subscript"/>'),
                run(" in 3 m"),
                run("3", '<w:rStyle w:val="Up"/>'),
                run(" flasks."),
            ),
            paragraph(run("1 Of 61 tonnes each.")),
        ]
    )
    styles = (
        f"<w:style w:type='character' w:styleId='Up'><w:rPr>{RAISED}</w:rPr></w:style>"
    ).replace("<w:style ", f"<w:style {W} ")
    with zipfile.ZipFile(io.BytesIO(word(body=body))) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members["word/styles.xml"] = members["word/styles.xml"].replace(
        b"</w:styles>", styles.encode() + b"</w:styles>"
    )

    text = only(written(tmp_path / "a.docx", archive(members))).text

    assert text == (
        "It held 48 wagons, 10⁶ kg of ore and CO2 in 3 m³ flasks.\n\n1 Of 61 tonnes each."
    )


def test_what_is_moved_up_or_down_runs_into_no_number(tmp_path: Path) -> None:
    moved = '<w:position w:val="{}"/>'
    body = paragraph(
        run("It held 48"),
        run("3", moved.format("8")),
        run(" wagons of CO"),
        run("2", moved.format("-6")),
        run(" and 7"),
        run("5", moved.format("0")),
        run(" men."),
    )
    assert only(written(tmp_path / "a.docx", word(body=body))).text == (
        "It held 48³ wagons of CO2 and 75 men."
    )


def test_changes_are_read_as_accepted_down_to_rows_cells_and_the_ends_of_paragraphs(
    tmp_path: Path,
) -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(run(text))}</w:tc>"

    body = (
        paragraph(run("The ship left at"), mark="<w:del/>")
        + paragraph(
            "<w:del><w:r><w:delText>nine</w:delText><w:tab/></w:r></w:del>",
            f"<w:ins>{run(' ten')}</w:ins>",
            run("."),
            run("And secretly.", "<w:vanish/>"),
            run(" It sank.", '<w:vanish w:val="0"/>'),
        )
        + paragraph(f"<w:moveFrom>{run('moved away')}</w:moveFrom>", mark="<w:moveFrom/>")
        + f"<w:tbl><w:tr><w:trPr><w:del/></w:trPr>{cell('gone')}</w:tr>"
        f"<w:tr>{cell('kept')}{cell('gone', '<w:cellDel/>')}{cell('too')}</w:tr></w:tbl>"
        + paragraph(f"<w:moveTo>{run('moved here')}</w:moveTo>")
    )

    text = only(written(tmp_path / "a.docx", word(body=body))).text

    assert text == "The ship left at ten. It sank.\n\nkept | too\n\nmoved here"


def test_formulas_and_readings_of_words_are_text(tmp_path: Path) -> None:
    maths = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    formula = (
        f"<m:oMath {maths}><m:r><m:t>E=m</m:t></m:r><m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup>"
        "<m:r><m:t>2</m:t></m:r></m:sup></m:sSup><m:r><m:t>+</m:t></m:r><m:f><m:num><m:r><m:t>1"
        "</m:t></m:r></m:num><m:den><m:r><m:t>3</m:t></m:r></m:den></m:f></m:oMath>"
    )
    ruby = f"<w:r><w:ruby><w:rt>{run('とうきょう')}</w:rt><w:rubyBase>{run('東京')}</w:rubyBase></w:ruby></w:r>"

    text = only(written(tmp_path / "a.docx", word(body=paragraph(formula, ruby)))).text

    assert text.startswith("E=mc²+1/3")
    assert re.sub(r"\s", "", text).endswith("(とうきょう)東京")


@pytest.mark.parametrize(
    ("said", "style", "title"),
    [
        ("The ore ship", "Title", "The ore ship"),
        ("Microsoft Word - draft 3.doc", "Title", "Found in the fjord"),
        ("Word Document", "Title", "Found in the fjord"),
        ("", "Heading 1", "Found in the fjord"),
        ("Document1", "Normal", "Ministry of Mines"),
        (None, "Normal", "Ministry of Mines"),
    ],
)
def test_a_title_is_the_documents_own_or_how_it_is_headed(
    tmp_path: Path, said: str | None, style: str, title: str
) -> None:
    from docx import Document

    document = Document()
    document.core_properties.title = said or ""
    document.add_paragraph("Ministry of Mines")
    document.add_paragraph("Found in the fjord", style=style)
    document.add_paragraph("The ore ship Vestra was found.")
    out = io.BytesIO()
    document.save(out)
    content = out.getvalue()
    if said is None:  # python-docx would make up properties
        with zipfile.ZipFile(out) as old:
            members = {n: old.read(n) for n in old.namelist() if n != "docProps/core.xml"}
        rels = members["_rels/.rels"]
        members["_rels/.rels"] = re.sub(rb'<Relationship [^>]*core\.xml"[^>]*/>', b"", rels)
        content = archive(members)

    assert only(written(tmp_path / "a.docx", content)).title == title


def test_a_part_of_another_format_is_told(tmp_path: Path) -> None:
    content = word(body=paragraph(run("Text.")) + '<w:altChunk w:id="x"/>')
    loading = load(written(tmp_path / "a.docx", content))

    assert len(list(loading)) == 1
    assert "another format and was not read" in loading.notices[0].text


def test_what_is_struck_out_is_not_said(tmp_path: Path) -> None:
    off = '<w:strike w:val="0"/>'
    runs = [
        run("It held "),
        run("31 ", "<w:strike/>"),
        run("40 ", "<w:dstrike/>"),
        run("48 wagons.", off),
    ]

    text = only(written(tmp_path / "a.docx", word(body=paragraph(*runs)))).text

    assert text == "It held 48 wagons."


CHART = """<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:chart><c:title><c:tx><c:rich><a:bodyPr/>
<a:p><a:r><a:t>Ore shipped</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea><c:barChart><c:barDir val="bar"/>
<c:ser><c:idx val="0"/><c:order val="0"/><c:tx><c:strRef><c:f>S!B1</c:f><c:strCache><c:ptCount val="1"/><c:pt idx="0">
<c:v>Tonnes</c:v></c:pt></c:strCache></c:strRef></c:tx><c:cat><c:strRef><c:f>S!A2</c:f><c:strCache><c:ptCount val="2"/>
<c:pt idx="0"><c:v>1911</c:v></c:pt><c:pt idx="1"><c:v>1912</c:v></c:pt></c:strCache></c:strRef></c:cat><c:val>
<c:numRef><c:f>S!B2</c:f><c:numCache><c:ptCount val="2"/><c:pt idx="0"><c:v>61</c:v></c:pt><c:pt idx="1"><c:v>70.5</c:v>
</c:pt></c:numCache></c:numRef></c:val></c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"""
DIAGRAM = """<d:dataModel xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><d:ptLst><d:pt modelId="1"><d:t><a:bodyPr/><a:p><a:r>
<a:t>Mine </a:t></a:r><a:r><a:t>manager</a:t></a:r></a:p></d:t></d:pt><d:pt modelId="2"><d:t><a:p/></d:t></d:pt>
<d:pt modelId="3"><d:t><a:p><a:r><a:t>Loading master</a:t></a:r></a:p></d:t></d:pt></d:ptLst></d:dataModel>"""
_OF = "http://schemas.openxmlformats.org/drawingml/2006"


def drawn(tag: str, relation: str) -> str:
    """A paragraph with a chart or diagram anchored in it."""
    refers = f'xmlns:d="{_OF}/{tag.split(":")[0]}" xmlns:r="{_TYPE}" {relation}'
    data = f'<a:graphicData xmlns:a="{_OF}/main"><d:{tag.split(":")[1]} {refers}/></a:graphicData>'
    return paragraph(f"<w:r><w:drawing>{data}</w:drawing></w:r>")


def with_drawings(content: bytes, **parts: str) -> bytes:
    """A document with these parts, under relation ids such as rcharts and rdiagrams."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    relations = ""
    for name, part in parts.items():
        members[f"word/{name}.xml"] = part.encode()
        relations += f'<Relationship Id="r{name}" Type="{_TYPE}/{name}" Target="{name}.xml"/>'
    where = "word/_rels/document.xml.rels"
    end = b"</Relationships>"
    members[where] = members[where].replace(end, relations.encode() + end)
    return archive(members)


def test_the_figures_of_charts_and_the_words_of_diagrams_are_read(tmp_path: Path) -> None:
    body = (
        paragraph(run("Before."))
        + drawn("chart:chart", 'r:id="rchart"')
        + drawn("diagram:relIds", 'r:dm="rdiagram"')
        + drawn("chart:chart", 'r:id="rgone"')
        + paragraph(run("After."))
    )
    content = with_drawings(word(body=body), chart=CHART, diagram=DIAGRAM)

    text = only(written(tmp_path / "a.docx", content)).text

    assert text == (
        "Before.\n\nOre shipped\n\n| Tonnes\n1911 | 61\n1912 | 70.5\n\nMine manager\nLoading master\n\nAfter."
    )


def test_a_chart_that_is_damaged_costs_the_chart_and_is_told(tmp_path: Path) -> None:
    body = paragraph(run("Before.")) + drawn("chart:chart", 'r:id="rchart"')
    loading = load(written(tmp_path / "a.docx", with_drawings(word(body=body), chart="<c:chart")))
    (article,) = loading

    assert isinstance(article, Article)
    assert article.text == "Before."
    assert [notice.text for notice in loading.notices] == ["a chart or diagram could not be read"]


def test_cells_and_rows_within_content_controls_are_read(tmp_path: Path) -> None:
    def cell(inner: str) -> str:
        return f"<w:tc><w:tcPr/>{inner}</w:tc>"

    def control(inner: str) -> str:
        return f"<w:sdt><w:sdtPr/><w:sdtContent>{inner}</w:sdtContent></w:sdt>"

    weight = control(cell(paragraph(run("61 tonnes"))))
    inner = control(paragraph(run("70 tonnes")))
    rows = f"<w:tr>{cell(paragraph(run('Ore')))}{weight}</w:tr>" + control(
        f"<w:tr>{cell(paragraph(run('Coal')))}{cell(inner)}</w:tr>"
    )

    text = only(written(tmp_path / "a.docx", word(body=f"<w:tbl>{rows}</w:tbl>"))).text

    assert text == "Ore | 61 tonnes\nCoal | 70 tonnes"


def test_a_style_is_raised_struck_or_hidden_as_the_one_it_is_based_on(tmp_path: Path) -> None:
    def style(name: str, properties: str, base: str = "") -> str:
        based = f'<w:basedOn w:val="{base}"/>' if base else ""
        return (
            f'<w:style w:type="character" w:styleId="{name}"><w:name w:val="{name}"/>{based}'
            f"<w:rPr>{properties}</w:rPr></w:style>"
        )

    def styled(text: str, name: str, more: str = "") -> str:
        return run(text, f'<w:rStyle w:val="{name}"/>{more}')

    styles = (
        style("Up", RAISED)
        + style("Mark", "<w:b/>", "Up")
        + style("Secret", "<w:vanish/>")
        + style("Gone", "<w:strike/>")
        + style("Loop", "<w:b/>", "Loop")
    )
    body = paragraph(
        run("It cost 21"),
        styled("1", "Mark"),
        styled(" secret", "Secret"),
        styled(" million", "Secret", '<w:vanish w:val="0"/>'),
        styled(" in all", "Gone"),
        styled(".", "Loop"),
    )
    content = word(body=body)
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members["word/styles.xml"] = f"<w:styles {W}>{styles}</w:styles>".encode()

    assert only(written(tmp_path / "a.docx", archive(members))).text == "It cost 21¹ million."


def test_signs_that_word_takes_from_a_font_of_signs_are_read(tmp_path: Path) -> None:
    def sign(code: str, font: str = "Symbol") -> str:
        return f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'

    body = paragraph(
        *(run("5 "), sign("F06D"), run("m "), sign("F0B1"), run("3 "), sign("F0FC", "Wingdings")),
        *(run(" "), sign("F04A", "Wingdings"), run("end")),
    )

    assert only(written(tmp_path / "a.docx", word(body=body))).text == "5 μm ±3 ✓ end"


def test_a_chart_of_a_newer_kind_is_told(tmp_path: Path) -> None:
    chart = 'xmlns:cx="http://schemas.microsoft.com/office/drawing/2014/chartex"'
    body = paragraph(run("Before."), f"<w:r><w:drawing><cx:chart {chart}/></w:drawing></w:r>")
    loading = load(written(tmp_path / "a.docx", word(body=body)))

    (article,) = loading

    assert isinstance(article, Article)
    assert article.text == "Before."
    assert [notice.text for notice in loading.notices] == ["a chart or diagram could not be read"]

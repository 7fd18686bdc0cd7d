"""Slides, workbooks, OpenDocument texts, Outlook's mails and subtitles: text, and what is reported."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ole import compound, message
from tests.test_docx import DIAGRAM
from tests.test_loading import archive, only, pdf, refusal, repacked, word, written
from vectorstore.articles import Article, Skipped
from vectorstore.loading import load

STORY = "The seed bank at Kolm opened on Friday with 41,000 kinds of barley, its keeper said."

# Slides


def slides(*, title: str = "") -> bytes:
    from pptx import Presentation
    from pptx.util import Cm

    made = Presentation()
    made.core_properties.title = title
    first = made.slides.add_slide(made.slide_layouts[5])
    first.shapes.title.text = "A bank for barley"
    lower = first.shapes.add_textbox(Cm(2), Cm(12), Cm(10), Cm(2))
    lower.text_frame.text = "Second, lower."
    upper = first.shapes.add_textbox(Cm(2), Cm(6), Cm(10), Cm(2))
    paragraph = upper.text_frame.paragraphs[0]
    for text, baseline in (
        ("It cost 21", 0),
        ("1", 30000),
        (" million for 10", 0),
        ("6", 30000),
        (" grains.", 0),
    ):
        run = paragraph.add_run()
        run.text = text
        run.font._element.set("baseline", str(baseline))
    last = upper.text_frame.add_paragraph()
    struck, note = last.add_run(), last.add_run()
    struck.text = "With it. "
    struck.font._element.set("strike", "dblStrike")
    note.text = "Without the land."
    first.notes_slide.notes_text_frame.text = "Say that the keeper is Ane Holt."
    hidden = made.slides.add_slide(made.slide_layouts[6])
    hidden._element.set("show", "0")
    hidden.shapes.add_textbox(0, 0, Cm(5), Cm(5)).text_frame.text = "hidden"
    end = made.slides.add_slide(made.slide_layouts[6])
    table = end.shapes.add_table(2, 2, Cm(1), Cm(1), Cm(8), Cm(4)).table
    for place, text in {(0, 0): "Grain", (0, 1): "Kinds", (1, 0): "Rye", (1, 1): "310"}.items():
        table.cell(*place).text = text
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def test_slides_are_pages_of_one_article(tmp_path: Path) -> None:
    article = only(written(tmp_path / "a.pptx", slides()))

    assert article.text == (
        "A bank for barley\n\nIt cost 21¹ million for 10⁶ grains.\n\nWithout the land.\n\nSecond, lower.\n\n"
        "Say that the keeper is Ane Holt.\n\nGrain | Kinds\nRye | 310"
    )
    assert [article.text[start:][:5] for start in article.pages] == ["A ban", "Grain"]
    assert article.title == "A bank for barley"
    assert only(written(tmp_path / "b.pptx", slides(title="Seeds"))).title == "Seeds"


def test_what_is_raised_in_a_table_or_title_runs_into_no_figure(tmp_path: Path) -> None:
    from pptx import Presentation
    from pptx.util import Cm

    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[5])
    table = slide.shapes.add_table(1, 2, Cm(1), Cm(9), Cm(8), Cm(4)).table
    frames = [slide.shapes.title.text_frame, *(table.cell(0, n).text_frame for n in (0, 1))]
    for frame, baseline in zip(frames, ("30000", "30%", "-25000"), strict=True):
        for text, level in (("It cost 21", "0"), ("1", baseline), (" million", "")):
            run = frame.paragraphs[0].add_run()
            run.text = text
            run.font._element.set("baseline", level) if level else None
    out = io.BytesIO()
    made.save(out)

    article = only(written(tmp_path / "a.pptx", out.getvalue()))

    assert article.title == "It cost 21¹ million"
    assert article.text == ("It cost 21¹ million\n\nIt cost 21¹ million | It cost 21₁ million")


def test_a_formula_and_its_text_are_read_though_older_programs_show_a_picture(
    tmp_path: Path,
) -> None:
    from lxml import etree
    from pptx import Presentation
    from pptx.util import Cm

    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[6])
    box = slide.shapes.add_textbox(Cm(2), Cm(6), Cm(10), Cm(2))
    box.text_frame.text = "Energy is "
    maths = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    newer = 'xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"'
    formula = (
        f'<a14:m {newer} xmlns:m="{maths}"><m:oMath><m:r><m:t>E=m</m:t></m:r><m:sSup><m:e><m:r><m:t>c</m:t>'
        "</m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath></a14:m>"
    )
    box.text_frame.paragraphs[0]._p.append(etree.fromstring(formula))
    both = etree.fromstring(
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f'<mc:Choice {newer} Requires="a14"/><mc:Fallback/></mc:AlternateContent>'
    )
    box._element.getparent().replace(box._element, both)
    both[0].append(box._element)
    out = io.BytesIO()
    made.save(out)

    assert only(written(tmp_path / "a.pptx", out.getvalue())).text == "Energy is E=mc²"


def test_a_group_is_read_as_one_and_a_title_first(tmp_path: Path) -> None:
    from pptx import Presentation
    from pptx.util import Cm

    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[5])
    group = slide.shapes.add_group_shape()
    boxes = [(slide.shapes, 10, "Below."), (group.shapes, 1, "One"), (group.shapes, 20, "two.")]
    for shapes, top, text in boxes:
        shapes.add_textbox(Cm(2), Cm(top), Cm(5), Cm(1)).text_frame.text = text
    slide.shapes.title.text = "A bank"
    slide.shapes.title.top = Cm(15)
    out = io.BytesIO()
    made.save(out)

    text = only(written(tmp_path / "a.pptx", out.getvalue())).text

    assert text == "A bank\n\nOne\n\ntwo.\n\nBelow."


# Workbooks


def test_the_figures_of_a_chart_are_read_and_hidden_slides_are_told(tmp_path: Path) -> None:
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    made = Presentation()
    first, second = (made.slides.add_slide(made.slide_layouts[5]) for _ in range(2))
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["1952", "1953"]
    data.add_series("Salmon", (1234567, 9.25))
    chart = first.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, 9, 9, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Fish at the weir"
    second.shapes.title.text = "Not to be shown"
    second._element.set("show", "0")
    packed = io.BytesIO()
    made.save(packed)
    loading = load(written(tmp_path / "a.pptx", packed.getvalue()))
    (article,) = loading

    assert isinstance(article, Article)
    assert article.text == "Fish at the weir\n\n| Salmon\n1952 | 1234567\n1953 | 9.25"
    assert [notice.text for notice in loading.notices] == ["slide 2 is hidden and was left out"]


def test_the_words_of_a_diagram_are_read(tmp_path: Path) -> None:
    from lxml import etree
    from pptx import Presentation
    from pptx.opc.constants import RELATIONSHIP_TYPE
    from pptx.opc.package import Part
    from pptx.opc.packuri import PackURI

    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[6])
    kind = "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml"
    where = PackURI("/ppt/diagrams/data1.xml")
    part = Part(where, kind, made.part.package, DIAGRAM.encode())
    relation = slide.part.relate_to(part, RELATIONSHIP_TYPE.DIAGRAM_DATA)
    slide.shapes._spTree.append(
        etree.fromstring(
            f"""<p:graphicFrame xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"
            xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"
            xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><p:nvGraphicFramePr>
            <p:cNvPr id="9" name="x"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr><p:xfrm/><a:graphic>
            <a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/diagram"><d:relIds
            xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram" r:dm="{relation}"/>
            </a:graphicData></a:graphic></p:graphicFrame>"""
        )
    )
    packed = io.BytesIO()
    made.save(packed)

    article = only(written(tmp_path / "a.pptx", packed.getvalue()))

    assert article.text == "Mine manager\nLoading master"


def workbook(*, from_1904: bool = False, **sheets: list[Any]) -> bytes:
    import xlsxwriter  # type: ignore[import-untyped]

    out = io.BytesIO()
    options = {"default_date_format": "d mmm yyyy", "date_1904": from_1904}
    with xlsxwriter.Workbook(out, options) as made:
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return out.getvalue()


def test_a_sheet_of_records_gives_an_article_a_row(tmp_path: Path) -> None:
    rows = [
        ["Headline", "Published", "Text", "Id"],
        ["Bank opens", datetime(2025, 3, 7), STORY, 12.0],  # noqa: DTZ001 -- as in a cell
        ["No text", None, "", 13],
        ["Second", "soon", "<p>Rye &amp; oats</p>", ""],
    ]
    loading = load(written(tmp_path / "a.xlsx", workbook(news=rows)))

    one, skipped, two = loading

    assert isinstance(one, Article)
    assert isinstance(two, Article)
    assert (one.title, one.text, one.published) == ("Bank opens", STORY, date(2025, 3, 7))
    assert one.id == "12"
    assert isinstance(skipped, Skipped)
    assert (skipped.source, skipped.reason) == (f"{tmp_path / 'a.xlsx'}, row 3", "has no text")
    assert (two.text, two.published) == ("Rye & oats", None)
    assert "row 4: date 'soon' names no day" in loading.notices[0].text


def test_a_title_may_precede_the_heads_of_the_columns(tmp_path: Path) -> None:
    rows = [["Press review"], [], ["Title", "Date", "Text"], ["Bank opens", 45292, STORY]]

    article = only(written(tmp_path / "a.xlsx", workbook(news=rows)))

    assert (article.title, article.text, article.published) == (
        *("Bank opens", STORY),
        date(2024, 1, 1),
    )


def test_raised_figures_in_a_cell_run_into_none_beside_them(tmp_path: Path) -> None:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as made:
        sheet = made.add_worksheet()
        raised = made.add_format({"font_script": 1})
        lowered = made.add_format({"font_script": 2})
        sheet.write_rich_string(
            0, 0, "It cost 21", raised, "1", " million and 10", raised, "6", " fish"
        )
        sheet.write_rich_string(
            1, 0, "The CO", lowered, "2", " of 3 m", raised, "2", " of 1998", raised, "4"
        )
        sheet.write_string(2, 0, "Plain 211")

    assert only(written(tmp_path / "a.xlsx", out.getvalue())).text == (
        "It cost 21¹ million and 10⁶ fish\nThe CO2 of 3 m² of 1998⁴\nPlain 211"
    )


@pytest.mark.parametrize(("from_1904", "counted"), [(False, 45292), (True, 43830)])
def test_days_in_cells_that_are_not_formatted_as_such_are_read(
    tmp_path: Path, from_1904: bool, counted: int
) -> None:
    rows = [["Text", "Date"], ["One", counted], ["Two", datetime(2024, 1, 1)]]  # noqa: DTZ001
    loading = load(written(tmp_path / "a.xlsx", workbook(from_1904=from_1904, news=rows)))

    found = [item.published for item in loading if isinstance(item, Article)]

    assert found == [date(2024, 1, 1)] * 2
    assert "are days as Excel counts them: 2024-01-01" in loading.notices[0].text


def test_the_order_of_days_in_figures_counts_for_all_sheets_that_do_not_show_their_own(
    tmp_path: Path,
) -> None:
    content = workbook(
        May=[["Text", "Date"], ["One", "03/04/2024"]],
        June=[["Text", "Date"], ["Two", "25/04/2024"]],
    )
    american = workbook(
        May=[["Text", "Date"], ["One", "03/04/2024"], ["More", "04/25/2024"]],
        June=[["Text", "Date"], ["Two", "25/04/2024"]],
    )

    one, _ = load(written(tmp_path / "a.xlsx", content))
    other, _, _ = load(written(tmp_path / "b.xlsx", american))

    assert isinstance(one, Article)
    assert isinstance(other, Article)
    assert (one.published, other.published) == (date(2024, 4, 3), date(2024, 3, 4))


def test_any_other_sheet_is_an_article_of_its_rows(tmp_path: Path) -> None:
    content = workbook(
        Kinds=[["Grain", "Kinds"], ["Rye", 310], ["Barley", 41000.5]],
        Empty=[],
        Costs=[["Land", datetime(2024, 5, 1)], ["Glass", "1,200"]],  # noqa: DTZ001
    )

    kinds, costs = load(written(tmp_path / "a.xlsx", content))

    assert isinstance(kinds, Article)
    assert isinstance(costs, Article)
    assert (kinds.title, kinds.text) == ("Kinds", "Grain | Kinds\nRye | 310\nBarley | 41000.5")
    assert (costs.title, costs.text) == ("Costs", "Land | 2024-05-01\nGlass | 1,200")
    assert costs.published is None


def test_a_sheet_shows_its_values_in_their_columns_and_as_they_are_shown(tmp_path: Path) -> None:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 1, ["Year", "Rye", "Barley", "Oats"])
        sheet.write_row(1, 1, ["2024", 0.125, "", True], made.add_format({"num_format": "0.0%"}))
        sheet.write_row(2, 1, ["2025", "", 0.5], made.add_format({"num_format": 9}))

    assert only(written(tmp_path / "a.xlsx", out.getvalue())).text == (
        "Year | Rye | Barley | Oats\n2024 | 12.5% |  | TRUE\n2025 |  | 50%"
    )


@pytest.mark.parametrize(
    ("value", "shape", "shown"),
    [
        (0.125, "0%", "13%"),
        (0.285, "0%", "29%"),
        (1234.5, "$#,##0.00", "$1,234.50"),
        (1234.5, "[$€-407] #,##0.00", "€ 1,234.50"),
        (-1234.5, "_-£* #,##0.00_-;[Red]-£* #,##0.00_-", "-£1,234.50"),
        (-1234.5, "$#,##0;($#,##0)", "($1,235)"),
        (1234.5, '#,##0.0##\\ "kr"', "1,234.5 kr"),
        (12_500_000, '0.0,,"M"', "12.5M"),
        (7, "00000", "00007"),
        (0.5, 'General" t"', "0.5 t"),
        (0, '#,##0" kr";;"none"', "0"),
        (5.2, '0.0"%"', "5.2%"),
        (5, "0\\%", "5%"),
        (0, '_-"€"* #,##0.00_-;-"€"* #,##0.00_-;_-"€"* "-"??_-;_-@_-', "€-"),
        (0.5, '#.00" kg"', ".50 kg"),
        (0, '#,##0.00" kg"', "0.00 kg"),
        (0.052, "[Color10]0.0%;[Color 3]-0.0%", "5.2%"),
        (0.052, "[<0.1]0.0%;0%", "5.2%"),
        (-0.052, "[>0.1]0%;0.0%", "-5.2%"),
        (0, '0" kg";;', ""),
        (-5, '0" kg";;', "-5"),
        # The number itself says as much, or the format is none of a number.
        (1234.567, "#,##0.00", "1234.567"),
        (-5, "0_);(0)", "-5"),
        (1.5, "# ?/?", "1.5"),
        (123456789, "0.00E+00", "123456789"),
        (5551234, "000-0000", "5551234"),
        (5, '[>=10]0" tons";0" kg"', "5"),
    ],
)
def test_a_number_keeps_the_unit_that_its_cell_shows(
    tmp_path: Path, value: float, shape: str, shown: str
) -> None:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as made:
        made.add_worksheet().write_row(0, 0, ["Rye", value], made.add_format({"num_format": shape}))

    assert only(written(tmp_path / "a.xlsx", out.getvalue())).text == f"Rye | {shown}".rstrip("| ")


@pytest.mark.parametrize("from_1904", [False, True])
def test_days_times_durations_and_errors_are_read_as_they_are_shown(
    tmp_path: Path, from_1904: bool
) -> None:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"date_1904": from_1904}) as made:
        sheet = made.add_worksheet()
        for column, (value, shape) in enumerate(
            [
                (datetime(2025, 3, 4), "mmmm yyyy"),  # noqa: DTZ001 -- as in a cell
                (datetime(2025, 3, 4, 14, 30), "d/m/yy hh:mm"),  # noqa: DTZ001
                (time(14, 30), "h:mm AM/PM"),
                (timedelta(hours=30, minutes=5, seconds=7), "[h]:mm:ss"),
            ]
        ):
            sheet.write_datetime(0, column, value, made.add_format({"num_format": shape}))
        sheet.write_formula(0, 4, "=1/0", None, "#DIV/0!")

    assert only(written(tmp_path / "a.xlsx", out.getvalue())).text == (
        "2025-03-04 | 2025-03-04 14:30 | 14:30 | 30:05:07 | #DIV/0!"
    )


def test_an_error_in_a_record_is_no_text(tmp_path: Path) -> None:
    rows = [["Title", "Text"], ["Rye", "Rye is up."], ["Oats", "=NA()"]]
    content = workbook(news=rows)
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        sheet = made.read("xl/worksheets/sheet1.xml")
    assert b"<v>0</v>" in sheet
    sheet = sheet.replace(b'<c r="B3">', b'<c r="B3" t="e">').replace(b"<v>0</v>", b"<v>#N/A</v>")
    content = repacked(content, **{"xl/worksheets/sheet1.xml": sheet})

    rye, oats = load(written(tmp_path / "a.xlsx", content))

    assert isinstance(rye, Article)
    assert isinstance(oats, Skipped)
    assert oats.reason == "has no text"


def test_an_opendocument_sheet_is_read_as_it_is_shown(tmp_path: Path) -> None:
    def cell(kind: str, value: str, shown: str) -> str:
        return f'<table:table-cell office:value-type="{kind}" {value}>{shown}</table:table-cell>'

    cells = [
        cell("percentage", 'office:value="0.125"', "<text:p>12.5%</text:p>"),
        cell(
            "currency", 'office:value="1234.5" office:currency="EUR"', "<text:p>1.234,50 €</text:p>"
        ),
        cell("float", 'office:value="3"', "<text:p>3 tons</text:p>"),
        cell("float", 'office:value="1234.5"', "<text:p>1.234,5</text:p>"),
        cell("float", 'office:value="0"', "<text:p>#DIV/0!</text:p>"),
        cell("float", 'office:value="1234567"', "<text:p>###</text:p>"),
        cell("percentage", 'office:value="0.5"', "<text:p>###</text:p>"),
        cell("date", 'office:date-value="2025-03-04"', "<text:p>4 Mar</text:p>"),
        cell("time", 'office:time-value="PT30H05M00S"', "<text:p>30:05</text:p>"),
        cell(
            "string", "", "<text:p>21<text:span text:style-name='T1'>1</text:span> million</text:p>"
        ),
        cell(
            "string",
            "",
            "<office:annotation><text:p>No!</text:p></office:annotation><text:p>a</text:p>",
        ),
    ]
    names = ("office", "style", "text", "table")
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names
    )
    raised = "<style:text-properties style:text-position='super 58%'/>"
    whole = (
        f"<office:document-content {spaces}><office:automatic-styles>"
        f"<style:style style:name='T1' style:family='text'>{raised}</style:style>"
        "</office:automatic-styles><office:body><office:spreadsheet><table:table table:name='S'>"
        f"<table:table-row>{''.join(cells)}</table:table-row>"
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        "<m:manifest xmlns:m='urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'>"
        f"<m:file-entry m:full-path='/' m:media-type='{kind}'/></m:manifest>"
    )
    content = archive(
        {
            "mimetype": kind.encode(),
            "content.xml": whole.encode(),
            "META-INF/manifest.xml": manifest.encode(),
        }
    )

    assert only(written(tmp_path / "a.ods", content)).text == (
        "12.5% | 1.234,50 € | 3 tons | 1234.5 | #DIV/0! | 1234567 | 0.5 | 2025-03-04 | "
        "30:05 | 21¹ million | a"
    )


def test_what_merged_cells_say_counts_for_each_of_their_rows(tmp_path: Path) -> None:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as made:
        sheet = made.add_worksheet()
        sheet.write_row(1, 1, ["Date", "Title", "Text"])
        sheet.merge_range(2, 1, 3, 1, "2025-03-07")
        sheet.write_row(2, 2, ["Rye", "Rye is up."])
        sheet.write_row(3, 2, ["Oats", "Oats are down."])

    found = list(load(written(tmp_path / "a.xlsx", out.getvalue())))

    assert [(each.title, each.published) for each in found if isinstance(each, Article)] == [
        ("Rye", date(2025, 3, 7)),
        ("Oats", date(2025, 3, 7)),
    ]


def test_hidden_sheets_and_formulas_without_a_result_are_told(tmp_path: Path) -> None:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as made:
        sheet = made.add_worksheet("Open")
        sheet.write_row(0, 0, ["Rye", 310])
        sheet.write_formula(1, 0, "=B1*2", value=620)
        sheet.write_formula(1, 1, "=B1*3", value="")
        made.add_worksheet("Sources").hide()
    with zipfile.ZipFile(out) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"].replace(
        b' t="str"><f>B1*3</f><v></v>', b"><f>B1*3</f>"
    )
    loading = load(written(tmp_path / "a.xlsx", archive(members)))

    (article,) = loading

    assert isinstance(article, Article)
    assert article.text == "Rye | 310\n620"
    assert [notice.text for notice in loading.notices] == [
        "formulas without a result in the file: 1; open it in a spreadsheet program and save it",
        "sheet Sources is hidden and was left out",
    ]


# OpenDocument


def opened(
    body: str, *, styles: str = "", meta: str = "", more: dict[str, bytes] | None = None
) -> bytes:
    names = ("office", "text", "table", "drawing", "style")
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in names)
    content = (
        f"<office:document-content {spaces}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    described = f'<office:document-meta {spaces} xmlns:dc="http://purl.org/dc/elements/1.1/">{meta}</office:document-meta>'
    members = {
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": content.encode(),
        "meta.xml": described.encode(),
    }
    return archive(members | (more or {}))


STRUCK = "".join(
    f'<style:style style:name="{name}"><style:text-properties {properties}/></style:style>'
    for name, properties in (
        ("T2", 'style:text-line-through-style="solid"'),
        ("T3", 'style:text-line-through-style="none"'),
        ("T4", 'text:display="none"'),
    )
)
RAISED = '<style:style style:name="T1"><style:text-properties style:text-position="super 58%"/></style:style>'


def test_an_opendocument_text_gives_what_is_to_be_read(tmp_path: Path) -> None:
    def cell(text: str) -> str:
        return f"<table:table-cell><text:p>{text}</text:p></table:table-cell>"

    body = (
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        '<text:h text:outline-level="1">A bank for\n barley</text:h>'
        "<text:p>It cost 21<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Without "
        'the land.</text:p></text:note-body></text:note> million for 10<text:span text:style-name="T1">6</text:span>'
        '<text:s text:c="2"/>grains.<office:annotation><text:p>really?</text:p></office:annotation></text:p>'
        "<text:list><text:list-item><text:p>Rye</text:p></text:list-item></text:list>"
        f"<table:table><table:table-row>{cell('Grain')}{cell('Kinds')}</table:table-row></table:table>"
        "<text:p>Seen<drawing:frame><drawing:text-box><text:p>boxed</text:p></drawing:text-box></drawing:frame></text:p>"
        "<text:table-of-content><text:p>contents</text:p></text:table-of-content>"
    )

    article = only(written(tmp_path / "a.odt", opened(body, styles=RAISED)))

    assert article.text == (
        "A bank for barley\n\nIt cost 21 million for 10⁶  grains.\n\nRye\n\nGrain | Kinds\n\nSeen\n\nboxed\n\n"
        "Without the land."
    )
    assert article.title == "A bank for barley"
    said = opened(
        "<text:p>x</text:p>", meta="<dc:title>Seeds</dc:title><dc:language>nb-NO</dc:language>"
    )
    other = only(written(tmp_path / "b.odt", said))
    assert (other.title, other.language) == ("Seeds", "nb")


def test_what_is_struck_out_or_hidden_in_an_opendocument_text_is_not_said(tmp_path: Path) -> None:
    def span(style: str, text: str) -> str:
        return f'<text:span text:style-name="{style}">{text}</text:span>'

    body = f"<text:p>It held {span('T2', '31 ')}{span('T3', '48')} wagons{span('T4', ', no')}.</text:p>"
    body += '<text:p text:style-name="T2">Nothing of it.</text:p>'

    article = only(written(tmp_path / "a.odt", opened(body, styles=STRUCK)))

    assert article.text == "It held 48 wagons."


def test_an_opendocument_style_is_raised_or_struck_out_as_the_one_it_is_based_on(
    tmp_path: Path,
) -> None:
    styles = RAISED + STRUCK
    for name, base in (("Child", "T1"), ("Grandchild", "Child"), ("Gone", "T2")):
        styles = f'<style:style style:name="{name}" style:parent-style-name="{base}"/>' + styles
    body = (
        '<text:p>It cost 21<text:span text:style-name="Grandchild">1</text:span> million'
        '<text:span text:style-name="Gone"> in all</text:span>.</text:p>'
        '<text:section text:display="none"><text:p>hidden</text:p></text:section>'
    )

    article = only(written(tmp_path / "a.odt", opened(body, styles=styles)))

    assert article.text == "It cost 21¹ million."


def test_shapes_and_formulas_in_an_opendocument_text_are_read(tmp_path: Path) -> None:
    def linked(name: str) -> str:
        link = f'xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="./{name}"'
        return f"<drawing:frame><drawing:object {link}/></drawing:frame>"

    body = (
        "<text:p>Before<drawing:custom-shape><text:p>shape</text:p></drawing:custom-shape>after.</text:p>"
        f"<text:p>Energy is {linked('Object 1')}.{linked('Object 2')}</text:p>"
    )
    formula = (
        b'<m:math xmlns:m="http://www.w3.org/1998/Math/MathML"><m:mi>E</m:mi><m:mo>=</m:mo><m:msup><m:mi>c</m:mi>'
        b"<m:mn>2</m:mn></m:msup></m:math>"
    )
    more = {"Object 1/content.xml": formula, "Object 2/content.xml": b"<chart/>"}
    loading = load(written(tmp_path / "a.odt", opened(body, more=more)))

    (article,) = loading

    assert isinstance(article, Article)
    assert article.text == "Beforeafter.\n\nshape\n\nEnergy is E = c²."
    assert [notice.text for notice in loading.notices] == [
        "a chart or other object in it was not read"
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive({"a.txt": b"x"}), "content.xml is missing"),
        (opened("<text:p>").replace(b"x", b"x"), "not XML"),
        (
            archive(
                {
                    "content.xml": b"\x00\x01",
                    "META-INF/manifest.xml": b"<manifest:encryption-data/>",
                }
            ),
            "protected by a password",
        ),
    ],
)
def test_what_is_no_opendocument_text_is_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    assert reason in refusal(written(tmp_path / "a.odt", content))


def test_entities_in_an_opendocument_text_read_no_files(tmp_path: Path) -> None:
    secret = written(tmp_path / "secret", "SECRET")
    content = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><x>&e;</x>'.encode()

    (item,) = load(written(tmp_path / "a.odt", archive({"content.xml": content})))

    assert "SECRET" not in repr(item)


@pytest.mark.parametrize("name", ["a.odt", "a.pptx", "a.xlsx", "a.msg", "a.srt", "a.vtt", "a.xls"])
@pytest.mark.parametrize(
    "content",
    [b"plain text", b"PK\x03\x04 cut off", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600],
)
def test_what_only_has_such_a_name_is_refused_or_read(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (item,) = load(written(tmp_path / name, content))

    assert isinstance(item, Skipped)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (slides(), "A bank"),
        (workbook(a=[[STORY]]), STORY),
        (opened(f"<text:p>{STORY}</text:p>"), STORY),
        (word(STORY), STORY),
    ],
)
def test_what_a_packed_file_is_tells_its_content(
    tmp_path: Path, content: bytes, found: str
) -> None:
    assert found in only(written(tmp_path / "a.zip", content)).text


# Outlook


def sent(day: datetime) -> bytes:
    return struct.pack(
        "<Q", int((day - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
    )


def test_a_mail_of_outlooks_is_read_as_it_was_sent(tmp_path: Path) -> None:
    inner = message({0x0037: "Barley", 0x0C1A: "Kolm Courier", 0x1000: STORY}, inner=True)
    paper: dict[int, str | bytes] = {
        0x3707: "rows.csv",
        0x3701: b"title,text\nRye,Rye is up.",
        0x370E: "text/csv",
    }
    printed: dict[int, str | bytes] = {0x3707: "plan.pdf", 0x3701: pdf("The plan.")}
    logo: dict[int, str | bytes] = {
        0x3707: "logo.png",
        0x3701: b"\x89PNG",
        0x370E: "image/png",
        0x3712: "cid1",
    }
    tree = message(
        {
            0x0037: "FW: Barley",
            0x0C1A: "Ane Holt",
            0x0C1F: "ane@mail.example",
            0x1000: "This mail needs HTML.",
            0x1013: f"<p>For the <b>file</b>.</p><p>{STORY}</p>".encode(),
            0x0039: sent(datetime(2025, 3, 8, 9, tzinfo=UTC)),
        },
        [inner, paper, printed, logo],
    )

    outer, forwarded, row, plan = load(written(tmp_path / "a.msg", compound(tree)))

    assert isinstance(outer, Article)
    assert outer.text == f"For the file.\n\n{STORY}"
    assert (outer.title, outer.authors) == ("FW: Barley", ("Ane Holt",))
    assert (outer.published, outer.source) == (date(2025, 3, 8), "Ane Holt")
    assert isinstance(forwarded, Article)
    assert (forwarded.title, forwarded.text, forwarded.source) == ("Barley", STORY, "Kolm Courier")
    assert isinstance(row, Article)
    assert row.text == "Rye is up."
    assert isinstance(plan, Article)
    assert plan.text == "The plan."


def test_a_mail_of_outlooks_in_rich_text_is_read(tmp_path: Path) -> None:
    import compressed_rtf

    rich = compressed_rtf.compress(rb"{\rtf1\ansi It cost 21{\super 1} million.\par}")
    tree = message({0x0037: "Barley", 0x1009: rich})

    assert only(written(tmp_path / "a.msg", compound(tree))).text == "It cost 21¹ million."


# Subtitles

SRT = """1
00:00:01,000 --> 00:00:03,000
<i>The seed bank at Kolm</i>
opened on Friday

2
00:00:03,100 --> 00:00:05,000
with 41,000 kinds of barley,
its keeper said.

3
00:00:15,000 --> 00:00:17,000
- Who is that?
- Ane Holt.
"""
VTT = """WEBVTT

NOTE made by a machine

00:00:01.000 --> 00:00:03.000
<v Ane Holt>The seed bank at Kolm

00:00:03.000 --> 00:00:05.000
The seed bank at Kolm
opened on <00:00:04.000><c>Friday</c>

00:00:06.000 --> 00:00:07.000
<v Reporter>Since when?
"""


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("kolm.en.srt", SRT, f"{STORY}\n\nWho is that?\n\nAne Holt."),
        (
            "kolm.vtt",
            VTT,
            "Ane Holt: The seed bank at Kolm opened on Friday\n\nReporter: Since when?",
        ),
    ],
)
def test_subtitles_are_read_as_running_text(
    tmp_path: Path, name: str, content: str, text: str
) -> None:
    article = only(written(tmp_path / name, content))

    assert article.text == text
    assert article.title == "Kolm"


def test_signs_that_captions_write_by_name_are_read(tmp_path: Path) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nVik &amp; Moe said 3 &lt; 4.\n"

    assert only(written(tmp_path / "a.vtt", text)).text == "Vik & Moe said 3 < 4."


def test_what_is_said_again_after_a_pause_is_no_rolling_caption(tmp_path: Path) -> None:
    said = (
        ("It is open.", 1, 2),
        ("No!", 3, 4),
        ("No!", 5, 6),
        ("Yes,\nit is.", 6, 7),
        ("it is.", 7, 8),
    )
    text = "\n\n".join(f"00:0{a}.000 --> 00:0{b}.000\n{words}" for words, a, b in said)

    article = only(written(tmp_path / "a.vtt", f"WEBVTT\n\n{text}\n"))

    assert article.text == "It is open. No! No! Yes, it is."


def test_what_nobody_is_named_for_is_not_put_into_the_last_speakers_mouth(tmp_path: Path) -> None:
    said = ("<v Ane Holt>It is", "open.", "Is it?", "<v Bo>Yes.")
    captions = (f"00:0{n}.000 --> 00:0{n + 1}.000\n{words}" for n, words in enumerate(said))

    article = only(written(tmp_path / "a.vtt", "WEBVTT\n\n" + "\n\n".join(captions)))

    assert article.text == "Ane Holt: It is open.\n\nIs it?\n\nBo: Yes."

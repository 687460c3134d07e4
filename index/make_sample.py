"""Makes the files of index/sample that are not plain UTF-8 text, from the texts in index/source.

    pip install -r index/requirements.txt
    python index/make_sample.py           # writes the files
    python index/make_sample.py --check   # writes nothing: holds the questions against the texts

The same sources give the same bytes. The scanned PDF needs a Japanese font to draw its pages with
(Debian: fonts-ipafont-gothic); no font is put into any file.
"""

import csv
import io
import pathlib
import re
import sys
import tomllib
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE, SAMPLE = HERE / "source", HERE / "sample"
SCAN_FONT = "/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf"

# Source below index/source to file below index/sample. The ending of the file chooses the writer.
FILES = {
    "law/chiiki-koubunsho-hou.txt": "law/chiiki-koubunsho-hou.xml",
    "law/chiiki-koubunsho-seirei.txt": "law/chiiki-koubunsho-seirei.xml",
    "law/mimamori-hou-r4.txt": "law/mimamori-hou-r4.xml",
    "law/mimamori-hou-r7.txt": "law/mimamori-hou-r7.xml",
    "law/mimamori-hou-r10.txt": "law/mimamori-hou-r10.xml",
    "notice/r6-shoumei-tesuuryou.txt": "notice/r6-shoumei-tesuuryou.txt",
    "notice/r7-juumin-idou.md": "notice/r7-juumin-idou.docx",
    "notice/r7-bunsho-hozon.txt": "notice/r7-bunsho-hozon.txt",
    "notice/r8-jidou-teate.md": "notice/r8-jidou-teate.pdf",
    "notice/r5-kairan-scan.txt": "notice/r5-kairan-scan.pdf",
    "ordinance/tesuuryou-jourei.md": "ordinance/tesuuryou-jourei.docx",
    "ordinance/akiya-jourei.md": "ordinance/akiya-jourei.pdf",
    "ordinance/haikibutsu-kisoku.txt": "ordinance/haikibutsu-kisoku.txt",
    "youkou/akiya-jokyaku-r7.md": "youkou/akiya-jokyaku-r7.docx",
    "youkou/akiya-jokyaku-h31.md": "youkou/akiya-jokyaku-h31.pdf",
    "manual/tennyuu-todoke.md": "manual/tennyuu-todoke.docx",
    "manual/mynumber-card.md": "manual/mynumber-card.pdf",
    "manual/seikatsuhogo-shokai.md": "manual/seikatsuhogo-shokai.docx",
    "manual/madoguchi-kenshuu.md": "manual/madoguchi-kenshuu.pptx",
    "table/tesuuryou-ichiran.csv": "table/tesuuryou-ichiran.xlsx",
    "table/shisetsu-shiyouryou.csv": "table/shisetsu-shiyouryou.xls",
    "table/hinanjo.csv": "table/hinanjo.xlsx",
    "table/gomi-shuushuu.csv": "table/gomi-shuushuu.csv",
    "faq/shimin-faq.csv": "faq/shimin-faq.csv",
    "minutes/r7-gikai-12gatsu.md": "minutes/r7-gikai-12gatsu.docx",
}
# Encodings of the text files; all have the line ends of Windows.
ENCODINGS = {
    "notice/r6-shoumei-tesuuryou.txt": "shift_jis",
    "notice/r7-bunsho-hozon.txt": "cp932",
    "ordinance/haikibutsu-kisoku.txt": "cp932",
    "table/gomi-shuushuu.csv": "cp932",
    "faq/shimin-faq.csv": "euc_jp",
}


# ---- sources ------------------------------------------------------------------------------------


def blocks(text):
    """Yields ("head", level, text), ("table", rows), ("item", text), ("break",), ("line", text)."""
    rows = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        if rows:
            yield "table", rows
            rows = []
        if heading := re.match(r"(#+) (.+)", line):
            yield "head", len(heading[1]), heading[2]
        elif line.startswith("- "):
            yield "item", line[2:]
        elif line == "---":
            yield ("break",)
        elif line.strip():
            yield "line", line.strip()


def sheets(text):
    """Yields (name, rows) for each part that begins with a line `# sheet NAME`."""
    for part in re.split(r"^# sheet ", text, flags=re.M)[1:]:
        name, _, body = part.partition("\n")
        yield name, list(csv.reader(io.StringIO(body)))


def cell_value(text):
    return int(text) if re.fullmatch(r"\d+", text) else text or None


# ---- writers ------------------------------------------------------------------------------------


def write_docx(text, path):
    import docx
    from docx.oxml.ns import qn

    document = docx.Document()
    for style in ["Normal", "Heading 1", "Heading 2", "Heading 3"]:
        fonts = document.styles[style].element.get_or_add_rPr().get_or_add_rFonts()
        fonts.set(qn("w:eastAsia"), "游明朝" if style == "Normal" else "游ゴシック")
    for block in blocks(text):
        match block:
            case "head", level, words:
                document.add_heading(words, level)
                if level == 1:
                    document.core_properties.title = words
            case "table", rows:
                table = document.add_table(len(rows), len(rows[0]), "Table Grid")
                for cells, row in zip(table.rows, rows):
                    for cell, words in zip(cells.cells, row):
                        cell.text = words
                document.add_paragraph()
            case "item", words:
                document.add_paragraph(words, "List Bullet")
            case "break",:
                document.add_page_break()
            case "line", words:
                document.add_paragraph(words)
    document.core_properties.author = "蔵崎市"
    document.core_properties.language = "ja-JP"
    save_zip(document, path)


def write_pptx(text, path):
    from pptx import Presentation
    from pptx.util import Cm

    show = Presentation()
    for number, part in enumerate(re.split(r"^---$", text, flags=re.M)):
        content = list(blocks(part))
        title = next(block[2] for block in content if block[0] == "head")
        table = next((block[1] for block in content if block[0] == "table"), None)
        words = [block[1] for block in content if block[0] in ("item", "line")]
        layout = 0 if number == 0 else 5 if table else 1
        slide = show.slides.add_slide(show.slide_layouts[layout])
        slide.shapes.title.text = title
        if table:
            size = len(table), len(table[0])
            frame = slide.shapes.add_table(*size, Cm(2), Cm(5), Cm(21), Cm(1.2 * size[0]))
            for at, row in enumerate(table):
                for column, cell in enumerate(row):
                    frame.table.cell(at, column).text = cell
        else:
            slide.placeholders[1].text = "\n".join(words)
    show.core_properties.title = "窓口応対の基本"
    show.core_properties.author = "蔵崎市"
    save_zip(show, path)


def write_xlsx(text, path):
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets(text):
        sheet = book.create_sheet(name)
        for at, row in enumerate(rows, 1):
            for column, words in enumerate(row, 1):
                cell = sheet.cell(at, column, cell_value(words))
                cell.number_format = "#,##0" if isinstance(cell.value, int) else "General"
                cell.font = Font(bold=at == 1)
        sheet.freeze_panes = "A2"
    book.properties.creator = "蔵崎市"
    save_zip(book, path)


def write_xls(text, path):
    import xlwt

    book = xlwt.Workbook(encoding="utf-8")
    head, money = xlwt.easyxf("font: bold on"), xlwt.easyxf(num_format_str="#,##0")
    for name, rows in sheets(text):
        sheet = book.add_sheet(name)
        for at, row in enumerate(rows):
            for column, words in enumerate(row):
                value = cell_value(words)
                style = head if at == 0 else money if isinstance(value, int) else xlwt.Style.default_style
                sheet.write(at, column, value, style)
    book.save(str(path))


def write_pdf(text, path):
    from reportlab.lib import colors, pagesizes
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    # Adobe's standard Japanese fonts, named in the file and not put into it.
    for font in ("HeiseiMin-W3", "HeiseiKakuGo-W5"):
        pdfmetrics.registerFont(UnicodeCIDFont(font))
    plain = ParagraphStyle("plain", fontName="HeiseiMin-W3", fontSize=10.5, leading=17, wordWrap="CJK")
    heads = [
        ParagraphStyle(f"h{size}", plain, fontName="HeiseiKakuGo-W5", fontSize=size, leading=size * 1.6,
                       spaceBefore=6, spaceAfter=4)
        for size in (16, 13, 11.5)
    ]
    story, title = [], path.stem
    for block in blocks(text):
        match block:
            case "head", level, words:
                story.append(Paragraph(words, heads[level - 1]))
                title = words if level == 1 else title
            case "table", rows:
                cells = [[Paragraph(words, plain) for words in row] for row in rows]
                grid = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])
                story += [Table(cells, style=grid, repeatRows=1), Spacer(1, 8)]
            case "break",:
                story.append(PageBreak())
            case "item" | "line", words:
                story.append(Paragraph(words, plain))

    def footer(canvas, _):
        canvas.setFont("HeiseiMin-W3", 9)
        canvas.drawCentredString(pagesizes.A4[0] / 2, 30, f"- {canvas.getPageNumber()} -")

    SimpleDocTemplate(
        str(path), pagesize=pagesizes.A4, title=title, author="蔵崎市", lang="ja", invariant=1
    ).build(story, onFirstPage=footer, onLaterPages=footer)


def write_scan(text, path):
    import random

    from PIL import Image, ImageDraw, ImageFont
    from reportlab.lib import pagesizes
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    size = 1240, 1754  # A4 at 150 dpi
    font, dust = ImageFont.truetype(SCAN_FONT, 30), random.Random(5)
    canvas = Canvas(str(path), pagesize=pagesizes.A4, invariant=1, pageCompression=1)
    for number, part in enumerate(re.split(r"^---$", text, flags=re.M)):
        page = Image.new("L", size, 255)
        draw = ImageDraw.Draw(page)
        for at, line in enumerate(part.strip("\n").split("\n")):
            draw.text((150, 180 + 52 * at), line, 0, font)
        page = page.rotate(0.7 - number, Image.Resampling.BICUBIC, fillcolor=255)
        for _ in range(300):
            page.putpixel((dust.randrange(size[0]), dust.randrange(size[1])), 0)
        image = ImageReader(page.convert("1", dither=Image.Dither.NONE))
        canvas.drawImage(image, 0, 0, *pagesizes.A4)
        canvas.showPage()
    canvas.save()


def write_text(text, path):
    encoding = ENCODINGS[path.relative_to(SAMPLE).as_posix()]
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))


def save_zip(document, path):
    """Saves an Office file with one fixed date inside, so that it is the same every time."""
    made = io.BytesIO()
    document.save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                day = rb"\g<1>2026-04-01T00:00:00Z\g<2>"
                data = re.sub(rb"(<dcterms:\w+ [^>]*>)[^<]*(</dcterms:\w+>)", day, data)
            if name == "_rels/.rels":  # a picture of the library's empty template
                data = re.sub(rb"<Relationship [^>]*thumbnail[^>]*/>", b"", data)
            if not name.endswith("thumbnail.jpeg"):
                new.writestr(zipfile.ZipInfo(name, (2026, 4, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def write(source, target):
    text = (SOURCE / source).read_text(encoding="utf-8")
    path = SAMPLE / target
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".xml":
        import law_xml

        path.write_text(law_xml.convert(text), encoding="utf-8")
    elif source.endswith("-scan.txt"):
        write_scan(text, path)
    else:
        writers = {".docx": write_docx, ".pptx": write_pptx, ".xlsx": write_xlsx, ".xls": write_xls}
        writers |= {".pdf": write_pdf, ".txt": write_text, ".csv": write_text}
        writers[path.suffix](text, path)


# ---- check --------------------------------------------------------------------------------------


def check():
    """Every answer is in its source word for word, every path exists, the folder is small."""
    origin = {target: SOURCE / source for source, target in FILES.items()}
    faults = []

    def text_of(path):
        return origin.get(path, SAMPLE / path).read_text(encoding="utf-8")

    dataset = tomllib.loads((SAMPLE / "dataset.toml").read_text(encoding="utf-8"))
    for document in dataset["document"]:
        if not (SAMPLE / document["path"]).is_file():
            faults.append(f"dataset.toml: no file {document['path']}")
    questions = tomllib.loads((SAMPLE.parent / "sample-questions.toml").read_text(encoding="utf-8"))["question"]
    for question in questions:
        if question["kind"] == "none":
            continue
        for key, words in (("source", "answer"), ("other", "other_answer")):
            lines = text_of(question[key]).splitlines() if key in question else []
            rows = [line for line in lines if key == "other" or question.get("row", "") in line]
            if key in question and not any(question[words] in line for line in rows):
                faults.append(f"{question['text']}: {question[words]} is not in {question[key]}")
    golden = tomllib.loads((SAMPLE / "golden.toml").read_text(encoding="utf-8"))["question"]
    for question in golden:
        if "source" in question and not (SAMPLE / question["source"]).is_file():
            faults.append(f"golden.toml: no file {question['source']}")
    files = [path for path in SAMPLE.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    if size > 1_500_000:
        faults.append(f"the folder has {size} bytes")
    print(f"{len(files) - 3} documents, {size:,} bytes, {len(questions)} + {len(golden)} questions")
    return faults


if __name__ == "__main__":
    if "--check" not in sys.argv:
        for made in FILES.items():
            write(*made)
    faults = check()
    print("\n".join(faults))
    sys.exit(bool(faults))

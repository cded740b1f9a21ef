"""Files of rows: what is read out of them, by line, and that what is written can be read again."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gateway.cli.bulk_rows import LONGEST_LINE, ReadRow, RowWriter, Wrong, columns, format_of, link_columns, read_rows
from gateway.cli.failures import CommandFailed
from gateway.cli.formats import FileFormat
from gateway.orders.bulk import BulkRow
from providers.models import Reference

PAY1 = Reference(provider="paypal", kind="paypal_order_id", value="PAY1")
INVOICE = Reference(provider="billink", kind="invoice_number", value="R-1")


def read(content: bytes | str, file_format: FileFormat = FileFormat.CSV) -> list[ReadRow | Wrong]:
    return list(read_rows(io.BytesIO(content.encode() if isinstance(content, str) else content), file_format))


def rows(content: bytes | str, file_format: FileFormat = FileFormat.CSV) -> list[BulkRow]:
    found = read(content, file_format)
    assert [each for each in found if isinstance(each, Wrong)] == []
    return [each.row for each in found if isinstance(each, ReadRow)]


def wrongs(content: bytes | str, file_format: FileFormat = FileFormat.CSV) -> list[str]:
    return [str(each) for each in read(content, file_format) if isinstance(each, Wrong)]


def test_a_row_says_what_its_columns_are_called() -> None:
    assert rows(
        "order_number,paypal_order_id,capture_id,invoice_number,tracking_number,carrier\n1001,PAY1,CAP1,R-1,T1,dhl\n"
    ) == [BulkRow("1001", (PAY1, INVOICE), "T1", "dhl", "CAP1")]


@pytest.mark.parametrize(
    ("content", "file_format"),
    [
        ("orderNumber,paypalOrderId\n1001,PAY1\n", FileFormat.CSV),
        ("paypal_order_id;order_number\r\nPAY1;1001\r\n", FileFormat.CSV),
        ("order_number\tpaypal_order_id\n1001\tPAY1", FileFormat.CSV),
        ('\ufefforder_number,paypal_order_id\n" 1001 ",PAY1\n', FileFormat.CSV),
        ("order_number,paypal_order_id,carrier\n\n1001,PAY1,\n,,\n", FileFormat.CSV),
        ('{"orderNumber": "1001", "paypal_order_id": "PAY1"}\n', FileFormat.JSONL),
        ('\ufeff{"order_number": 1001, "paypalOrderId": " PAY1 ", "carrier": null}\n\n', FileFormat.JSONL),
    ],
)
def test_spelling_delimiter_byte_order_mark_and_blanks_make_no_difference(
    content: str, file_format: FileFormat
) -> None:
    assert rows(content, file_format) == [BulkRow("1001", (PAY1,))]


def test_lines_are_those_of_the_file_where_a_row_takes_several() -> None:
    found = read('order_number,carrier\n\n"10\n01",x\n1002,y\n')

    assert [(each.line, each.row.order_number) for each in found if isinstance(each, ReadRow)] == [
        (3, "10\n01"),
        (5, "1002"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: is empty; the first line names the columns"),
        ("order,carrier\n", f"line 1: 'order' is no column; the columns are {', '.join(columns())}"),
        ("carrier\n", f"line 1: needs the column order_number; the columns are {', '.join(columns())}"),
        ("order_number,orderNumber\n", "line 1: names the column order_number twice"),
        ("order_number,carrier\n1\n", "line 2: has 1 cells, and the header has 2"),
        ("order_number,carrier\n1,2,3\n", "line 2: has 3 cells, and the header has 2"),
        ("order_number,carrier\n,x\n", "line 2: order_number: is missing"),
        (b"order_number\n\xff\n", "line 2: is not UTF-8; save the file as UTF-8"),
        ("order_number\n1001".encode("utf-16"), "line 1: is not UTF-8; save the file as UTF-8"),
        (b"order_number\n" + b"1" * (LONGEST_LINE + 1), f"line 2: is longer than {LONGEST_LINE:,} bytes"),
    ],
)
def test_what_is_no_row_of_csv_is_told_by_line(content: str | bytes, message: str) -> None:
    assert wrongs(content) == [message]


@pytest.mark.parametrize("content", ['order_number\n"1" 2\n', 'order_number\n"' + "1\n" * 100_000])
def test_quotes_that_fit_nowhere_end_the_reading(content: str) -> None:
    *_, last = read(content)

    assert isinstance(last, Wrong)
    assert last.message.startswith("is no CSV: ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nothing", "line 2: is no JSON"),
        ('["order_number"]', "line 2: is no JSON object"),
        ('{"order_number": true}', "line 2: order_number: takes text"),
        ('{"order_number": 1.5}', "line 2: order_number: takes text"),
        ('{"order_number": {"a": 1}}', "line 2: order_number: takes text"),
        ('{"order_number": "1", "orderNumber": "1"}', "line 2: order_number: is given twice"),
        ('{"carrier": "dhl"}', "line 2: order_number: is missing"),
        ("[" * 100_000, "line 2: is no JSON"),
        (
            '{"order_number": "1", "nmber": "2"}',
            f"line 2: 'nmber' is no column; the columns are {', '.join(columns())}",
        ),
    ],
)
def test_what_is_no_row_of_json_is_told_by_line_and_the_next_one_is_read(line: str, message: str) -> None:
    found = read(f'{{"order_number": "1"}}\n{line}\n{{"order_number": "3"}}\n', FileFormat.JSONL)

    assert [str(each) for each in found if isinstance(each, Wrong)] == [message]
    assert [each.line for each in found if isinstance(each, ReadRow)] == [1, 3]


@pytest.mark.parametrize("file_format", list(FileFormat))
def test_what_is_written_is_read_again(file_format: FileFormat) -> None:
    out = io.StringIO()
    writer = RowWriter(out, file_format, ("order_number", *link_columns()))
    writer.write({"order_number": '10,"01', "paypal_order_id": "PAY1"})
    writer.write({"order_number": "1002", "invoice_number": "R-1"})

    assert rows(out.getvalue(), file_format) == [BulkRow('10,"01', (PAY1,)), BulkRow("1002", (INVOICE,))]


def test_the_name_tells_the_format_unless_it_is_said() -> None:
    assert format_of(Path("a.CSV"), None) is FileFormat.CSV
    assert format_of(Path("a.ndjson"), None) is FileFormat.JSONL
    assert format_of(Path("a.csv"), FileFormat.JSONL) is FileFormat.JSONL
    with pytest.raises(CommandFailed, match=r"a\.txt: its name does not tell the format; say --format csv or"):
        format_of(Path("a.txt"), None)

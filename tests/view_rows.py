"""What the tests read from a database: every public view, as rows and as the text of an `expected` file."""

import json
import re
import sqlite3


# What rows are sorted by, of what a view has of it.
ORDER = ('capture_id', 'flow_id', 'mail_id', 'file_id', 'number', 'from_side', 'time_us')


class Views:
    """All public views of a database, or `only` some: names in schema order, columns, and rows as tuples."""

    def __init__(self, path, only=None):
        self.columns = {}
        self.rows = {}
        database = sqlite3.connect('file:%s?mode=ro' % path, uri=True)
        try:
            names = [name for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY rowid")]
            for name in names:
                if only is not None and name not in only:
                    continue
                cursor = database.execute('SELECT * FROM "%s"' % name)
                self.columns[name] = [column[0] for column in cursor.description]
                self.rows[name] = self.in_order(name, cursor.fetchall())
        finally:
            database.close()

    def in_order(self, view, rows):
        """By their ids, as SQL promises no order; rows without any stay as they are."""
        at = [self.columns[view].index(name) for name in ORDER if name in self.columns[view]]
        return sorted(rows, key=lambda row: [(row[i] is not None, row[i]) for i in at])

    def dicts(self, view):
        """The rows of a view as dictionaries; none where there is no such view."""
        return [dict(zip(self.columns[view], row)) for row in self.rows.get(view, [])]


def value_text(value):
    """NULL is a bare word, numbers are bare, text is quoted: none can be taken for another."""
    if value is None:
        return 'NULL'
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bytes):
        return 'BYTES ' + value.hex()
    return repr(value)


def dump(views):
    """The text of an `expected` file: one block a row, one line a column."""
    lines = []
    for view, rows in views.rows.items():
        width = max(len(column) for column in views.columns[view]) + 1
        for number, row in enumerate(rows, 1):
            lines.append('== %s %d' % (view, number))
            for column, value in zip(views.columns[view], row):
                lines.append('%s %s' % ((column + ':').ljust(width), value_text(value)))
            lines.append('')
    return '\n'.join(lines)


def columns_of_dump(text):
    """What an `expected` file shows: {(view, column): whether any row has a value}."""
    found = {}
    view = None
    for line in text.split('\n'):
        header = re.fullmatch(r'== (\w+) \d+', line)
        if header:
            view = header.group(1)
            continue
        column = re.match(r'([\w.]+): +(.*)', line)
        if column and view:
            key = (view, column.group(1))
            found[key] = found.get(key, False) or column.group(2) != 'NULL'
    return found


# Columns that count packets, or come from an analysis of packets: the same stream in other segments changes them.
PACKET_COLUMNS = re.compile(
    r'.*_packets|.*_pkts|.*_ip_bytes|.*_retransmitted|.*_out_of_order|rtt_us|history|packets|ndpi_.*|wire_bytes')

# Views about the capture itself, and those that may count its packets.
PACKET_VIEWS = {'anomalies', 'captures', 'timeline'}


def is_about_segments(view, row):
    """Findings of the reassembly: what a repeated segment is compared with goes by segments, not by bytes."""
    return view == 'findings' and row['name'].startswith('tcp_')


def protocol_rows(views):
    """The rows that must not depend on how the streams were cut into segments: {view: [{column: value}]}."""
    rows = {}
    for view in views.rows:
        if view in PACKET_VIEWS:
            continue
        rows[view] = [{column: value for column, value in row.items() if not PACKET_COLUMNS.fullmatch(column)}
                      for row in views.dicts(view) if not is_about_segments(view, row)]
    return rows


ID_COLUMN = re.compile(r'.*flow_id|mail_id|file_id|uid')


def rows_without_ids(views):
    """
    The rows with flow ids replaced by names of the flows that do not depend on the order in which the threads met them;
    other ids by whether they are there. Sorted: {view: [row]}.
    """
    names = {None: None}
    taken = {}
    for flow in sorted(views.dicts('flows'), key=lambda row: row['flow_id']):
        name = '%s %s:%s %s:%s %s' % tuple(
            flow[column] for column in ('transport', 'client_ip', 'client_port', 'server_ip', 'server_port', 'start_us'))
        taken[name] = taken.get(name, 0) + 1
        names[flow['flow_id']] = '%s #%d' % (name, taken[name])
    rows = {}
    for view in views.rows:
        plain = []
        for row in views.dicts(view):
            for column, value in row.items():
                if column.endswith('flow_id'):
                    row[column] = names.get(value, 'no such flow')
                elif ID_COLUMN.fullmatch(column) and value is not None:
                    row[column] = 'some'
            plain.append(value_text(json.dumps(row, sort_keys=True)))
        rows[view] = sorted(plain)
    return rows
